import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partsFor, readStage } from '#local/stack.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const CLOCK = { now: () => '2026-11-01T00:00:00.000Z' };

const bucketsOf = (stage: object): number => {
  const dataDir = temporaryFolder('stack');
  writeFileSync(join(dataDir, 'stage.json'), JSON.stringify(stage));
  return partsFor(dataDir, 'http://127.0.0.1:9', CLOCK, 'UTC').buckets;
};

describe('the stage of a data folder', () => {
  it('keeps the buckets that the folder was begun with, 256 where an earlier version began it', () => {
    expect(bucketsOf({ timeZone: 'UTC', currency: 'EUR' })).toBe(256);
    expect(bucketsOf({ timeZone: 'UTC', currency: 'EUR', buckets: 64 })).toBe(64);
  });

  it('is none for a folder that holds nothing yet', () => {
    expect(readStage(temporaryFolder('stack'))).toBeUndefined();
  });
});
