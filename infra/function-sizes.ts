import type { FunctionName } from '#shared/contracts/environment.ts';

export interface FunctionSize {
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
}

const BOOKKEEPING: FunctionSize = { memoryMb: 512, timeoutSeconds: 60 };
/** Works on one shard: a part of a core is the bound, so one full core, which is what 1,769 MB buy. */
const SHARD: FunctionSize = { memoryMb: 1_769, timeoutSeconds: 600 };
/** Reads receipts or files of all shards. */
const WHOLE_RUN: FunctionSize = { memoryMb: 3_538, timeoutSeconds: 600 };
/** Waits for its send slots more than it computes. */
const SENDING: FunctionSize = { memoryMb: 512, timeoutSeconds: 840 };

/** Reads a file from its beginning, or writes one range of it: one core, and nearly as long as Lambda allows. */
const IMPORTING: FunctionSize = { memoryMb: 1_769, timeoutSeconds: 840 };

/** Memory and time limit of each function. Lambda's own ceiling is 900 s. */
export const FUNCTION_SIZES: Readonly<Record<FunctionName, FunctionSize>> = {
  'open-run': BOOKKEEPING,
  'plan-shards': BOOKKEEPING,
  'measure-shard': SHARD,
  calibrate: WHOLE_RUN,
  'assign-shard': SHARD,
  'review-plan': WHOLE_RUN,
  'begin-apply': BOOKKEEPING,
  'apply-shard': SHARD,
  'publish-run': WHOLE_RUN,
  'write-report': WHOLE_RUN,
  'start-wave': BOOKKEEPING,
  'mail-action-lists': { memoryMb: 3_538, timeoutSeconds: 840 },
  'assert-run-healthy': BOOKKEEPING,
  'fail-run': BOOKKEEPING,
  'plan-wave': WHOLE_RUN,
  'send-invitations': SENDING,
  'look-up-wave': WHOLE_RUN,
  'send-reminders': SENDING,
  'close-wave': WHOLE_RUN,
  'assert-wave-healthy': BOOKKEEPING,
  'split-import': IMPORTING,
  'check-import-range': IMPORTING,
  'tally-import-ids': WHOLE_RUN,
  'count-absent-customers': WHOLE_RUN,
  'review-import': WHOLE_RUN,
  'write-import-range': IMPORTING,
  'sweep-customers': WHOLE_RUN,
  'import-whole-file': { memoryMb: 3_538, timeoutSeconds: 840 },
  'finish-import': WHOLE_RUN,
  'fail-import': BOOKKEEPING,
  'answer-survey': { memoryMb: 1_024, timeoutSeconds: 10 },
  'ingest-mail-event': { memoryMb: 512, timeoutSeconds: 30 },
  'project-answers': { memoryMb: 512, timeoutSeconds: 55 },
  'escalate-cases': { memoryMb: 512, timeoutSeconds: 300 },
  'emit-events': { memoryMb: 1_769, timeoutSeconds: 59 },
};
