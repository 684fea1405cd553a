import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { activate, operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

/** Classes by points of a figure and of notes: 40 to 10. */
const NOTED = SCORE_POLICY.replace(
  'dimensions:',
  `  said: { note: { about: potential, halfLifeDays: 365 }, en: What managers say, zh: 经理评价 }
  points: { weighted: { step: 40, said: 10 }, en: Points, zh: 得分 }
  grade: { bands: [1.7, 2.1], of: points, en: Grade, zh: 评级 }
dimensions:`,
)
  .replace('score: { from: 70 }', 'grade: { from: 3 }')
  .replace('score: { from: 30 }', 'grade: { from: 2 }')
  .replace('score: { from: 0 }', 'grade: { from: 1 }');

let bench: ReturnType<typeof openMemoryBench>;
let resegment: ReturnType<typeof operator>;

const classOf = async (customerId: string): Promise<string | undefined> => {
  const subject = (await bench.ports.customers.subjectsOf([customerId])).get(customerId) ?? '';
  return (await bench.ports.standings.getMany([subject])).get(subject)?.current.placements['class']?.actual;
};
const add = (...more: readonly string[]) => resegment('note', 'add', 'b', '--reason', 'second plant', ...more);

describe('a note of an account manager', () => {
  beforeEach(async () => {
    bench = openMemoryBench();
    resegment = operator(bench);
    await activate(bench, NOTED);
    bench.setNow('2026-11-01T02:00:00.000Z');
    await withScore(bench, { a: 90, b: 50, c: 10 }, '2026-10-15');
  });

  it('is kept with the name and the day, counts in the next run, and is explained with its age and weight', async () => {
    expect(await add('--rating', '5', '--about', 'potential', '--on', '2026-08-12', '--json')).toMatchObject({
      code: 0,
      json: {
        outcome: 'added',
        note: { noteId: 'n1', rating: 5, date: '2026-08-12', by: 'Ann (unverified)', reason: 'second plant' },
      },
    });
    await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });

    const { out } = await resegment('explain', 'b');
    const chinese = await resegment('explain', 'b', '--lang', 'zh-CN');

    expect(await classOf('b')).toBe('high');
    expect(out).toContain('Potential 5 of 5 by Ann (unverified), 80 days old, counts 17.7 % in Points.');
    expect(chinese.out).toContain('Ann (unverified) 评价潜力 5 分（满分 5），距今 80 天，在得分中占 17.7 %。');
    expect(Object((await resegment('explain', 'b', '--json')).json).notes).toEqual([
      {
        noteId: 'n1',
        about: 'potential',
        rating: 5,
        ageDays: 80,
        score: 'said',
        by: 'Ann (unverified)',
        counts: [{ score: 'points', share: 0.176795 }],
      },
    ]);
    expect((await resegment('run', 'replay', 'latest')).code).toBe(0);
  });

  it('is in no file of a run by name or reason', async () => {
    await add('--rating', '5', '--about', 'potential');
    const { runId } = await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });

    const keys = await bench.ports.objects.list(`runs/${runId}/`);
    const files = await Promise.all(
      keys.map(async (key) => Buffer.from((await bench.ports.objects.get(key)) ?? []).toString('latin1')),
    );
    expect(keys.length).toBeGreaterThan(4);
    for (const file of files) expect(file).not.toMatch(/second plant|Ann/u);
  });

  it('no longer counts once it is withdrawn, with who took it back and why, and then the one before counts again', async () => {
    await add('--rating', '5', '--about', 'potential', '--on', '2026-08-12');
    await add('--rating', '1', '--about', 'potential', '--on', '2026-10-01');
    expect((await resegment('note', 'list', 'b')).out).toMatch(/n2 .*counts[\s\S]*n1 .*replaced by a newer one/u);

    expect(await resegment('note', 'withdraw', 'b', 'n2', '--reason', 'other firm')).toMatchObject({ code: 0 });
    const again = await resegment('note', 'withdraw', 'b', 'n2', '--reason', 'other firm');

    expect(again.out).toContain('was withdrawn already; nothing changed');
    const listed = (await resegment('note', 'list', 'b', '--json')).json;
    expect(listed).toMatchObject([
      { noteId: 'n2', state: 'withdrawn', withdrawn: { by: 'Ann (unverified)', reason: 'other firm' } },
      { noteId: 'n1', state: 'counts', ageDays: 81 },
    ]);
    await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });
    expect(await classOf('b')).toBe('high');
  });

  it('is one note however often it is given, also at the same time', async () => {
    const said = await Promise.all(
      Array.from({ length: 6 }, () =>
        bench.ports.customers.get('b').then(async () => {
          const { addNote } = await import('#shared/application/add-note.ts');
          const request = { customerId: 'b', about: 'quality', rating: '3', reason: 'same', by: 'Ann' };
          return addNote(request, { ...bench.ports, timeZone: 'UTC' });
        }),
      ),
    );

    expect(said.filter(({ outcome }) => outcome === 'added')).toHaveLength(1);
    expect((await bench.ports.customers.get('b'))?.notes).toHaveLength(1);
  });

  it('makes a plan stale for the customer where the policy counts it', async () => {
    await resegment('plan', '--as-of', '2026-10-31');
    await add('--rating', '5', '--about', 'potential', '--on', '2026-10-20');
    await resegment('apply', 'latest');

    expect(await classOf('b')).toBeUndefined();
    expect(await classOf('a')).toBe('high');
  });

  it('never makes an exit by itself: without the notes the figures must say the same', async () => {
    await withScore(bench, { b: 31 }, '2026-10-16');
    await activate(bench, NOTED.replace('bands: [1.7, 2.1], of: points', 'bands: [1.95, 2.1], of: points'));
    await add('--rating', '1', '--about', 'potential', '--on', '2026-10-20');
    await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });

    expect(await classOf('b')).toBe('low');
    expect((await bench.ports.flags.listOpen()).map(({ customerId }) => customerId)).toEqual(['c']);
  });

  it.each([
    [['--rating', '6', '--about', 'potential'], 'rating-invalid', '1 (worst) to 5 (best), got "6"'],
    [['--rating', '4.5', '--about', 'potential'], 'rating-invalid', 'got "4.5"'],
    [['--rating', '4', '--about', 'mood'], 'about-invalid', 'quality or potential, got "mood"'],
    [
      ['--rating', '4', '--about', 'quality', '--on', '2026-11-02'],
      'date-invalid',
      'today on the business clock, 2026-11-01',
    ],
    [['--rating', '4', '--about', 'quality', '--on', '2026-02-30'], 'date-invalid', 'a date that exists'],
    [['--rating', '4', '--about', 'quality', '--on', '1999-01-01'], 'date-invalid', 'from 2016-11-01'],
    [['--rating', '4', '--about', 'quality', '--reason', ' '], 'reason-missing', '1 to 500 characters'],
  ])('is refused with what is allowed: %j', async (words, code, message) => {
    const said = await add(...words, '--json');

    expect(said).toMatchObject({ code: 2, json: { error: { code, message: expect.stringContaining(message) } } });
    expect((await bench.ports.customers.get('b'))?.notes).toBeUndefined();
  });

  it('needs a customer that exists and a note that exists', async () => {
    expect(await resegment('note', 'list', 'zz', '--json')).toMatchObject({
      json: { error: { code: 'customer-unknown' } },
    });
    expect(await resegment('note', 'withdraw', 'b', 'n7', '--reason', 'x', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'note-unknown' } },
    });
    expect((await resegment('note', 'list', 'b')).out).toBe('no note on this customer\n');
  });

  it('comes in many at once from a file, with what cannot be kept in a file of rejects, and twice changes nothing', async () => {
    const folder = temporaryFolder('notes');
    const file = join(folder, 'notes.csv');
    const lines = [
      'id,what,stars,who,why,day',
      'b,potential,5,Li Wei,second plant,20/10/2026',
      'c,quality,2,Zhao Min,late,',
      'zz,quality,2,Zhao Min,late,',
      'a,mood,2,Zhao Min,late,',
      'a,quality,9,Zhao Min,late,',
      'a,quality,2,,late,',
      'a,quality,2,Zhao Min,,',
      'a,quality,2,Zhao Min,late,20/10/2027',
      'a,quality',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const words = [
      'import',
      'notes',
      file,
      '--json',
      '--date-format',
      'DD/MM/YYYY',
      '--map',
      'customer=id,about=what,rating=stars,by=who,reason=why,date=day',
    ];

    expect((await resegment(...words, '--dry-run')).json).toMatchObject({
      rows: 9,
      accepted: 2,
      rejected: 7,
      added: 0,
    });
    expect((await bench.ports.customers.get('b'))?.notes).toBeUndefined();
    expect((await resegment(...words)).json).toMatchObject({
      rows: 9,
      accepted: 2,
      rejected: 7,
      added: 2,
      unchanged: 0,
    });
    expect((await resegment(...words)).json).toMatchObject({ added: 0, unchanged: 2 });

    const rejects = readFileSync(`${file}.rejects.csv`, 'utf8');
    for (const reason of [
      'no customer',
      'quality or potential',
      '1 (worst) to 5',
      "a person's name",
      '1 to 500',
      'today on the business clock',
      '2 fields',
    ]) {
      expect(rejects).toContain(reason);
    }
    expect((await bench.ports.customers.get('b'))?.notes).toMatchObject([
      { by: 'Li Wei (unverified)', date: '2026-10-20' },
    ]);
    expect((await resegment('audit', '--kind', 'note', '--json')).out).toContain('Zhao Min');
  });

  it('is measured from the facts where a policy that counts notes is tried on a run of one that does not', async () => {
    bench = openMemoryBench();
    resegment = operator(bench);
    bench.setNow('2026-11-01T02:00:00.000Z');
    await activate(bench, SCORE_POLICY);
    await withScore(bench, { a: 90, b: 50, c: 10 }, '2026-10-15');
    const kept = await add('--rating', '5', '--about', 'potential', '--on', '2026-10-20');
    expect(kept.out).toContain('the active policy, three-steps, reads no notes, so that it changes no class');
    await bench.run({ trigger: 'schedule', scheduledAt: bench.ports.clock.now() });
    const file = join(temporaryFolder('policy'), 'noted.yaml');
    writeFileSync(file, NOTED.replace('policy: three-steps', 'policy: noted'));

    const { json } = await resegment('policy', 'diff', 'active', file, '--json');
    expect(Object(json).trial?.measured ?? Object(json).measured).toEqual(['notes']);
    const { code, out } = await resegment('policy', 'check', file);
    expect(code, out).toBe(0);
    expect((await resegment('policy', 'show', file)).out).toContain(
      '1 to 5 from notes of account managers on potential',
    );
    expect((await resegment('policy', 'show', file, '--lang', 'zh-CN')).out).toContain('客户经理对潜力的评价 1–5');
  });
});
