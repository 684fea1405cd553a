import * as z from 'zod/mini';
import { BRAKES } from './workflows.ts';

export const RUN_STATES = [
  'planning',
  'planned',
  'held',
  'applying',
  'published',
  'degraded',
  'failed',
  'abandoned',
  'rolledBack',
] as const;

/** A brake that stopped a run, with the figures. */
export const BrakeHit = z.object({
  brake: z.enum(BRAKES),
  limit: z.union([z.number(), z.string()]),
  actual: z.union([z.number(), z.string()]),
  /** Counts and dates behind `actual`; absent in records of before they were kept. */
  figures: z.optional(z.record(z.string(), z.union([z.number(), z.string()]))),
  message: z.string(),
});
export type BrakeHit = z.infer<typeof BrakeHit>;

/** The record of a run, in table `runs`. Everything business-like that a later step needs, frozen by `open-run`. */
export const RunRecord = z.object({
  runId: z.string(),
  trigger: z.enum(['schedule', 'operator']),
  mode: z.enum(['run', 'plan']),
  state: z.enum(RUN_STATES),
  period: z.string(),
  asOf: z.string(),
  frozenAt: z.string(),
  closesPeriod: z.boolean(),
  survey: z.boolean(),
  by: z.string(),
  policy: z.object({ name: z.string(), version: z.string(), hash: z.string() }),
  only: z.optional(z.object({ branches: z.optional(z.array(z.string())), subjectsKey: z.optional(z.string()) })),
  shards: z.number(),
  /** Run published when planning began; apply refuses if the pointer has moved. */
  basedOn: z.nullable(z.string()),
  seq: z.nullable(z.number()),
  overrides: z.array(z.object({ brake: z.enum(BRAKES), reason: z.string(), by: z.string(), at: z.string() })),
  brakes: z.array(BrakeHit),
  expiresAt: z.nullable(z.string()),
  waveId: z.nullable(z.string()),
  error: z.nullable(z.string()),
  finishedAt: z.nullable(z.string()),
  /** Set where a stored plan is applied later: customers whose facts changed since are skipped. */
  checkStale: z.optional(z.boolean()),
  /** When the pointer moved to it. */
  publishedAt: z.optional(z.string()),
  /** Who had the stored plan applied. */
  applied: z.optional(z.object({ by: z.string(), at: z.string() })),
  /** Who let it go on after it failed, the oldest first; `execution` is the name of the execution that went on. */
  redriven: z.optional(z.array(z.object({ by: z.string(), at: z.string(), execution: z.string() }))),
  /** Who discarded it. */
  abandoned: z.optional(z.object({ by: z.string(), at: z.string() })),
  /** The run of the same period in whose place an operator started this one. */
  replaces: z.optional(z.string()),
  /** Who took the published run back, and which run has been in force since; null: none. */
  rolledBack: z.optional(
    z.object({ by: z.string(), at: z.string(), reason: z.string(), restored: z.nullable(z.string()) }),
  ),
});
export type RunRecord = z.infer<typeof RunRecord>;

const Count = z.number();

/** The summary of a run: `summary.json` in the workspace and `run --json`. */
export const RunSummary = z.object({
  runId: z.string(),
  asOf: z.string(),
  period: z.string(),
  policy: z.object({ name: z.string(), version: z.string(), hash: z.string() }),
  state: z.enum(RUN_STATES),
  /** Customers read, quarantined ones included. */
  population: Count,
  quarantined: Count,
  /** dimension → segment → customers */
  segments: z.record(z.string(), z.record(z.string(), Count)),
  /** The same counts before this run. */
  previousSegments: z.record(z.string(), z.record(z.string(), Count)),
  /** dimension → moves; `from` null is new, `to` null is left. Customers who stayed are in it with from = to. */
  moves: z.record(
    z.string(),
    z.array(z.object({ from: z.nullable(z.string()), to: z.nullable(z.string()), count: Count })),
  ),
  /** dimension → customers whose target and actual segment differ, by reason */
  heldBack: z.record(z.string(), z.record(z.string(), Count)),
  flags: z.object({ upgrade: Count, exit: Count, upgradeOverCapacity: Count, exitOverCapacity: Count }),
  /** segment of the main dimension → total of the value metric, in its unit (minor units for money) */
  value: z.record(z.string(), z.number()),
  newestFact: z.nullable(z.string()),
  changed: Count,
  stale: Count,
  brakes: z.array(BrakeHit),
  units: z.object({ read: z.number(), write: z.number() }),
  durationMs: z.number(),
});
export type RunSummary = z.infer<typeof RunSummary>;
