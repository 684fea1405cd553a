import * as z from 'zod/mini';

export const WAVE_STATES = ['planned', 'sending', 'open', 'closed', 'cancelled'] as const;

/** What an operator ordered of a wave. Kept with it. */
export const WaveControl = z.object({
  action: z.enum(['pause', 'resume', 'cancel']),
  by: z.string(),
  reason: z.nullable(z.string()),
  at: z.string(),
});
export type WaveControl = z.infer<typeof WaveControl>;

/** The record of a survey wave, kind WAVE of table `runs`. Everything that crosses a Wait is here. */
export const WaveRecord = z.object({
  waveId: z.string(),
  runId: z.string(),
  period: z.string(),
  policyHash: z.string(),
  /** The dimension whose segments are surveyed. */
  dimension: z.string(),
  question: z.enum(['nps', 'csat', 'ces']),
  /** Goes into the order of the draw. */
  seed: z.string(),
  state: z.enum(WAVE_STATES),
  plannedAt: z.string(),
  /** When reminders go out; equal to `closesAt` where there are none. */
  remindAt: z.string(),
  /** The first instant at which answers are refused. */
  closesAt: z.string(),
  /** Why sending rests; a brake lifts itself with the next accepted mail, an operator's pause does not. */
  pause: z.nullable(
    z.object({
      by: z.enum(['brake', 'operator']),
      reason: z.string(),
      at: z.string(),
      /** When the mail service refused last. */
      triedAt: z.optional(z.string()),
    }),
  ),
  /** Customers of the run's plan; null before the audience is drawn. */
  population: z.nullable(z.number()),
  drawn: z.nullable(z.number()),
  batches: z.number(),
  /** Customers who were not drawn, by reason. */
  notDrawn: z.record(z.string(), z.number()),
  finishedAt: z.nullable(z.string()),
  /** What operators ordered, the oldest first. */
  orders: z.optional(z.array(WaveControl)),
});
export type WaveRecord = z.infer<typeof WaveRecord>;

/** `waves/<waveId>/drawn.json`: the audience, written once. A resume reads it and never draws again. */
export const DrawnAudience = z.object({
  waveId: z.string(),
  batchSize: z.number(),
  /** Name of the document with everybody who was not drawn. */
  populationFile: z.string(),
  population: z.number(),
  notDrawn: z.record(z.string(), z.number()),
  drawn: z.array(z.object({ invitationId: z.string(), subject: z.string(), segment: z.string() })),
});
export type DrawnAudience = z.infer<typeof DrawnAudience>;

/** The named reason of everybody who was not drawn: `[subject, segment, reason]`, and until when where the reason passes. */
export const PopulationRows = z.array(z.tuple([z.string(), z.string(), z.string()], z.string()));

const Count = z.number();
const Counts = z.record(z.string(), Count);

/** The ledger of a wave in figures. population = drawn + Σ notDrawn; drawn = planned + sent + rejected + uncertain + Σ skipped. */
export const WaveStatus = z.object({
  waveId: z.string(),
  runId: z.string(),
  state: z.enum(WAVE_STATES),
  remindAt: z.string(),
  closesAt: z.string(),
  pause: WaveRecord.shape.pause,
  /** What operators ordered of the wave, the oldest first. */
  orders: WaveRecord.shape.orders,
  population: Count,
  drawn: Count,
  notDrawn: Counts,
  /** Not yet sent. */
  planned: Count,
  sent: Count,
  rejected: Count,
  /** May or may not have been sent; never sent again by itself. */
  uncertain: Count,
  skipped: Counts,
  delivered: Count,
  bounced: Count,
  complained: Count,
  reminded: Count,
  /** Answers that count. */
  answered: Count,
  /** Answers that look like a machine's; not in `answered`. */
  suspect: Count,
  /** By segment: invited counts sent mails. What was answered is for `wave results`, which hides small groups. */
  segments: z.record(
    z.string(),
    z.object({
      population: Count,
      drawn: Count,
      invited: Count,
      delivered: Count,
      answered: Count,
      suspect: Count,
    }),
  ),
  /** Invitation ids of uncertain mails, at most 1,000. */
  uncertainIds: z.array(z.string()),
  /** The ledger: each customer of the population in exactly one state of `LEDGER_STATES`; only states that occur. */
  states: z.optional(Counts),
  /** From when the budget of the first and of the last customer with `contactBudget` allows a survey; null where it is unknown. */
  budgetFree: z.optional(z.nullable(z.object({ first: z.string(), last: z.string() }))),
});
export type WaveStatus = z.infer<typeof WaveStatus>;

/** The envelope in which SNS hands a mail event to the queue. */
export const MailEventEnvelope = z.object({
  Type: z.literal('Notification'),
  TopicArn: z.string(),
  Message: z.string(),
});

/** The parts of an SES event that matter here. */
export const MailEvent = z.object({
  eventType: z.string(),
  mail: z.object({
    messageId: z.string(),
    timestamp: z.string(),
    tags: z.optional(z.record(z.string(), z.array(z.string()))),
  }),
  delivery: z.optional(z.object({ timestamp: z.string() })),
  bounce: z.optional(z.object({ bounceType: z.string(), timestamp: z.string(), feedbackId: z.optional(z.string()) })),
  complaint: z.optional(z.object({ timestamp: z.string(), feedbackId: z.optional(z.string()) })),
  reject: z.optional(z.object({ reason: z.string() })),
});
export type MailEvent = z.infer<typeof MailEvent>;

const BothLanguages = z.object({ en: z.string(), 'zh-CN': z.string() });

/** Who writes to customers, as the law wants it; on mails and on pages. */
export const SurveyIdentity = z.object({
  /** A verified address of the company's own domain. */
  senderAddress: z.string(),
  /** A monitored mailbox. */
  replyToAddress: z.string(),
  company: BothLanguages,
  postalAddress: BothLanguages,
  /** How a reader can check that a mail is genuine: a number to call, a page to visit. */
  howToVerify: BothLanguages,
});
export type SurveyIdentity = z.infer<typeof SurveyIdentity>;

/** The item `mail-rate` of table `runs`: the first sending slot that nobody has, milliseconds since 1970 on real time. */
export const MailRate = z.object({ nextSlotMs: z.number() });
export type MailRate = z.infer<typeof MailRate>;
