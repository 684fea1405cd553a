import * as z from 'zod/mini';

/**
 * What other systems are told, version 1. Adding an optional field or a type keeps the version; anything that would break a
 * reader makes the next one. No event holds a name, an address, free text, or who of the staff did it; see docs/events.md.
 */
export const EVENT_SCHEMA = 1;

const Text = z.string().check(z.minLength(1));
const Instant = z.iso.datetime();
const Day = z.iso.date();

const envelope = {
  schema: z.literal(EVENT_SCHEMA),
  /** The same for the same event however often it is sent: what a reader has seen before, it leaves. */
  id: Text,
  /** When it happened in the business; not when it was sent. */
  at: Instant,
  /** The company's own id. */
  customerId: Text,
  /** What the event is about: a placement, a proposal, a case or an answer. */
  about: Text,
  /** Grows with each event about the same thing; a reader leaves what is not above the last it has seen. */
  sequence: z.int().check(z.nonnegative()),
};

const event = <Type extends string, Data extends z.core.$ZodShape>(type: Type, data: Data) =>
  z.strictObject({ ...envelope, type: z.literal(type), data: z.strictObject(data) });

const SegmentMoved = event('segment.moved', {
  /** `rollback` takes back an earlier event of the same run. */
  cause: z.enum(['run', 'rollback']),
  runId: Text,
  period: Text,
  asOf: Day,
  dimension: Text,
  /** null: the customer is new. */
  from: z.nullable(Text),
  /** null: the customer has left. */
  to: z.nullable(Text),
  kind: z.enum(['new', 'up', 'down', 'sideways', 'left']),
  branch: z.nullable(Text),
});

const flagData = {
  flag: z.enum(['upgrade', 'exit']),
  state: z.enum(['open', 'approved', 'refused', 'expired', 'withdrawn']),
  /** The run that raised or last confirmed it. */
  runId: Text,
  period: Text,
  segment: Text,
  branch: z.nullable(Text),
  /** In the unit of the policy's value metric; money in minor units. */
  stake: z.number(),
  /** Figures by name. */
  evidence: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Last day on which it can be decided. */
  expiresOn: Day,
};

const caseData = {
  caseId: Text,
  waveId: Text,
  state: z.enum(['open', 'taken', 'closed']),
  reason: z.enum(['complaint', 'callMe', 'lowAnswer', 'wrongPerson']),
  question: z.enum(['nps', 'csat', 'ces']),
  /** Null where somebody only said that the mail was not meant for them. */
  score: z.nullable(z.number()),
  segment: Text,
  branch: z.nullable(Text),
  /** Whose queue it is in. */
  owner: z.enum(['manager', 'branch', 'central', 'superior']),
  priority: z.enum(['high', 'normal']),
  dueAt: Instant,
  /** How it ended; absent while it has not. */
  outcome: z.optional(Text),
};

const answerData = {
  answerId: Text,
  waveId: Text,
  version: z.int().check(z.positive()),
  question: z.enum(['nps', 'csat', 'ces']),
  /** Null where somebody only said that the mail was not meant for them. */
  score: z.nullable(z.number()),
  segment: Text,
  branch: z.nullable(Text),
  /** What was asked for beside the score. */
  wishes: z.array(z.enum(['call', 'complaint', 'notMe'])),
  /** Whether it counts for nothing, since a machine or somebody else may have given it. */
  suspect: z.boolean(),
};

const FLAG_SCHEMAS = [
  event('flag.raised', flagData),
  event('flag.confirmed', flagData),
  event('flag.withdrawn', flagData),
  event('flag.expired', flagData),
  event('flag.reopened', flagData),
  event('decision.approved', flagData),
  event('decision.refused', flagData),
] as const;
const CASE_SCHEMAS = [
  event('case.opened', caseData),
  event('case.taken', caseData),
  event('case.updated', caseData),
  event('case.escalated', caseData),
  event('case.closed', caseData),
  event('case.reopened', caseData),
] as const;
const ANSWER_SCHEMAS = [
  event('answer.stored', answerData),
  event('answer.changed', answerData),
  event('answer.confirmed', answerData),
  event('answer.discarded', answerData),
] as const;

/** Every event that leaves the product. */
export const BusinessEvent = z.discriminatedUnion('type', [
  SegmentMoved,
  ...FLAG_SCHEMAS,
  ...CASE_SCHEMAS,
  ...ANSWER_SCHEMAS,
]);
export type BusinessEvent = z.infer<typeof BusinessEvent>;

export type FlagEventType = z.infer<(typeof FLAG_SCHEMAS)[number]>['type'];
export type CaseEventType = z.infer<(typeof CASE_SCHEMAS)[number]>['type'];
export type AnswerEventType = z.infer<(typeof ANSWER_SCHEMAS)[number]>['type'];
export type EventType = BusinessEvent['type'];

/** All types, in the order of the documentation. */
export const EVENT_TYPES = [
  'segment.moved',
  'flag.raised',
  'flag.confirmed',
  'flag.withdrawn',
  'flag.reopened',
  'flag.expired',
  'decision.approved',
  'decision.refused',
  'case.opened',
  'case.taken',
  'case.updated',
  'case.escalated',
  'case.closed',
  'case.reopened',
  'answer.stored',
  'answer.changed',
  'answer.confirmed',
  'answer.discarded',
] as const satisfies readonly EventType[];

/** An event that waits to be sent, as it is kept beside what it tells of. */
export interface OutboxEntry {
  readonly event: BusinessEvent;
  /** A run's doing, of which nothing is told before it is published, and nothing ever if it is abandoned. */
  readonly runId?: string;
}
