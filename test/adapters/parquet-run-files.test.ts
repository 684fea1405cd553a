import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { parquetRunFiles } from '#shared/adapters/parquet-run-files.ts';
import type { TraitValue } from '#shared/domain/facts.ts';
import type { FrameRow, Generation, PlanRow } from '#shared/domain/standing.ts';
import { memoryObjects } from '#test/support/memory-stores.ts';

const generation: Generation = {
  seq: 3,
  runId: '2026-04-monthly',
  placements: {
    class: {
      target: '培育',
      actual: 'hold',
      since: '2026-01',
      periods: 2,
      lastPeriod: '2026-04',
      heldBack: ['margin'],
    },
  },
  ratings: { quality: { level: null, since: '2026-01', changed: false } },
  values: { contribution: 0.1 },
  flags: [],
};

const frameRow = (over: Partial<FrameRow>): FrameRow => ({
  bucket: 1,
  subject: 's',
  factsRev: 1,
  status: 'active',
  branch: null,
  manager: null,
  metrics: {},
  traits: {},
  answers: [],
  openCase: false,
  pins: [],
  decided: [],
  prior: null,
  priorIsNewest: false,
  ...over,
});

const planRow = (over: Partial<PlanRow>): PlanRow => ({
  bucket: 1,
  subject: 's',
  factsRev: 1,
  branch: 'b1',
  manager: null,
  value: null,
  scores: {},
  next: generation,
  changed: true,
  moves: [{ dimension: 'class', from: null, to: 'hold', kind: 'new' }],
  flags: [{ kind: 'exit', evidence: { periods: 3 }, stake: 12.5, opened: true }],
  satisfaction: { score: 70.123456, answers: 2, ageDays: 3, confidence: 0.5 },
  ...over,
});

const word = fc.string({ maxLength: 8, unit: 'grapheme' });
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const value: fc.Arbitrary<TraitValue | null> = fc.oneof(word, number, fc.boolean(), fc.constant(null));
const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,6}$/).filter((one) => one !== '__proto__');
const values = fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true });
const arbitraryFrame = fc.array(
  fc.record(
    {
      bucket: fc.nat(9_999),
      subject: word,
      factsRev: fc.nat(1_000_000),
      status: fc.constantFrom('active', 'left'),
      branch: fc.option(word),
      manager: fc.option(word),
      metrics: values,
      traits: values,
      answers: fc.array(
        fc.record({ value: fc.constantFrom(0, 0.25, 1), ageDays: fc.nat(400) }, { noNullPrototype: true }),
        { maxLength: 2 },
      ),
      openCase: fc.boolean(),
      pins: fc.constant([{ dimension: 'd', segment: 's', until: '2026-01-31' }]),
      decided: fc.constant([]),
      prior: fc.option(fc.constant(generation)),
      priorIsNewest: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 12 },
);

describe('the files of a run', () => {
  it('give back every row of a frame as it was, missing values included', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFrame, async (rows) => {
        const files = parquetRunFiles(memoryObjects());

        await files.writeFrame('r', 3, rows);

        expect(await files.readFrame('r', 3)).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });

  it('give back every row of a plan as it was', async () => {
    const files = parquetRunFiles(memoryObjects());
    const rows = [
      planRow({ subject: 'a', value: 12.25, scores: { F: 3, R: null } }),
      planRow({
        subject: 'b',
        scores: { F: null },
        satisfaction: null,
        flags: [],
        moves: [],
        next: { ...generation, placements: {} },
      }),
      planRow({ subject: 'c', scores: {}, changed: false }),
    ];

    await files.writePlan('r', 0, rows);

    expect(await files.readPlan('r', 0)).toEqual(rows);
  });

  it('hold the order of names within a row', async () => {
    const files = parquetRunFiles(memoryObjects());
    const rows = [frameRow({ metrics: { z: 1, a: null, m: 'x' } }), frameRow({ metrics: { z: 2, a: 3, m: null } })];

    await files.writeFrame('r', 0, rows);

    expect(JSON.stringify(await files.readFrame('r', 0))).toBe(JSON.stringify(rows));
  });

  it('are valid for a shard without customers', async () => {
    const files = parquetRunFiles(memoryObjects());

    await files.writeFrame('r', 0, []);
    await files.writePlan('r', 0, []);

    expect(await files.readFrame('r', 0)).toEqual([]);
    expect(await files.readPlan('r', 0)).toEqual([]);
  });

  it('have the same bytes for the same rows', async () => {
    const objects = memoryObjects();
    const files = parquetRunFiles(objects);
    const rows = Array.from({ length: 500 }, (_, index) =>
      frameRow({ subject: `s${index}`, metrics: { spend: index * 1.5, segment: index % 3 === 0 ? null : 'x' } }),
    );

    await files.writeFrame('a', 0, rows);
    await files.writeFrame('b', 0, structuredClone(rows));

    expect(await objects.get('runs/a/frame/shard=0000.parquet')).toEqual(
      await objects.get('runs/b/frame/shard=0000.parquet'),
    );
  });

  it('have typed columns that any reader of Parquet understands', async () => {
    const objects = memoryObjects();
    await parquetRunFiles(objects).writeFrame('r', 0, [
      frameRow({ metrics: { spend: 1.5 }, traits: { industry: 'steel', insured: true } }),
    ]);

    const bytes = await objects.get('runs/r/frame/shard=0000.parquet');
    const { schema, num_rows } = parquetMetadata(new Uint8Array(bytes ?? []).buffer);
    const types = Object.fromEntries(schema.map((column) => [column.name, column.converted_type ?? column.type]));

    expect(num_rows).toBe(1n);
    expect(types).toMatchObject({
      subject: 'UTF8',
      bucket: 'INT32',
      facts_rev: 'INT32',
      open_case: 'BOOLEAN',
      m_spend: 'DOUBLE',
      t_industry: 'UTF8',
      t_insured: 'BOOLEAN',
      prior: 'UTF8',
    });
  });

  it('are named by run and step, and say which are missing', async () => {
    const objects = memoryObjects();
    const files = parquetRunFiles(objects);
    await files.writeJson('r', 'measure/shard=0001.json', { shard: 1 });
    await files.writeJson('r', 'measure/shard=0000.json', { shard: 0 });
    await files.writeText('r', 'report.en.html', '<p>银行</p>', 'text/html');
    await files.writeCalibration('r', {
      cutoffs: { R: { '*': [1, 2] } },
      satisfactionMeans: { '*': 0.7 },
      population: 9,
    });

    expect(await files.listJson('r', 'measure')).toEqual([
      { name: 'measure/shard=0000.json', document: { shard: 0 } },
      { name: 'measure/shard=0001.json', document: { shard: 1 } },
    ]);
    expect(await files.readText('r', 'report.en.html')).toBe('<p>银行</p>');
    expect(await files.readJson('r', 'none.json')).toBeUndefined();
    expect((await files.readCalibration('r')).cutoffs).toEqual({ R: { '*': [1, 2] } });
    await expect(files.readFrame('r', 9)).rejects.toMatchObject({ code: 'run-file-missing' });
    await expect(files.readCalibration('other')).rejects.toMatchObject({ code: 'calibration-missing' });
  });
});
