import { describe, expect, it } from 'vitest';
import { operator } from '../support/bench-target.ts';
import { openMemoryBench } from '../support/run-bench.ts';

const said = (...words: readonly string[]) => operator(openMemoryBench())('wave', 'results', ...words);

describe('wave results on the command line', () => {
  it.each([
    [['--by', 'town'], '--by must be one of segment, branch, manager, language, got "town"'],
    [['--format', 'xlsx', '--out', 'x'], '--format must be one of csv, parquet, got "xlsx"'],
    [['--format', 'csv'], '--format and --out go together'],
    [['w-none'], 'there is no wave "w-none"'],
    [[], 'there is no survey wave yet'],
  ])('refuses %j and says what is allowed', async (words, message) => {
    const { code, err } = await said(...words);

    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});
