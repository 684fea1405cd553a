import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const folder = temporaryFolder('answers');
const file = (name: string, ...lines: readonly string[]): string => {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
};

const reviews = file(
  'reviews.csv',
  'review,order,stars,answered',
  'r1,o1,1,2026-10-01 09:00:00',
  'r1,o1,5,2026-10-02 09:00:00',
  'r2,o2,4,2026-10-03 09:00:00',
  'r3,o9,3,2026-10-03 09:00:00',
);
const orders = file('orders.csv', 'order,buyer', 'o1,b1', 'o2,b2');
const buyers = file('buyers.csv', 'buyer,person', 'b1,P1', 'b2,P2');
const MAP = ['--map', 'id=review,customer=order,score=stars,at=answered', '--scale', '1-5', '--source', 'shop'];

let bench: ReturnType<typeof openMemoryBench>;
let resegment: ReturnType<typeof operator>;
beforeEach(async () => {
  bench = openMemoryBench();
  resegment = operator(bench);
  await resegment(
    'import',
    'customers',
    file('people.csv', 'id', 'P1', 'P2'),
    '--as-of',
    '2026-09-30',
    '--map',
    'id=id',
  );
});

describe('import answers', () => {
  it('R12 follows other files to the customer and says what was stored, replaced and rejected', async () => {
    const via = ['--via', `${orders}:order=buyer`, '--via', `${buyers}:buyer=person`];

    const said = await resegment('import', 'answers', reviews, ...MAP, ...via);

    expect(said.code).toBe(0);
    expect(said.out).toContain('rows 4: accepted 3, rejected 1');
    expect(said.out).toContain('answers stored 2, rows replaced by a later one of the same id 1');
    expect(readFileSync(`${reviews}.rejects.csv`, 'utf8')).toContain('orders.csv has no order ""o9""');
    expect((await bench.ports.customers.get('P1'))?.answers['ext/shop/r1']).toMatchObject({ value: 1, scale: '1-5' });
    const page = await resegment('customer', 'show', 'P1');
    expect(page.out).toMatch(/2026-10-02 +100\/100 +counted +ext\/shop\/r1/u);
  });

  it.each([
    [`${orders}`, 'via-invalid'],
    [`${orders}:order`, 'via-invalid'],
    [':order=buyer', 'via-invalid'],
    [`${orders}:order=buyer=x`, 'via-invalid'],
    [join(folder, 'no.csv:order=buyer'), 'file-not-found'],
    [`${orders}:id=buyer`, 'via-column-unknown'],
  ])('refuses --via %s as %s, and writes nothing', async (via, code) => {
    const said = await resegment('import', 'answers', reviews, ...MAP, '--via', via, '--json');

    expect(said).toMatchObject({ json: { error: { code } } });
    expect(said.code).not.toBe(0);
    expect((await bench.ports.customers.get('P1'))?.answers).toEqual({});
  });
});
