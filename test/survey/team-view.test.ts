import { describe, expect, it } from 'vitest';
import { readTable } from '#shared/adapters/parquet-table.ts';
import { encodeExport } from '#shared/application/export-run.ts';
import { teamView } from '#shared/application/team-view.ts';
import { teamViewTable } from '#shared/application/team-view-table.ts';
import { teamViewText, teamWordsOf } from '#shared/application/team-view-text.ts';
import type { CaseEvent, CustomerCase } from '#shared/ports/case-store.ts';
import { addWave, people } from './answered-wave.ts';
import { CLOSES, invitationOf, type MemoryStores, memoryStores, NOW, WAVE_ID } from './memory.ts';

const DUE = '2026-06-10T00:00:00.000Z';
const LATER = '2026-06-12T00:00:00.000Z';
const SEGMENTS = ['hold', 'exit'];

/** The first wave's people have the invitations 1, 2, … */
const caseOf = (index: number, given: Partial<CustomerCase> = {}): CustomerCase => ({
  caseId: invitationOf(index).invitationId,
  customerId: `C-${index}`,
  subject: `s${index}`,
  waveId: WAVE_ID,
  segment: 'hold',
  branch: 'north',
  manager: 'Li',
  owner: { kind: 'manager', name: 'Li' },
  reason: 'lowAnswer',
  score: 0,
  question: 'nps',
  priority: 'normal',
  openedAt: CLOSES,
  dueAt: DUE,
  state: 'open',
  history: [],
  ...given,
});

const closedAt = (at: string): Partial<CustomerCase> => {
  const event: CaseEvent = { event: 'closed', at, by: 'Li', note: 'called' };
  return { state: 'closed', outcome: 'solved', history: [event] };
};

/** 12 low answers and 20 good ones of Li's in the north, 20 good ones of Wu's in the south. */
const stored = async (): Promise<MemoryStores> => {
  const stores = memoryStores();
  await addWave(stores, WAVE_ID, NOW, [
    ...people(12, { segment: 'hold', manager: 'Li', score: 2 }),
    ...people(20, { segment: 'hold', manager: 'Li', score: 10 }),
    ...people(20, { segment: 'exit', manager: 'Wu', branch: 'south', score: 9 }),
  ]);
  return stores;
};

const viewAt = async (stores: MemoryStores, now: string, waveId = WAVE_ID) => {
  const view = await teamView(waveId, { ...stores, clock: { now: () => now } }, SEGMENTS);
  if (view === undefined) throw new Error('no view');
  return view;
};

const casesOf = (view: Awaited<ReturnType<typeof viewAt>>, manager: string) =>
  view.tables.manager.find(({ name }) => name === manager)?.cases;

describe('the staff view of stored waves', () => {
  it('finds closed cases through the answers: closed by the due time, closed late, still open, not due yet', async () => {
    const stores = await stored();
    for (let index = 1; index <= 4; index += 1) await stores.cases.createIfAbsent(caseOf(index, closedAt(DUE)));
    for (let index = 5; index <= 7; index += 1) await stores.cases.createIfAbsent(caseOf(index, closedAt(LATER)));
    for (let index = 8; index <= 9; index += 1) await stores.cases.createIfAbsent(caseOf(index));
    await stores.cases.createIfAbsent(caseOf(10, { dueAt: '2026-07-01T00:00:00.000Z' }));
    await stores.cases.createIfAbsent(caseOf(11, { ...closedAt(DUE), dueAt: '2026-07-01T00:00:00.000Z' }));

    expect(casesOf(await viewAt(stores, LATER), 'Li')).toMatchObject({ due: 9, inTime: 4 });
    expect(casesOf(await viewAt(stores, '2026-07-02T00:00:00.000Z'), 'Li')).toMatchObject({ due: 11, inTime: 5 });
  });

  it('counts a case that was opened again by its newest closing and due time', async () => {
    const stores = await stored();
    const reopened: readonly CaseEvent[] = [
      { event: 'closed', at: DUE, by: 'Li' },
      { event: 'reopened', at: LATER, by: 'answer' },
    ];
    for (let index = 1; index <= 5; index += 1)
      await stores.cases.createIfAbsent(caseOf(index, { state: 'open', history: reopened, dueAt: LATER }));

    expect(casesOf(await viewAt(stores, '2026-06-20T00:00:00.000Z'), 'Li')).toMatchObject({ due: 5, inTime: 0 });
  });

  it('counts the cases of a year of waves, and none of an older one', async () => {
    const stores = await stored();
    const low = people(6, { segment: 'hold', manager: 'Li', score: 0 });
    await addWave(stores, 'w-2026-04', '2025-08-01T00:00:00.000Z', low);
    await addWave(stores, 'w-2026-06', '2024-01-01T00:00:00.000Z', low);
    for (const first of [120, 200])
      for (let index = first; index < first + 6; index += 1)
        await stores.cases.createIfAbsent(caseOf(index, closedAt(DUE)));
    const view = await viewAt(stores, LATER);

    expect(view.caseWaves).toEqual(['w-2026-04', WAVE_ID]);
    expect(view.cases).toMatchObject({ due: 6, inTime: 6 });
  });

  it('has nobody with an erased customer in it', async () => {
    const stores = await stored();
    for (let index = 1; index <= 12; index += 1) {
      await stores.invitations.remove(invitationOf(index).invitationId);
      await stores.answers.remove(invitationOf(index).invitationId);
    }
    const view = await viewAt(stores, LATER);

    expect(view.total?.answered).toBe(40);
  });

  it('is unknown for a wave that is not there', async () => {
    expect(await teamView('w-none', { ...memoryStores(), clock: { now: () => NOW } })).toBeUndefined();
  });

  it.each(['en', 'zh-CN'] as const)('says in words what can be shown, the best first (%s)', async (language) => {
    const words = teamWordsOf(language);
    const view = await viewAt(await stored(), LATER);
    const text = teamViewText(view, language, ['manager'], SEGMENTS, (segment) => segment ?? '-');

    expect(text).toContain(words.improvedFirst);
    expect(text).toContain(words.same.replace('{count}', '2').replace('{all}', '2'));
    expect(text).toContain('100 / 0');
    expect(text).not.toContain('{');
    expect(text).not.toMatch(/undefined|NaN/u);
  });

  it('lets no name steer the terminal', async () => {
    const stores = memoryStores();
    await addWave(stores, WAVE_ID, NOW, [
      ...people(40, { segment: 'hold', manager: 'Li\u001b[31m', score: 10 }),
      ...people(40, { segment: 'hold', manager: 'Wu\u001b[31m', score: 0 }),
      ...people(3, { segment: 'hold', manager: 'Xu\u001b[31m', score: 0 }),
      ...people(7, { segment: 'hold', manager: 'He\u001b[31m', score: 0 }),
    ]);
    const text = teamViewText(await viewAt(stores, LATER), 'en', ['manager'], SEGMENTS, String);

    expect(text).toContain('Better than their segments let expect: Li');
    expect(text).toContain('Below what their segments let expect: Wu');
    expect(text).toContain('Hidden: He');
    expect(text).not.toContain('\u001b');
  });

  it('is the same rows as Parquet and as CSV', async () => {
    const table = teamViewTable(await viewAt(await stored(), LATER), SEGMENTS);
    const bytes = (format: 'csv' | 'parquet') => Buffer.concat([...encodeExport(table, format, { bom: false })]);
    const rows = await readTable(bytes('parquet'));

    expect(rows.length).toBe(5);
    expect(rows.find((row) => row['group'] === 'Wu')).toMatchObject({
      grouping: 'manager',
      answered: 20,
      score: 1,
      expected: 1,
      against_expected: 'noDifference',
      mix_hold: 0,
      mix_exit: 1,
    });
    expect(rows.at(-1)).toMatchObject({ grouping: 'all', answered: 52, expected: null });
    expect(bytes('csv').toString().trimEnd().split('\r\n').length).toBe(6);
  });

  it('has every word in both languages', () => {
    expect(Object.keys(teamWordsOf('zh-CN')).sort()).toEqual(Object.keys(teamWordsOf('en')).sort());
  });
});
