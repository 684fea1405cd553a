import { describe, expect, it } from 'vitest';
import { readTable } from '#shared/adapters/parquet-table.ts';
import { encodeExport } from '#shared/application/export-run.ts';
import { renderReport } from '#shared/application/report/render-report.ts';
import { waveResults } from '#shared/application/wave-results.ts';
import { waveResultsTable } from '#shared/application/wave-results-table.ts';
import { resultWordsOf, waveResultsText } from '#shared/application/wave-results-text.ts';
import { inventedReport } from '../report/report-fixture.ts';
import { addWave, people } from './answered-wave.ts';
import { CLOSES, type MemoryStores, memoryStores, NOW, WAVE_ID } from './memory.ts';

/** 40 promoters and 5 silent in `hold` at Li, 20 detractors in `cultivate` at Wu, 3 in `exit` at Xu, one machine. */
const wholeWave = async (): Promise<MemoryStores> => {
  const stores = memoryStores();
  await addWave(stores, 'w-2026-04', '2026-05-01T00:00:00.000Z', [
    ...people(20, { segment: 'hold', manager: 'Li', score: 0 }),
    ...people(20, { segment: 'hold', manager: 'Li', score: 10 }),
  ]);
  await addWave(stores, WAVE_ID, NOW, [
    ...people(40, { segment: 'hold', manager: 'Li', score: 10, factor: 'service' }),
    ...people(5, { segment: 'hold', manager: 'Li', score: null }),
    ...people(10, { segment: 'cultivate', manager: 'Wu', score: 3 }),
    ...people(10, { segment: 'cultivate', manager: 'He', score: 3, factor: 'price' }),
    ...people(3, { segment: 'exit', manager: 'Xu', score: 1, comment: '=SUM(1)\u001b[31m' }),
    { segment: 'hold', manager: 'Li', score: 0, suspect: true },
  ]);
  return stores;
};

describe('the results of a stored wave', () => {
  it('R16 count invited, delivered, answered and suspect, and hide a small segment with another one', async () => {
    const results = await waveResults(WAVE_ID, await wholeWave(), ['hold', 'cultivate', 'exit']);

    expect(results?.total).toMatchObject({ invited: 69, delivered: 69, answered: 63, suspect: 1 });
    expect(results?.tables.segment.groups).toMatchObject([
      { name: 'hold', invited: 46, answered: 40, suspect: 1, score: { value: 1 } },
      { name: 'cultivate', hidden: true },
      { name: 'exit', hidden: true },
    ]);
    expect(results?.tables.segment.hiddenTogether).toMatchObject({ groups: 2, answered: 23, score: { value: -1 } });
  });

  it('R18 compare with the last wave of the same question', async () => {
    const results = await waveResults(WAVE_ID, await wholeWave());

    expect(results?.comparedWith).toBe('w-2026-04');
    expect(results?.tables.segment.groups[0]).toMatchObject({ hidden: true });
    expect(results?.tables.segment.groups[2]).toMatchObject({
      name: 'hold',
      change: { answeredBefore: 40, scoreBefore: 0, difference: 1, significant: true },
    });
  });

  it('name no segment of a comment from a hidden one', async () => {
    const results = await waveResults(WAVE_ID, await wholeWave());

    expect(results?.comments.map(({ score, segment }) => ({ score, segment }))).toEqual(
      people(3, { segment: '', manager: null, score: 1 }).map(() => ({ score: 1, segment: null })),
    );
  });

  it('are unknown for a wave that is not there', async () => {
    expect(await waveResults('w-none', memoryStores())).toBeUndefined();
  });

  it.each(['en', 'zh-CN'] as const)('are readable on a terminal, and no comment steers it (%s)', async (language) => {
    const results = await waveResults(WAVE_ID, await wholeWave());
    if (results === undefined) throw new Error('no results');
    const text = waveResultsText(results, language);

    expect(text).toContain(resultWordsOf(language).hidden);
    expect(text).toContain(resultWordsOf(language).factors);
    expect(text).not.toContain('\u001b');
  });

  it('are the same rows as Parquet and as CSV', async () => {
    const results = await waveResults(WAVE_ID, await wholeWave());
    if (results === undefined) throw new Error('no results');
    const table = waveResultsTable(results);
    const bytes = (format: 'csv' | 'parquet') => Buffer.concat([...encodeExport(table, format, { bom: false })]);
    const rows = await readTable(bytes('parquet'));

    expect(rows.length).toBe(table.rows.length);
    expect(rows.at(-1)).toMatchObject({ grouping: 'all', status: 'total', answered: 63 });
    expect(rows.find((row) => row['group'] === 'exit')).toMatchObject({
      status: 'hidden',
      answered: null,
      score: null,
    });
    expect(bytes('csv').toString().trimEnd().split('\r\n').length).toBe(table.rows.length + 1);
  });

  it.each(['en', 'zh-CN'] as const)(
    'R24 stand in the report as tables, every comment escaped (%s)',
    async (language) => {
      const stores = await wholeWave();
      await addWave(stores, 'w-2026-06', CLOSES, [
        ...people(9, { segment: 'hold', manager: 'Li', score: 9, comment: '<img src=x onerror=alert(1)>' }),
        ...people(2, { segment: 'exit', manager: 'Xu', score: 0 }),
      ]);
      const results = (await waveResults('w-2026-06', stores)) ?? null;
      const page = renderReport({ ...inventedReport, results }, language);

      expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
      expect(page).not.toContain('<img');
      expect(page).toContain(`<h3 id="by-segment">${resultWordsOf(language).segment}</h3>`);
      expect(page).toContain(`colspan="8">${resultWordsOf(language).hidden}</td>`);
    },
  );

  it('has every word in both languages', () => {
    expect(Object.keys(resultWordsOf('zh-CN')).sort()).toEqual(Object.keys(resultWordsOf('en')).sort());
  });
});
