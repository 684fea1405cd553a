/**
 * What a step used, as whole numbers, so that sums are exact in whatever order they are made. An attempt that failed counts
 * too: it is billed.
 */
export interface Usage {
  /** Calls of the function. */
  readonly attempts: number;
  /** Milliseconds × megabytes of memory: what Lambda bills. */
  readonly megabyteMs: number;
  /** Halves of a read unit, since an eventually consistent read of 4 KB is half a unit. */
  readonly halfReadUnits: number;
  readonly writeUnits: number;
  readonly objectReads: number;
  readonly objectWrites: number;
  /** Mails handed to the mail service. */
  readonly mails: number;
}

export const USAGE_FIELDS = [
  'attempts',
  'megabyteMs',
  'halfReadUnits',
  'writeUnits',
  'objectReads',
  'objectWrites',
  'mails',
] as const satisfies readonly (keyof Usage)[];

/** What the steps of a run or a wave used, by function name. Steps that never ran are absent. */
export type UsageBySteps = Readonly<Record<string, Usage>>;

export const NO_USAGE: Usage = {
  attempts: 0,
  megabyteMs: 0,
  halfReadUnits: 0,
  writeUnits: 0,
  objectReads: 0,
  objectWrites: 0,
  mails: 0,
};

export const addUsage = (a: Usage, b: Usage): Usage => ({
  attempts: a.attempts + b.attempts,
  megabyteMs: a.megabyteMs + b.megabyteMs,
  halfReadUnits: a.halfReadUnits + b.halfReadUnits,
  writeUnits: a.writeUnits + b.writeUnits,
  objectReads: a.objectReads + b.objectReads,
  objectWrites: a.objectWrites + b.objectWrites,
  mails: a.mails + b.mails,
});

export const totalUsage = (steps: UsageBySteps): Usage => Object.values(steps).reduce(addUsage, NO_USAGE);

/**
 * Transitions of Step Functions that a call of a step brings beside its own: the start of an execution or of a child, the Map
 * that its answer leads to, the Choice after it. A call is one transition itself, a retry another.
 */
const TRANSITIONS_BESIDE: Readonly<Record<string, number>> = {
  // Start, and "What is next?".
  'open-run': 2,
  // "Measure shards" and "Assign shards".
  'plan-shards': 1,
  calibrate: 1,
  // "May it be applied?".
  'review-plan': 1,
  // "Apply shards".
  'begin-apply': 1,
  // The start of a child.
  'measure-shard': 1,
  'assign-shard': 1,
  'apply-shard': 1,
  'send-invitations': 1,
  'send-reminders': 1,
  // "Describe the failed step" and "Run failed".
  'fail-run': 2,
  // "What does the wave do next?", and the Map or Wait that it leads to; the last one leads to closing instead.
  'look-up-wave': 2,
};

/**
 * Transitions of the executions whose steps were called so often. Computed, not measured: a call that Lambda itself refused
 * and a Map that was entered again are not seen.
 */
export const transitionsOf = (steps: UsageBySteps): number => {
  const calls = (step: string): number => steps[step]?.attempts ?? 0;
  const called = Object.entries(steps).reduce(
    (sum, [step, { attempts }]) => sum + attempts * (1 + (TRANSITIONS_BESIDE[step] ?? 0)),
    0,
  );
  // An execution of a run that neither failed nor came to its last step ended with "Plan is ready" or "Run exists already".
  const endedEarly = Math.max(0, calls('open-run') - calls('assert-run-healthy') - calls('fail-run'));
  const waveStarts = calls('plan-wave') > 0 ? 1 : 0;
  const waveCloses = calls('close-wave') > 0 ? 1 : 0;
  return called + endedEarly + waveStarts - waveCloses;
};
