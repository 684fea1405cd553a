import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunSummary } from '#shared/contracts/run-record.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');
const folder = temporaryFolder('cli');

const resegment = async (...words: string[]): Promise<{ status: number | null; document: unknown; stderr: string }> => {
  const child = spawn(process.execPath, [BIN, ...words, '--json', '--data', join(folder, 'data')]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  child.stdin.end();
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, document: JSON.parse(stdout), stderr };
};

const purchases = (): string => {
  const rows = ['client,day,total'];
  for (let customer = 0; customer < 40; customer += 1) {
    for (let order = 0; order <= customer % 5; order += 1) {
      rows.push(`K-${customer},2026-0${1 + ((customer + order) % 6)}-15,${(customer + 1) * 3 + order}.50`);
    }
  }
  return `${rows.join('\n')}\nK-1,2026-02-31,5\n`;
};

describe('the operator at the local stack', () => {
  it('imports, plans, applies, exports and explains with one JSON document each', async () => {
    const file = join(folder, 'orders.csv');
    writeFileSync(file, purchases());

    const imported = await resegment(
      'import',
      'purchases',
      file,
      '--map',
      'customer=client,date=day,amount=total',
      '--contacts',
      'demo',
    );
    const planned = await resegment('plan', '--policy', 'retail-rfm', '--as-of', '2026-06-30');
    const applied = await resegment('apply', 'latest');
    const again = await resegment('run', '--yes', '--as-of', '2026-06-30');
    const out = join(folder, 'customers.csv');
    const exported = await resegment('export', 'latest', '--format', 'csv', '--out', out);
    const explained = await resegment('explain', 'K-7');

    expect(imported).toMatchObject({
      status: 0,
      document: { customers: 40, newCustomers: 40, rejected: 1, demoContacts: 40 },
    });
    expect(readFileSync(`${file}.rejects.csv`, 'utf8')).toContain('2026-02-31');
    expect(planned.status).toBe(0);
    expect(RunSummary.parse(planned.document)).toMatchObject({ state: 'planned', population: 40, units: { write: 0 } });
    expect(RunSummary.parse(applied.document)).toMatchObject({ state: 'published', changed: 40 });
    expect(RunSummary.parse(again.document)).toMatchObject({ state: 'published', changed: 0 });
    expect(exported).toMatchObject({ status: 0, document: { customers: 40 } });
    expect(readFileSync(out, 'utf8').split('\r\n')).toHaveLength(42);
    expect(explained).toMatchObject({ status: 0, document: { customerId: 'K-7', sentences: expect.any(Array) } });
    expect(imported.stderr).toMatch(/^target local, stage local, data /u);
  }, 180_000);
});
