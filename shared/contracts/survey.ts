import * as z from 'zod/mini';

export { DEFAULT_MAIL_BRAKES, type MailBrakes as MailBrakeLimits } from '#shared/domain/mail-brake.ts';

import { PREFLIGHT_FINDINGS } from '../domain/wave-preflight.ts';

export const WAVE_STATES = ['planned', 'sending', 'open', 'closed', 'cancelled'] as const;

/** What an operator ordered of a wave. Kept with it. */
export const WaveControl = z.object({
  action: z.enum(['pause', 'resume', 'cancel', 'redrive']),
  by: z.string(),
  reason: z.nullable(z.string()),
  at: z.string(),
});
export type WaveControl = z.infer<typeof WaveControl>;

/** What stopped a wave, and what became of the notice to the operators. */
export const WaveBraked = z.object({
  at: z.string(),
  hits: z.array(z.object({ brake: z.enum(['bounceShare', 'complaintShare']), actual: z.number(), limit: z.number() })),
  sent: z.number(),
  bounced: z.number(),
  complained: z.number(),
  /** `claimed`: under way, or lost when its sender died. It is never sent twice. */
  notice: z.enum(['due', 'claimed', 'sent', 'uncertain']),
});
export type WaveBraked = z.infer<typeof WaveBraked>;

/** `Preflight` of shared/domain/wave-preflight.ts: what the mail service allowed and said, and what the wave needs. */
export const WavePreflight = z.object({
  at: z.string(),
  verdict: z.enum(['ok', 'warn', 'refuse']),
  findings: z.array(
    z.object({
      verdict: z.enum(['warn', 'refuse']),
      name: z.enum(PREFLIGHT_FINDINGS),
      actual: z.number(),
      limit: z.number(),
    }),
  ),
  invitations: z.number(),
  reminders: z.number(),
  quota: z.nullable(z.object({ max24h: z.number(), maxPerSecond: z.number(), sentLast24h: z.number() })),
  quotaLeft: z.nullable(z.number()),
  ratePerSecond: z.number(),
  sendingSeconds: z.number(),
  days: z.number(),
  bounceRate: z.nullable(z.number()),
  complaintRate: z.nullable(z.number()),
  attempts: z.number(),
  sandbox: z.boolean(),
  costMicroUsd: z.number(),
});

/** One day on which invitations of a wave go out. Its batches are `firstBatch` and the `batches` - 1 after it. */
export const WaveDay = z.object({
  /** From when on; later than planned where the day before was not done. */
  from: z.string(),
  /** When its reminders go out; not before the wave closes where there are none. */
  remindAt: z.string(),
  mails: z.number(),
  firstBatch: z.number(),
  batches: z.number(),
  /** When its invitations were last given to the senders. */
  sentAt: z.optional(z.string()),
  /** When its reminders were. */
  remindedAt: z.optional(z.string()),
});
export type WaveDay = z.infer<typeof WaveDay>;

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
  /**
   * Why sending rests. `brake`: the mail service takes nothing; lifts itself with the next accepted mail. `operator`, and
   * `reputation`: too many mails bounced or were complained about; both rest until an operator resumes.
   */
  pause: z.nullable(
    z.object({
      by: z.enum(['brake', 'operator', 'reputation']),
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
  /** 0..100; of two waves that want the same customer, the one with the higher number asks. */
  priority: z.optional(z.number()),
  /** The last look at the mail service before the audience was drawn. */
  preflight: z.optional(WavePreflight),
  /** The days on which invitations go out, ascending; absent before the audience is drawn. */
  days: z.optional(z.array(WaveDay)),
  /** Most mails of the wave in 24 hours, invitations and reminders; absent before the audience is drawn. */
  dailyMails: z.optional(z.number()),
  /** The last time that too many bounces or complaints stopped the wave; stays when somebody resumes it. */
  braked: z.optional(WaveBraked),
  /** Only mails sent after this instant are judged: an operator saw the earlier ones and resumed. */
  judgedFrom: z.optional(z.string()),
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
  drawn: z.array(
    z.object({
      invitationId: z.string(),
      subject: z.string(),
      segment: z.string(),
      /** Put off to this instant, when the contact budget is free. */
      notBefore: z.optional(z.string()),
    }),
  ),
  /** Name of the document with the subjects who had their turn and may not be written to. */
  turnsFile: z.optional(z.string()),
  /** When invitations and reminders go out and the wave closes. */
  schedule: z.optional(
    z.object({ days: z.array(WaveDay), dailyMails: z.number(), remindAt: z.string(), closesAt: z.string() }),
  ),
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
  priority: WaveRecord.shape.priority,
  preflight: WaveRecord.shape.preflight,
  days: WaveRecord.shape.days,
  braked: WaveRecord.shape.braked,
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
  /** Invitations in the state `deferred`, and the first and last instant to which they are put off; null where there is none. */
  deferred: z.optional(z.nullable(z.object({ count: Count, first: z.string(), last: z.string() }))),
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

/** An instant as SES writes it; only one that can be read is let in. */
const Timestamp = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text))));

/** The parts of an SES event that matter here. */
export const MailEvent = z.object({
  eventType: z.string(),
  mail: z.object({
    messageId: z.string(),
    timestamp: Timestamp,
    tags: z.optional(z.record(z.string(), z.array(z.string()))),
  }),
  delivery: z.optional(z.object({ timestamp: Timestamp })),
  bounce: z.optional(
    z.object({
      bounceType: z.string(),
      bounceSubType: z.optional(z.string()),
      timestamp: Timestamp,
      feedbackId: z.optional(z.string()),
    }),
  ),
  complaint: z.optional(
    z.object({
      complaintSubType: z.optional(z.nullable(z.string())),
      timestamp: Timestamp,
      feedbackId: z.optional(z.string()),
    }),
  ),
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
  /** What the law or the company's rules want said besides, such as who is responsible for the data and where the notice on privacy is. */
  legalNotice: z.optional(BothLanguages),
  /** Of a customer of whom no language is known. */
  defaultLanguage: z.enum(['en', 'zh-CN']),
});
export type SurveyIdentity = z.infer<typeof SurveyIdentity>;

/** The item `mail-rate` of table `runs`: the first sending slot that nobody has, milliseconds since 1970 on real time. */
export const MailRate = z.object({ nextSlotMs: z.number() });
export type MailRate = z.infer<typeof MailRate>;

/**
 * What the mails of one kind in one batch of a wave came to, kind TALLY of table `runs`, id `waveId#kind#batch`. The brake
 * adds them up. `sent` is counted from the invitations, half-way and when the batch was sent; bounces and complaints are sets of
 * mails, so that an event that comes twice is in them once.
 */
export const MailTally = z.object({
  /** `judgedFrom` of the wave when it was counted; null for the whole wave. */
  from: z.nullable(z.string()),
  /** Mails sent after `from`; null until they were counted, and until then the batch is not judged. */
  sent: z.nullable(z.number()),
  /** While the batch is being sent: when it was counted; bounces of mails sent later wait for the next count. Null: all. */
  until: z.nullable(z.string()),
  /** Hard bounces: when the mail was sent, by invitation id. */
  bounced: z.record(z.string(), z.string()),
  complained: z.record(z.string(), z.string()),
});
export type MailTally = z.infer<typeof MailTally>;

const Share = z.number().check(z.gt(0), z.lte(1));

/** From which shares on a wave stops sending: `MailBrakes` of shared/domain/mail-brake.ts, which has the defaults. */
export const MailBrakes = z.strictObject({
  bounceShare: Share,
  complaintShare: Share,
  afterSends: z.int().check(z.gte(1)),
});
