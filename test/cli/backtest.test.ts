import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { operator, operatorOn } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');
const folder = temporaryFolder('backtest');

const resegment = (...words: string[]) =>
  spawnSync(process.execPath, [BIN, ...words, '--data', join(folder, 'data')], {
    encoding: 'utf8',
    input: '',
    timeout: 50_000,
  });
const MONTHS = ['--policy', 'retail-rfm', '--from', '2026-02', '--to', '2026-04'];

describe('the backtest command', () => {
  it.each([
    [['--from', '2026-02', '--to', '2026-04'], 'usage-missingMandatoryOptionValue'],
    [['--policy', 'retail-rfm', '--from', '2026-13', '--to', '2026-04'], 'range-invalid'],
    [['--policy', 'retail-rfm', '--from', '2026-05', '--to', '2026-04'], 'range-invalid'],
    [[...MONTHS, '--horizon-days', '0'], 'option-invalid'],
    [[...MONTHS, '--horizon-days', '2000'], 'option-invalid'],
    [[...MONTHS, '--warm-up', '-1'], 'option-invalid'],
    [[...MONTHS, '--sample', '1.5'], 'option-invalid'],
    [[...MONTHS, '--outcome', 'exited'], 'outcome-invalid'],
    [[...MONTHS, '--csv'], 'option-invalid'],
    [[...MONTHS, '--against', 'retail-rfm', '--without-answers'], 'options-conflict'],
  ])('refuses %j with one JSON document before anything is opened', async (words, refusal) => {
    const say = operatorOn(() => {
      throw new Error('nothing was to be opened');
    });

    const { code, json } = await say('backtest', ...words, '--json');

    expect(json).toMatchObject({ error: { code: refusal } });
    expect(code).toBe(2);
  });

  it('says that months to come cannot be replayed, and that there is nothing yet', () => {
    const missing = resegment('backtest', ...MONTHS, '--json');
    writeFileSync(join(folder, 'staff.csv'), 'name,email\nLi Wei,li.wei@bank.example.com\n');
    const staff = resegment('import', 'staff', join(folder, 'staff.csv'), '--map', 'name=name,email=email');
    const future = resegment('backtest', '--policy', 'retail-rfm', '--from', '2026-02', '--to', '2999-01', '--json');
    const empty = resegment('backtest', ...MONTHS, '--json');

    expect(JSON.parse(future.stdout)).toMatchObject({ error: { code: 'range-invalid' } });
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: 'data-folder-unknown' } });
    expect(staff.stderr).toContain('(new)');
    expect(JSON.parse(empty.stdout)).toMatchObject({ error: { code: 'history-empty' } });
  });

  it('replays imported purchases as text, JSON and CSV, with two policies side by side', () => {
    const rows = ['client,day,total'];
    for (let customer = 0; customer < 30; customer += 1) {
      for (let order = 0; order <= customer % 5; order += 1)
        rows.push(`K-${customer},2026-0${1 + ((customer + order) % 8)}-15,${(customer + 1) * 3 + order}.50`);
    }
    const orders = join(folder, 'orders.csv');
    const out = join(folder, 'months.csv');
    writeFileSync(orders, `${rows.join('\n')}\n`);
    expect(resegment('import', 'purchases', orders, '--map', 'customer=client,date=day,amount=total').status).toBe(0);

    const json = resegment('backtest', ...MONTHS, '--json');
    const chinese = resegment('backtest', ...MONTHS, '--lang', 'zh-CN', '--against', 'bank-three-class');
    const csv = resegment('backtest', ...MONTHS, '--csv', '--out', out);

    expect(json.status).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      policy: { name: 'retail-rfm' },
      history: { customers: 30, quarantined: 0, sample: 1 },
      months: [{ period: '2026-02' }, { period: '2026-03' }, { period: '2026-04' }],
      judged: { months: 3 },
    });
    expect(chinese.stdout).toMatch(/retail-rfm \w+ +bank-three-class \w+/u);
    expect(chinese.stdout).toContain('并列对比');
    expect(csv.status).toBe(0);
    expect(readFileSync(out, 'utf8').trim().split('\r\n')).toHaveLength(4);
  });

  it('says what answers add to the ranking of those who leave', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `Q-${index}`);
    const write = (name: string, lines: readonly string[]): string => {
      const file = join(folder, name);
      writeFileSync(file, `${lines.join('\n')}\n`);
      return file;
    };
    const header = 'id,CreditScore,NumOfProducts,Balance,Tenure,IsActiveMember,answer,Exited';
    const file = write('people.csv', [
      header,
      ...ids.map(
        (id, at) => `${id},${600 + at},${1 + (at % 3)},${at * 10},5,${at % 2 === 0},${1 + (at % 5)},${at % 4 === 0}`,
      ),
    ]);
    const bench = openMemoryBench();
    const say = operator(bench);
    const traits = 'CreditScore,NumOfProducts,Balance,Tenure,IsActiveMember';
    await say('import', 'customers', file, '--as-of', '2026-09-30', '--map', 'id=id', '--traits', traits);
    const answers = ['import', 'answers', file, '--map', 'customer=id,score=answer', '--scale', '1-5', '--json'];
    expect((await say(...answers)).json).toMatchObject({ error: { code: 'mapping-invalid' } });
    expect((await say(...answers, '--as-of', '30.9.2026')).json).toMatchObject({ error: { code: 'as-of-invalid' } });
    expect((await say(...answers, '--as-of', '2026-09-30')).json).toMatchObject({ accepted: 40 });
    await say('import', 'customers', file, '--as-of', '2026-10-31', '--map', 'id=id', '--traits', 'Exited');
    bench.setNow('2026-11-02T08:00:00.000Z');
    const months = ['--from', '2026-09', '--to', '2026-09', '--horizon-days', '31', '--outcome', 'trait=Exited'];
    const policy = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'bank-records-satisfaction.yaml');

    const json = await say('backtest', '--policy', policy, ...months, '--without-answers', '--json');
    const text = await say('backtest', '--policy', policy, ...months, '--without-answers');
    const none = await say('backtest', '--policy', 'retail-rfm', ...months, '--without-answers', '--json');

    expect(json.json).toMatchObject({
      against: { policy: { name: 'bank-records-satisfaction without answers' } },
      answersAdd: { answers: 40, verdict: expect.any(String) },
    });
    expect(text.out).toMatch(/^What 40 answers add: AUC/u);
    expect(none.json).toMatchObject({ error: { code: 'policy-without-answers' } });
  });

  it('explains itself with an example', () => {
    expect(resegment('backtest', '--help').stdout).toContain('resegment backtest --policy retail-rfm --from 1997-04');
  });
});
