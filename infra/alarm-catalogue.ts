/** What an alarm means to people. Each has a section of the same name in docs/runbook.md. */
export interface AlarmMeaning {
  /** What customers or operators suffer while it is on. */
  readonly impact: string;
}

/** Every alarm of a stage by name: the name is the heading of its section in the runbook. */
export const ALARMS = {
  'run-failed': { impact: 'This run is not published, or is degraded. Segments and flags of before stay in force.' },
  'wave-failed': {
    impact:
      'A survey stopped or ended with mails that nobody knows of. Links of mails that went out still take answers.',
  },
  'schedule-not-delivered': {
    impact: 'The monthly run did not begin, or stored answers and due work are not picked up each minute.',
  },
  'mail-events-not-read': {
    impact: 'Bounces and complaints are not noted. Sending goes on to addresses that should get nothing.',
  },
  'events-not-sent': {
    impact: 'The CRM and other systems are not told of moves, cases and answers. Nothing is lost: all is sent later.',
  },
  'file-not-imported': {
    impact: 'A file that another system dropped is not in the scores: segments are computed without it.',
  },
  'bounces-near-limit': { impact: 'AWS reviews an account at 5 % and pauses all its mail at 10 %.' },
  'complaints-near-limit': { impact: 'AWS reviews an account at 0.1 % and pauses all its mail at 0.5 %.' },
  'wave-braked': {
    impact: 'A survey stopped by itself: too many bounces or complaints, or the mail service takes nothing.',
  },
  'mails-uncertain': {
    impact: 'Some customers may have got a mail that the ledger does not know of, or none. Nothing is sent twice.',
  },
  'answers-not-projected': {
    impact: 'Customers answered and were thanked, but scores and cases do not have it yet: nobody calls them.',
  },
  'events-waiting': {
    impact: 'Other systems work with segments and cases that are more than an hour old. Nothing is lost.',
  },
  'records-quarantined': {
    impact: 'More than 1 of 1,000 customers could not be read and kept the segment of before.',
  },
  'failures-unclassified': {
    impact: 'Functions fail for a reason that the product does not know. Steps are repeated; some may fail for good.',
  },
  'pages-failing': {
    impact: 'Customers who open a link see "please try again". Answers that were thanked for are safe.',
  },
  'tables-throttled': {
    impact: 'Runs and pages take longer. Nothing is lost: every step is repeated until it is written.',
  },
} as const satisfies Readonly<Record<string, AlarmMeaning>>;

export type AlarmName = keyof typeof ALARMS;

/** Where the runbook is, for people who get an alarm and do not know the product. */
export const RUNBOOK = 'docs/runbook.md';

/** What an alarm's mail says. */
export const describeAlarm = (name: AlarmName): string =>
  `Impact: ${ALARMS[name].impact} What to do: ${RUNBOOK}#${name}`;
