import { describe, expect, it } from 'vitest';
import { MOST_BUCKET_GROUPS } from '#shared/application/import/import-job.ts';
import { MOST_PARTITIONS, MOST_RANGES } from '#shared/application/import/import-ranges.ts';
import { MOST_BATCHES } from '#shared/application/look-up-wave.ts';
import { STEPS } from '#shared/contracts/workflows.ts';

/** Step Functions takes 256 KB; ours stay well below, since a state's data is written to the history at each state. */
const LARGEST_BYTES = 64 * 1_024;
/** Most shards of a run, whatever the number of customers: 100 million are 48,829 a shard. */
const MOST_SHARDS = 2_048;
const RUN_ID = `2026-05-${'x'.repeat(64)}`;
const WAVE_ID = `w-${RUN_ID}`;
const bytes = (document: unknown): number => Buffer.byteLength(JSON.stringify(document));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => 1_000_000 + index);

describe('the data of states at 100 million customers', () => {
  it('holds the shards of a run and stays below 64 KB', () => {
    const output = STEPS['plan-shards'].output.parse({ schema: 1, runId: RUN_ID, shards: upTo(MOST_SHARDS) });

    expect(bytes({ ...output, review: { outcome: 'planned' } })).toBeLessThan(LARGEST_BYTES);
  });

  it('holds as many batches as one look at a wave names and stays below 64 KB', () => {
    const output = STEPS['look-up-wave'].output.parse({
      schema: 1,
      waveId: WAVE_ID,
      next: 'send-invitations',
      batches: upTo(MOST_BATCHES),
      until: '2026-12-01T00:00:00.000Z',
    });

    expect(bytes(output)).toBeLessThan(LARGEST_BYTES);
  });

  it('holds the ranges, the parts of ids and the groups of buckets of a file of any size and stays below 64 KB', () => {
    const importId = '2026-11-25T183000-9f86d081';
    const maps = { ranges: upTo(MOST_RANGES), partitions: upTo(MOST_PARTITIONS), groups: upTo(MOST_BUCKET_GROUPS) };
    const split = STEPS['split-import'].output.parse({ schema: 1, importId, next: 'ranges', ...maps });
    const reviewed = STEPS['review-import'].output.parse({ schema: 1, importId, ...maps });

    expect(bytes(split)).toBeLessThan(LARGEST_BYTES);
    expect(bytes(reviewed)).toBeLessThan(LARGEST_BYTES);
  });

  it('holds nothing that grows with customers or mails in any other output', () => {
    const growing = Object.entries(STEPS).filter(([, { output }]) => JSON.stringify(output.def).includes('"array"'));

    expect(growing.map(([name]) => name).sort()).toEqual([
      'begin-apply',
      'look-up-wave',
      'plan-shards',
      'review-import',
      'split-import',
    ]);
  });

  it('holds the cause of a failure, which the service cuts at 32,768 characters', () => {
    const input = { schema: 1, runId: RUN_ID, request: {}, error: 'PermanentError', cause: 'x'.repeat(32_768) };

    expect(STEPS['fail-run'].input.safeParse(input).success).toBe(true);
    expect(bytes(input)).toBeLessThan(LARGEST_BYTES);
  });
});
