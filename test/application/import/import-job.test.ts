import { describe, expect, it } from 'vitest';
import { recordJournal } from '#shared/adapters/record-journal.ts';
import { type ImportJobPorts, importOutcome, storeImportRequest } from '#shared/application/import/import-job.ts';
import type { Feed, ImportRecord, ImportSettings } from '#shared/contracts/import-job.ts';
import { RetryableError } from '#shared/errors.ts';
import type { JournalEntry } from '#shared/ports/audit-journal.ts';
import { withMetrics } from '#shared/ports/metrics.ts';
import { type ImportBench, openImportBench } from '#test/support/import-bench.ts';
import { memoryFiles, memoryObjects, memoryRecords, memoryStaff } from '#test/support/memory-stores.ts';
import { playImport } from '#test/support/play-import.ts';

const AT = '2026-11-25T18:00:00Z';
const SETTINGS: ImportSettings = { kind: 'purchases', map: { customer: 'c', date: 'd', amount: 'a' } };
const ROWS = 'c,d,a\nx,2026-05-01,1.00\ny,2026-05-02,2.00\n';

const open = (bench: ImportBench = openImportBench()) => {
  const objects = memoryObjects();
  const ports: ImportJobPorts = {
    ...bench.ports,
    objects,
    files: memoryFiles(objects),
    imports: memoryRecords<ImportRecord>(),
    feeds: memoryRecords<Feed>(),
    staff: memoryStaff(),
    journal: recordJournal(memoryRecords<JournalEntry>()),
    currency: 'USD',
  };
  const measured: Record<string, number> = {};
  const metrics = {
    addOfStage: (name: string, value: number) => {
      measured[name] = (measured[name] ?? 0) + value;
    },
    addOfFunction: () => undefined,
    publish: () => undefined,
  };
  const put = async (key: string, text: string): Promise<string> => {
    await objects.put(key, new TextEncoder().encode(text));
    return (await ports.files.stat(key))?.version ?? '';
  };
  return {
    bench,
    ports,
    measured,
    put,
    setFeed: (settings: ImportSettings, stoppedAt: string | null = null) =>
      ports.feeds.create('shop', { name: 'shop', settings, setAt: AT, setBy: 'Ann', stoppedAt }),
    /** A file comes, and its notice with it. */
    drop: async (key: string, text: string, at = AT): Promise<void> => {
      const object = { key, version: await put(key, text), at };
      await withMetrics(metrics, () => playImport({ object }, ports)).catch(() => undefined);
    },
    records: async () => (await ports.imports.list()).map(({ record }) => record),
    total: async () =>
      Object.values(await bench.all())
        .flatMap(({ orders }) => orders)
        .reduce((sum, { amountMinor }) => sum + amountMinor, 0),
  };
};

describe('a dropped file', () => {
  it('is imported once where its notice comes twice, also at the same time', async () => {
    const world = open();
    await world.setFeed(SETTINGS);

    await Promise.all([world.drop('incoming/shop/f.csv', ROWS), world.drop('incoming/shop/f.csv', ROWS)]);
    await world.drop('incoming/shop/f.csv', ROWS);

    expect(await world.total()).toBe(300);
    expect(await world.records()).toMatchObject([{ state: 'done', accepted: 2, feed: 'shop', error: null }]);
    expect(world.measured['DroppedFilesFailed']).toBeUndefined();
  });

  it('that was refused is imported when it is dropped again after its feed was corrected', async () => {
    const world = open();
    await world.setFeed({ ...SETTINGS, map: { customer: 'client', date: 'd', amount: 'a' } });
    await world.drop('incoming/shop/f.csv', ROWS);
    expect(world.measured['DroppedFilesFailed']).toBe(1);
    const stored = await world.ports.feeds.get('shop');
    await world.ports.feeds.replace('shop', { ...stored!.record, settings: SETTINGS }, stored!.rev);

    await world.drop('incoming/shop/f.csv', ROWS, '2026-11-25T19:00:00Z');

    expect((await world.records()).map(({ state, error }) => [state, error?.code ?? null])).toEqual([
      ['failed', 'mapping-invalid'],
      ['done', null],
    ]);
    expect(await world.total()).toBe(300);
    expect(world.measured).toMatchObject({ DroppedFilesFailed: 1, RowsImported: 2, RowsRejected: 0 });
  });

  it('is none where a console made a folder', async () => {
    const world = open();
    await world.setFeed(SETTINGS);

    await playImport({ object: { key: 'incoming/shop/', version: '0', at: AT } }, world.ports);

    expect(await world.records()).toEqual([]);
    expect(world.measured).toEqual({});
  });

  it('is refused where it was replaced while it was read', async () => {
    const world = open();
    await world.setFeed(SETTINGS);
    const { read } = world.ports.files;
    let reads = 0;
    const files: ImportJobPorts['files'] = {
      ...world.ports.files,
      read: async function* (...given) {
        reads += 1;
        // The file is cut; before its first range is read, another takes its place.
        if (reads === 4) await world.put('incoming/shop/f.csv', `${ROWS}z,2026-05-03,9.00\n`);
        yield* read(...given);
      },
    };
    const version = await world.put('incoming/shop/f.csv', ROWS);

    const done = playImport({ object: { key: 'incoming/shop/f.csv', version, at: AT } }, { ...world.ports, files });

    await expect(done).rejects.toMatchObject({ code: 'file-changed' });
    expect(await world.records()).toMatchObject([{ state: 'failed', error: { code: 'file-changed' } }]);
    expect(await world.total()).toBe(0);
  });
});

describe('the journal', () => {
  const STAFF = 'name,email,role\nann,ann@bank.example.com,manager\n';
  const SETTINGS_OF_STAFF: ImportSettings = { kind: 'staff', map: { name: 'name', email: 'email', role: 'role' } };

  it('I1 names an import of staff once where its last step is killed and taken again', async () => {
    const world = open();
    await world.setFeed(SETTINGS_OF_STAFF);
    const killed = { before: 1, after: 1 };
    const ports: ImportJobPorts = {
      ...world.ports,
      journal: {
        ...world.ports.journal,
        add: async (entry, once) => {
          if (killed.before-- > 0) throw new RetryableError('killed', 'before the entry');
          await world.ports.journal.add(entry, once);
          if (killed.after-- > 0) throw new RetryableError('killed', 'after the entry');
        },
      },
    };

    const object = { key: 'incoming/shop/f.csv', version: await world.put('incoming/shop/f.csv', STAFF), at: AT };
    for (let time = 0; time < 4; time += 1) await playImport({ object }, ports).catch(() => undefined);

    expect(killed).toEqual({ before: -2, after: -1 });
    expect(await world.records()).toMatchObject([{ state: 'done' }]);
    expect(await world.ports.journal.list()).toMatchObject([{ kind: 'staff', what: 'f.csv (rows accepted: 1)' }]);
  });
});

describe('an import that was asked for', () => {
  it('keeps its result and the rejected rows, and nothing else, when it is over', async () => {
    const world = open();
    const importId = 'asked';
    await world.put('imports/asked/file', `${ROWS}x,2026-05-41,1\n`);
    const file = { key: 'imports/asked/file', name: 'f.csv' };
    await storeImportRequest(importId, { settings: SETTINGS, file, via: [], by: 'Ann', feed: null }, world.ports);

    await playImport({ importId }, world.ports);

    expect(await importOutcome(importId, world.ports)).toMatchObject({
      kind: 'purchases',
      hasRejects: true,
      result: { rows: 3, accepted: 2, rejected: 1, totalMinor: 300 },
    });
    expect(await world.ports.objects.list('imports/')).toEqual([
      'imports/asked/plan.json',
      'imports/asked/rejects.csv',
      'imports/asked/request.json',
      'imports/asked/result.json',
    ]);
    await playImport({ importId }, world.ports);
    expect(await world.total()).toBe(300);
  });

  it.each(['answers', 'notes', 'staff'] as const)(
    'says which file of %s is too large to be read whole',
    async (kind) => {
      const world = open();
      const large = { sizeBytes: 300 * 1_024 * 1_024, version: '1' };
      const ports = { ...world.ports, files: { ...world.ports.files, stat: async () => large } };
      const file = { key: 'imports/large/file', name: 'large.csv' };
      await storeImportRequest('large', { settings: { kind, map: {} }, file, via: [], by: 'Ann', feed: null }, ports);

      await expect(playImport({ importId: 'large' }, ports)).rejects.toMatchObject({
        code: 'file-too-large',
        message: `large.csv has 300 MiB; a file of ${kind} has at most 256 MiB`,
      });
    },
  );
});
