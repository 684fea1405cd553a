/**
 * Every metric there is. A metric costs money for each hour in which it is sent, once per value of its dimensions, so the
 * dimensions are the stage, and for some the function, and never anything that grows: no customer, segment, wave or run.
 */
export interface MetricMeaning {
  /** As CloudWatch names it. */
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** `count` adds up and is not sent where it is 0, so that no data means none. `gauge` is the state now; 0 is sent too. */
  readonly kind: 'count' | 'gauge';
  /** Which end is good; `neither` where a figure is only to be known. */
  readonly good: 'low' | 'high' | 'neither';
  /** One sentence for the runbook and the dashboard. */
  readonly means: string;
}

export const METRIC_NAMESPACE = 'Resegment';

/** By stage and function. */
export const FUNCTION_METRICS = {
  Duration: {
    unit: 'Milliseconds',
    kind: 'gauge',
    good: 'low',
    means: 'How long a call took that ended well. Its sample count is how many did.',
  },
  ColdStart: {
    unit: 'Count',
    kind: 'count',
    good: 'low',
    means: 'Calls for which the function had to be loaded first.',
  },
  FailedRetryable: {
    unit: 'Count',
    kind: 'count',
    good: 'low',
    means: 'Calls that may go well when they are repeated.',
  },
  FailedPoison: { unit: 'Count', kind: 'count', good: 'low', means: 'Calls with an input that can never go well.' },
  FailedPermanent: {
    unit: 'Count',
    kind: 'count',
    good: 'low',
    means: 'Calls that fail until somebody changes something.',
  },
  FailedUnclassified: {
    unit: 'Count',
    kind: 'count',
    good: 'low',
    means: 'Calls that failed for a reason that has no name yet. They are repeated.',
  },
} as const satisfies Readonly<Record<string, MetricMeaning>>;
export type FunctionMetric = keyof typeof FUNCTION_METRICS;

const count = <Good extends MetricMeaning['good']>(good: Good, means: string) =>
  ({ unit: 'Count', kind: 'count', good, means }) as const;
const gauge = <Unit extends MetricMeaning['unit'], Good extends MetricMeaning['good']>(
  unit: Unit,
  good: Good,
  means: string,
) => ({ unit, kind: 'gauge', good, means }) as const;

/** By stage only. */
export const STAGE_METRICS = {
  UnclassifiedFailures: count('low', 'Calls of any function that failed for a reason that has no name yet.'),

  CustomersRead: gauge('Count', 'neither', 'Customers whom the published run read.'),
  CustomersQuarantined: gauge('Count', 'low', 'Of these, those whose record could not be understood.'),
  CustomersMovedUp: gauge(
    'Count',
    'neither',
    'Customers whom the run moved to a better segment of the main dimension.',
  ),
  CustomersMovedDown: gauge('Count', 'neither', 'Customers whom the run moved to a worse one.'),
  FlagsProposed: gauge('Count', 'neither', 'Upgrades and exits that the run proposes to people.'),
  SecondsToPublish: gauge('Seconds', 'low', 'From opening the run to its publication.'),
  RunsPublished: count('high', 'Runs that were published, degraded ones included.'),
  RunsDegraded: count('low', 'Runs that were published with too many records in quarantine.'),
  RunsHeld: count('low', 'Runs that a brake held. Operators got a mail.'),
  RunsFailed: count('low', 'Runs that failed in a step, for good.'),

  CustomersInvited: gauge('Count', 'neither', 'Customers drawn for the wave.'),
  InvitationsSent: count('neither', 'Invitations that the mail service took.'),
  RemindersSent: count('neither', 'Reminders that the mail service took.'),
  MailsUncertain: count('low', 'Mails of which nobody knows whether they were sent. They are not sent again.'),
  MailsRejected: count('low', 'Mails that the mail service refused for good.'),
  MailEvents: count('neither', 'Events of mails that were noted.'),
  MailEventsRefused: count('low', 'Events of mails that could not be taken. They come again, at most five times.'),
  MailsBounced: count('low', 'Mails to addresses that do not exist.'),
  MailsComplained: count('low', 'Mails that were called spam.'),
  WavesBraked: count('low', 'Times that bounces, complaints or the mail service stopped a wave.'),
  WaveAnswered: gauge('Count', 'high', 'Answers that count, of the wave that was closed.'),
  WaveUncertain: gauge('Count', 'low', 'Uncertain invitations of the wave that was closed.'),

  AnswersStored: count('high', 'Answers that customers gave, changes of them included.'),
  AnswersProjected: count('high', 'Answers that were brought to the facts of their customers.'),
  OldestAnswerSeconds: gauge(
    'Seconds',
    'low',
    'Age of the oldest answer that still waits to be projected when the sweeper has ended; 0: none waits.',
  ),

  EventsSent: count('neither', 'Events that the bus took.'),
  EventsHeld: gauge('Count', 'neither', 'Events of runs that are not published yet.'),
  OldestEventSeconds: gauge(
    'Seconds',
    'low',
    'Age of the oldest event that could have been sent and still waits when the sweeper has ended; 0: none waits.',
  ),

  RowsImported: count('neither', 'Rows of files that were imported.'),
  RowsRejected: count('low', 'Rows of files that were not, since something in them was wrong.'),
  DroppedFilesFailed: count('low', 'Files that were dropped for a feed and could not be imported.'),

  CasesOpened: count('neither', 'Cases that answers opened.'),
  CasesEscalated: count('low', 'Cases that went to the next above, since they were open for twice their time.'),
  StaffMailsBounced: count('low', 'Mails to the staff that came back, or were called spam. Operators got a mail.'),
  CasesOpen: gauge('Count', 'low', 'Cases that are open or taken now.'),
  CasesOverdue: gauge('Count', 'low', 'Of these, those past their due time.'),
} as const satisfies Readonly<Record<string, MetricMeaning>>;
export type StageMetric = keyof typeof STAGE_METRICS;

/** The only dimensions. */
export const METRIC_DIMENSIONS = ['stage', 'function'] as const;
