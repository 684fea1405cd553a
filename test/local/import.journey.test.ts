import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget } from '#cli/open-target.ts';
import { openStack, type Stack } from '#local/stack.ts';
import type { ImportRecord } from '#shared/contracts/import-job.ts';
import { operatorOn, type Said } from '#test/support/bench-target.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const TOOL = path.join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');
const MAP = ['--map', 'customer=customer,date=date,amount=amount'];

const files = temporaryFolder('import-files');
const file = (name: string, text: string | Uint8Array): string => {
  const where = path.join(files, name);
  writeFileSync(where, text);
  return where;
};

/** The tool in this process, on a folder whose stack is up. */
const toolOn =
  (dataDir: string) =>
  async (...words: readonly string[]): Promise<Said> => {
    const target = await openTarget({ target: 'local', stage: 'local', data: dataDir, mayCreate: true });
    return operatorOn(() => target)(...words);
  };

describe('files that are dropped for a feed', { timeout: 60_000 }, () => {
  const dataDir = path.join(temporaryFolder('feeds'), 'data');
  let stack: Stack;
  let resegment: ReturnType<typeof toolOn>;
  beforeAll(async () => {
    // What fails here fails on purpose.
    process.env['LOG_LEVEL'] = 'silent';
    // At noon, so that no midnight comes between the arrival of a file and the look at its date.
    stack = await openStack({ dataDir, port: 0, startAt: '2026-11-02T12:00:00.000Z' });
    resegment = toolOn(dataDir);
    await resegment('feed', 'set', 'orders', 'purchases', ...MAP, '--source', 'shop');
    await resegment('feed', 'set', 'crm', 'customers', '--map', 'id=id,email=email', '--as-of', 'arrival');
  }, 60_000);
  afterAll(() => stack?.close());

  const drop = (key: string, text: string | Uint8Array): void => {
    const where = path.join(dataDir, 'workspace', 'incoming', key);
    mkdirSync(path.dirname(where), { recursive: true });
    writeFileSync(where, text);
  };
  const records = async (): Promise<readonly ImportRecord[]> =>
    (await resegment('import', 'list', '--limit', '50', '--json')).json as ImportRecord[];
  /** The import of a file, when it is over. */
  const over = async (fileName: string, count = 1): Promise<ImportRecord> => {
    for (;;) {
      const found = (await records()).filter((one) => one.fileName === fileName && one.state !== 'running');
      if (found.length >= count && found[0] !== undefined) return found[0];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  it('are imported at once, plain or gzip, and their rejected rows can be fetched', async () => {
    drop('orders/may.csv.gz', gzipSync('customer,date,amount\na,2026-05-03,5.00\nb,2026-05-04,x\n'));

    const record = await over('may.csv.gz');

    expect(record).toMatchObject({
      state: 'done',
      feed: 'orders',
      by: 'feed orders',
      rows: 2,
      accepted: 1,
      rejected: 1,
    });
    const rejects = path.join(files, 'may.rejects.csv');
    const shown = await resegment('import', 'show', record.importId, '--rejects', rejects);
    expect(shown.code).toBe(0);
    expect(readFileSync(rejects, 'utf8')).toBe(
      'line,reason,original\n3,"the amount ""x"" is no number","b,2026-05-04,x"\n',
    );
    expect((await stack.tool.imports.customers.get('a'))?.orders).toMatchObject([{ amountMinor: 500 }]);
  });

  it('are dated by the business day of their arrival where the feed says so, and addresses go to the contacts', async () => {
    drop('crm/all.csv', 'id,email,tier\na,ann@example.com,gold\n');

    expect(await over('all.csv')).toMatchObject({ state: 'done', accepted: 1 });
    const facts = await stack.tool.imports.customers.get('a');
    expect(facts?.snapshots.at(-1)).toMatchObject({ date: stack.clock.now().slice(0, 10), traits: { tier: 'gold' } });
    expect(JSON.stringify(facts)).not.toContain('ann@example.com');
    expect(facts?.contactKey).toBeDefined();
  });

  it('change nothing under another name, and are imported again when their content changes', async () => {
    drop('orders/june.csv', 'customer,date,amount\na,2026-06-01,7\n');
    await over('june.csv');
    drop('orders/june-again.csv', 'customer,date,amount\na,2026-06-01,7\n');
    await over('june-again.csv');
    expect((await stack.tool.imports.customers.get('a'))?.orders).toHaveLength(2);

    drop('orders/june.csv', 'customer,date,amount\na,2026-07-01,9\n');
    await over('june.csv', 2);

    expect((await stack.tool.imports.customers.get('a'))?.orders.map(({ amountMinor }) => amountMinor)).toEqual([
      500, 700, 900,
    ]);
  });

  it('fail with what to do where nobody said how they are read, where their columns changed, and where a feed is stopped', async () => {
    drop('strangers/x.csv', 'a\n1\n');
    drop('orders/columns.csv', 'client,day,total\na,2026-08-01,7\n');
    await resegment('feed', 'set', 'old', 'purchases', ...MAP);
    await resegment('feed', 'stop', 'old');
    drop('old/late.csv', 'customer,date,amount\na,2026-09-01,7\n');

    expect((await over('x.csv')).error).toMatchObject({
      code: 'feed-unknown',
      hint: 'the feeds are: crm, old, orders; make another: resegment feed set NAME KIND --map …',
    });
    expect((await over('columns.csv')).error?.message).toContain('the columns of columns.csv are: client, day, total');
    expect((await over('late.csv')).error).toMatchObject({ code: 'feed-stopped' });
    const shown = await resegment('import', 'show', (await over('columns.csv')).importId);
    expect(shown.code).toBe(1);
    expect(shown.out).toContain('what to do: for example: --map');
  });
});

const importsIn = (dataDir: string): readonly string[] => {
  const folder = path.join(dataDir, 'workspace', 'imports');
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
};

describe('an import that is killed', { timeout: 480_000 }, () => {
  it('R12 is finished by the same command, while the stack also takes up what was unfinished, and counts every row once', async () => {
    const rows = Array.from({ length: 6_000 }, (_, row) => `c${row % 1_500},2026-0${1 + (row % 6)}-1${row % 10},1.00`);
    const orders = file('orders.csv', `customer,date,amount\n${rows.join('\n')}\n`);
    const dataDir = path.join(temporaryFolder('killed'), 'data');
    const words = ['import', 'purchases', orders, ...MAP, '--data', dataDir, '--as', 'Ann', '--json'];
    // Reviewed and not yet written whole: its rows are being written.
    const isWriting = (): boolean =>
      importsIn(dataDir).some((folder) => existsSync(path.join(folder, 'review.json'))) &&
      importsIn(dataDir).every((folder) => !existsSync(path.join(folder, 'result.json')));
    /** What the database has taken since it was opened, in bytes; its log grows with every write. */
    const written = (): number =>
      readdirSync(path.join(dataDir, 'database'))
        .filter((name) => name.endsWith('.log'))
        .reduce((sum, name) => sum + statSync(path.join(dataDir, 'database', name)).size, 0);
    const running = (): string => {
      const where = path.join(dataDir, 'stack.json');
      return existsSync(where) ? readFileSync(where, 'utf8') : '';
    };
    const until = async (observed: () => boolean): Promise<void> => {
      while (!observed()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    for (let kills = 0; kills < 2; kills += 1) {
      const before = running();
      const child = spawn(process.execPath, [TOOL, ...words], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await until(() => running() !== before && isWriting());
      const open = written();
      await until(() => written() > open + 100_000 || !isWriting());
      child.kill('SIGKILL');
      await ended;
      expect(isWriting()).toBe(true);
    }
    const stack = await openStack({ dataDir, port: 0 });
    try {
      const said = await toolOn(dataDir)(...words.slice(0, 5), '--json');

      expect(said.code).toBe(0);
      expect(said.json).toMatchObject({ rows: 6_000, accepted: 6_000, customers: 1_500, total: '6000.00' });
      for (;;) {
        const { json } = await toolOn(dataDir)('import', 'list', '--state', 'running', '--json');
        if (Array.isArray(json) && json.length === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      let [count, total] = [0, 0];
      for (let bucket = 0; bucket < stack.tool.imports.customers.buckets; bucket += 1) {
        for await (const read of stack.tool.imports.customers.readBucket(bucket)) {
          if (read.kind !== 'customer') throw new Error('a customer cannot be read');
          count += 1;
          total += read.facts.orders.reduce((sum, order) => sum + order.amountMinor, 0);
        }
      }
      expect([count, total]).toEqual([1_500, 600_000]);
    } finally {
      await stack.close();
    }
  });
});
