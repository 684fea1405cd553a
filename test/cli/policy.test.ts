import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { presetNames } from '#shared/adapters/policy-files.ts';
import { TABLE_DEFINITIONS } from '#shared/contracts/tables.ts';
import { activate, benchTarget, operator, operatorOn } from '#test/support/bench-target.ts';
import { openMemoryBench, openRunBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

let folder: string;
const resegment = operator(openMemoryBench());

beforeEach(() => {
  folder = temporaryFolder('policy');
});

describe('policy new', () => {
  it.each(presetNames())(
    'from %s gives a policy of its own that passes the check and keeps the comments',
    async (preset) => {
      const file = path.join(folder, 'own.yaml');

      const made = await resegment('policy', 'new', '--from', preset, '--out', file, '--json');

      expect(made).toMatchObject({ code: 0, json: { file, name: `my-${preset}` } });
      expect(readFileSync(file, 'utf8').split('\n')[0]).toMatch(/^# /u);
      expect(await resegment('policy', 'check', file, '--json')).toMatchObject({
        code: 0,
        json: { name: `my-${preset}` },
      });
    },
  );

  it('never overwrites a file and says what to do', async () => {
    const file = path.join(folder, 'mine.yaml');
    writeFileSync(file, 'mine');

    const refused = await resegment('policy', 'new', '--from', 'retail-rfm', '--out', file, '--json');

    expect(refused).toMatchObject({ code: 2, json: { error: { code: 'file-exists', path: file } } });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('refuses what is no preset, even a path to one, and lists the presets', async () => {
    const file = path.join(folder, 'x.yaml');
    const refused = await resegment('policy', 'new', '--from', '../retail-rfm', '--out', file, '--json');

    expect(refused).toMatchObject({ code: 2, json: { error: { code: 'preset-unknown' } } });
    expect(existsSync(file)).toBe(false);
  });
});

describe('policy check', () => {
  it('says for each rule or cell whether it can be reached', async () => {
    const { code, json } = await resegment('policy', 'check', 'retail-rfm', '--json');

    expect(code).toBe(0);
    expect(Object(json).reachability.length).toBeGreaterThan(0);
    expect(Object(json).reachability.every((one: { trouble: boolean }) => !one.trouble)).toBe(true);
  });
});

describe('policy check of rules', () => {
  const check = async (text: string, ...words: string[]) => {
    const file = path.join(folder, 'mine.yaml');
    writeFileSync(file, text);
    return { file, ...(await resegment('policy', 'check', file, ...words)) };
  };
  const SHADOWED = SCORE_POLICY.replace('{ from: 70 }', '{ from: 20 }');

  it('fails where a rule is shadowed, and names it, what comes first, and a customer that it misses', async () => {
    const { file, code, out } = await check(SHADOWED);

    expect(code).toBe(1);
    expect(out).toContain(`${file}: policy three-steps can be read, but a rule can never decide`);
    expect(out).toMatch(
      /^error: dimensions\.class\.rules\[2\]: class: rule 2 \(Middle\) never decides: rule 1 always comes first; move it up, or narrow what comes before; for example, score \d+ fulfils it and is taken before$/mu,
    );
  });

  it('gives the same as one JSON document with the error and all findings', async () => {
    const { file, code, json } = await check(SHADOWED, '--json');

    expect(code).toBe(1);
    expect(json).toMatchObject({
      error: { code: 'policy-rule-unreachable', path: `${file}: dimensions.class.rules[2]` },
      name: 'three-steps',
      reachability: [
        { verdict: 'reachable', fails: false },
        { verdict: 'shadowed', by: [1], fails: true },
        { verdict: 'reachable' },
        { verdict: 'reachable' },
        { verdict: 'fallsThrough' },
      ],
    });
  });

  it('fails where conditions contradict each other, in Chinese too', async () => {
    const text = SCORE_POLICY.replace('score: { from: 30 }', 'score: { from: 30 }, step: { to: 1 }');

    expect(await check(text)).toMatchObject({ code: 1, out: expect.stringContaining('can never hold') });
    expect((await check(text, '--lang', 'zh-CN')).out).toContain('不可能成立');
  });

  it('passes the file that it was made from', async () => {
    expect(await check(SCORE_POLICY)).toMatchObject({ code: 0 });
  });

  it.each([
    [SCORE_POLICY, 'memory of a run: no score ranks the customers'],
    ['retail-rfm', 'memory of a run: at most'],
    ['bank-three-class', 'at most 10,000 partitions of Contribution rating, and a run with more fails'],
    [
      SCORE_POLICY.replace(
        'scores:',
        'scores:\n  next: { expectedPurchases: { horizonDays: 90 }, en: Next, zh: 预期 }',
      ),
      'the purchase histories of at most 400,000 customers, of which 200,000 are fitted',
    ],
  ])('states the memory bound of a run with the policy (case %#)', async (policy, sentence) => {
    const { code, out } = policy.includes('\n') ? await check(policy) : await resegment('policy', 'check', policy);

    expect(code).toBe(0);
    expect(out).toContain(sentence);
  });
});

describe('policy show', () => {
  it('reads the policy back in sentences in both languages', async () => {
    expect((await resegment('policy', 'show', 'retail-rfm')).out).toContain('Moves: a rating changes once');
    expect((await resegment('policy', 'show', 'retail-rfm', '--lang', 'zh-CN')).out).toContain('变动：须越过分界点');
  });
});

describe('policy show of a stage', () => {
  const twoRuns = async () => {
    const bench = openMemoryBench();
    await activate(bench, SCORE_POLICY);
    await withScore(bench, { a: 90 }, '2026-10-15');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
    bench.setNow('2026-12-01T02:00:00.000Z');
    await bench.usePolicy(SCORE_POLICY.replace('from: 70', 'from: 60').replace('three-steps', 'other-steps'));
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });
    return operator(bench);
  };

  it('active is the policy of scheduled runs, and says where a run used another one', async () => {
    const said = await (await twoRuns())('policy', 'show', 'active');

    expect(said.code).toBe(0);
    expect(said.out).toContain('Policy three-steps');
    expect(said.err).toContain('of run 2026-11-monthly, made with other-steps');
    expect(said.err).toContain('resegment policy show --run 2026-11-monthly');
  });

  it('--run is the policy that the run used', async () => {
    const stage = await twoRuns();

    expect((await stage('policy', 'show', '--run', 'latest')).out).toContain('Policy other-steps');
    expect((await stage('policy', 'show', '--run', '2026-10', '--json')).json).toMatchObject({ name: 'three-steps' });
    expect(await stage('policy', 'show', '--run', '2020-01', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'run-unknown' } },
    });
  });

  it('needs exactly one of them, and a policy that there is', async () => {
    expect(await resegment('policy', 'show', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'policy-not-named', hint: expect.stringContaining('--run RUN') } },
    });
    expect((await resegment('policy', 'show', 'retail-rfm', '--run', 'latest')).code).toBe(2);
    expect(await resegment('policy', 'show', 'active', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'no-active-policy' } },
    });
  });
});

describe('policy diff', () => {
  const published = async (bench = openMemoryBench()) => {
    await activate(bench, SCORE_POLICY);
    await withScore(bench, { a: 90, b: 50, c: 10, d: 72, e: 35 }, '2026-10-15');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
    return bench;
  };
  const fileOf = (text: string, name = 'b.yaml'): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const OTHER = SCORE_POLICY.replace('score: { from: 70 }', 'score: { from: 40 }')
    .replace('score: { from: 30 }', 'score: { from: 36 }')
    .replace('bands: [30, 70]', 'bands: [36, 40]');

  it('says what differs, counts who would move by pair of segments, and names the most valuable with why', async () => {
    const bench = await published();

    const said = await operator(bench)('policy', 'diff', 'active', fileOf(OTHER));
    const { code, json } = await operator(bench)('policy', 'diff', 'active', fileOf(OTHER), '--json');

    expect(code).toBe(0);
    expect(json).toMatchObject({
      a: { given: 'active', name: 'three-steps' },
      differences: [
        'Cut points of Step: 30, 70 → 36, 40.',
        'Rule 1 of Class: High if Score is at least 70 → High if Score is at least 40.',
        'Rule 2 of Class: Middle if Score is at least 30 → Middle if Score is at least 36.',
      ],
      trial: {
        runId: '2026-10-monthly',
        asOf: '2026-10-31',
        customers: 5,
        dimensions: {
          class: {
            actual: [
              { from: 'middle', to: 'high', customers: 1 },
              { from: 'middle', to: 'low', customers: 1 },
            ],
          },
        },
        flags: { exit: { a: 1, b: 2, appear: 1, disappear: 0 } },
        moversTotal: 2,
        movers: [
          { customerId: 'b', from: 'middle', to: 'high', value: 50 },
          { customerId: 'e', from: 'middle', to: 'low', value: 35 },
        ],
      },
    });
    expect(said.out).toContain(
      'Tried on the 5 customers of run 2026-10-monthly, as of 2026-10-31; nothing is changed.',
    );
    expect(said.out).toContain('Class: of 5 customers, 2 would have another target segment, 2 another actual one');
    expect(said.out).toMatch(/^b +– +– +50 +Middle +High +A: rule 2, Middle; B: rule 1, High$/mu);
  });

  it('lists no more movers than asked, and counts all', async () => {
    const bench = await published();

    const one = await operator(bench)('policy', 'diff', 'active', fileOf(OTHER), '--limit', '1', '--json');

    expect(one.json).toMatchObject({ trial: { moversTotal: 2, movers: [{ customerId: 'b' }] } });
    expect((await operator(bench)('policy', 'diff', 'active', fileOf(OTHER), '--limit', '-1')).code).toBe(2);
  });

  it('speaks Chinese', async () => {
    const { out } = await operator(await published())('policy', 'diff', 'active', fileOf(OTHER), '--lang', 'zh-CN');

    expect(out).toContain('“级”的分界点：30、70 → 36、40。');
    expect(out).toContain('类别：5 个客户中，2 个的目标类别不同，2 个的实际类别不同');
    expect(out).toContain('价值最高的变动客户（2 个中的 2 个）');
  });

  it('finds no mover between a policy and itself, whatever its comments', async () => {
    const bench = await published();

    const { out, json } = {
      ...(await operator(bench)('policy', 'diff', 'active', fileOf(`# ours\n${SCORE_POLICY}`))),
      json: (await operator(bench)('policy', 'diff', 'active', 'active', '--json')).json,
    };

    expect(out).toContain('Nothing differs');
    expect(out).toContain('Class: nobody would be in another segment.');
    expect(json).toMatchObject({ differences: [], trial: { moversTotal: 0, dimensions: { class: { actual: [] } } } });
  });

  it('is the forecast that a plan with the second policy on the same day confirms', async () => {
    const bench = await published();
    const { json } = await operator(bench)('policy', 'diff', 'active', fileOf(OTHER), '--json');

    const plan = await operator(bench)('plan', '--policy', fileOf(OTHER), '--as-of', '2026-10-31', '--json');

    const moves = (list: readonly { customerId: string; from: string; to: string }[]) =>
      list
        .map(({ customerId, from, to }) => ({ customerId, from, to }))
        .sort((x, y) => (x.customerId < y.customerId ? -1 : 1));
    expect(moves(Object(plan.json).movesListed)).toEqual(moves(Object(json).trial.movers));
  });

  it('measures what the run did not, from facts recorded before it', async () => {
    const bench = openMemoryBench();
    await activate(bench, SCORE_POLICY);
    await bench.addCustomer({
      customerId: 'a',
      snapshots: [{ date: '2026-10-15', recordedAt: '2026-10-16T00:00:00.000Z', traits: { score: 10, rank: 80 } }],
    });
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
    bench.setNow('2026-11-10T00:00:00.000Z');
    await bench.addCustomer({
      customerId: 'a',
      snapshots: [
        { date: '2026-10-15', recordedAt: '2026-10-16T00:00:00.000Z', traits: { score: 10, rank: 80 } },
        { date: '2026-10-20', recordedAt: '2026-11-10T00:00:00.000Z', traits: { rank: 1 } },
      ],
    });

    const byRank = fileOf(SCORE_POLICY.replace('{ trait: score,', '{ trait: rank,'));
    const { json, out } = {
      out: (await operator(bench)('policy', 'diff', 'active', byRank)).out,
      json: (await operator(bench)('policy', 'diff', 'active', byRank, '--json')).json,
    };

    expect(json).toMatchObject({
      trial: { measured: ['score'], changedSince: 1, movers: [{ customerId: 'a', from: 'low', to: 'high' }] },
    });
    expect(out).toContain('The run did not measure score: measured now');
  });

  it('uses the facts as of today where no run is published, and says so', async () => {
    const bench = openMemoryBench();
    await withScore(bench, { a: 50 }, '2026-10-15');
    const [a, b] = [fileOf(SCORE_POLICY, 'a.yaml'), fileOf(OTHER)];

    const said = await operator(bench)('policy', 'diff', a, b);

    expect(said.code).toBe(0);
    expect(said.out).toContain(
      'No run is published yet, so tried on the facts of the 1 customer as of today, 2026-11-01',
    );
    expect((await operator(bench)('policy', 'diff', a, b, '--json')).json).toMatchObject({
      trial: { runId: null, movers: [{ customerId: 'a', from: 'middle', to: 'high' }] },
    });
  });

  it('changes no item of any table and no object of the workspace', async () => {
    const bench = await openRunBench(4);
    try {
      await published(bench);
      const before = await everythingIn(bench);

      const { code } = await operator(bench)('policy', 'diff', 'retail-rfm', fileOf(OTHER));
      const shown = await operator(bench)('policy', 'diff', 'active', 'bank-three-class', '--json');

      expect([code, shown.code]).toEqual([0, 0]);
      expect(Object.keys(before).length).toBeGreaterThan(10);
      expect(await everythingIn(bench)).toEqual(before);
    } finally {
      await bench.close();
    }
  });

  it('tells what is wrong with a file, an unknown name, nobody to try on, and no active policy, each with the cure', async () => {
    const bench = openMemoryBench();
    const said = async (...words: string[]) => (await operator(bench)('policy', 'diff', ...words, '--json')).json;

    expect(await said('retail-rfm', fileOf(SCORE_POLICY.replace('rest: unrated', 'rest: nobody')))).toMatchObject({
      error: { code: 'policy-invalid', path: expect.stringContaining('dimensions.class.rest') },
    });
    expect(await said('retail-rfm', 'no-such')).toMatchObject({ error: { code: 'policy-not-found' } });
    expect(await said('active', 'retail-rfm')).toMatchObject({
      error: { code: 'no-active-policy', hint: expect.stringContaining('policy list') },
    });
    expect(await said('retail-rfm', 'retail-rfm')).toMatchObject({
      error: { code: 'no-customers', hint: expect.stringContaining('resegment import') },
    });
  });
});

/** Every item and object with its content, by place. */
const everythingIn = async (
  bench: Awaited<ReturnType<typeof openRunBench>>,
): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {};
  for (const { name } of TABLE_DEFINITIONS) {
    const { Items = [] } = await bench.dynamo.send(new ScanCommand({ TableName: name, ConsistentRead: true }));
    for (const [index, item] of Items.map((one) => JSON.stringify(Object.entries(one).sort()))
      .sort()
      .entries()) {
      found[`${name} ${index}`] = item;
    }
  }
  for (const key of await bench.ports.objects.list('')) {
    found[key] = createHash('sha256')
      .update((await bench.ports.objects.get(key)) ?? '')
      .digest('hex');
  }
  return found;
};

describe('policy activate', () => {
  const other = SCORE_POLICY.replace('policy: three-steps', 'policy: other-steps');
  const toolOn = async () => {
    const bench = openMemoryBench();
    await withScore(bench, { a: 90, b: 10 }, '2026-10-20');
    const target = benchTarget(bench);
    return operatorOn(() => target);
  };
  const named = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it('makes scheduled runs use another policy, keeps who, why and which file, and moves nobody', async () => {
    const tool = await toolOn();
    const file = named('other.yaml', other);
    const first = Object(
      (await tool('run', '--yes', '--policy', named('first.yaml', SCORE_POLICY), '--json')).json,
    ).runId;

    const tried = await tool('plan', '--policy', file);
    expect(tried.err).toMatch(
      /this run uses other-steps \w+; scheduled runs go on with three-steps \w+, until: resegment policy activate/u,
    );
    expect((await tool('policy', 'show', 'active', '--json')).json).toMatchObject({ name: 'three-steps' });
    const said = await tool('policy', 'activate', file, '--reason', 'agreed by the board');
    expect(said.out).toMatch(/^other-steps \w+ is active: scheduled runs use it .*, no longer three-steps \w+$/mu);
    expect((await tool('policy', 'show', 'active', '--json')).json).toMatchObject({ name: 'other-steps' });
    expect((await tool('plan', '--json')).json).toMatchObject({ policy: { name: 'other-steps' } });
    expect((await tool('policy', 'activate', file, '--reason', 'again')).out).toContain('already; nothing changed');
    expect((await tool('run', 'show', first, '--json')).json).toMatchObject({ state: 'published' });

    const back = await tool('policy', 'activate', '--run', first, '--reason', 'too early', '--lang', 'zh-CN');
    expect(back.out).toMatch(/^策略 three-steps \w+ 已启用/u);
    const { entries } = Object((await tool('audit', '--kind', 'policy', '--json')).json);
    const told = entries.map(({ action, what, by, reason }: Record<string, string>) => {
      expect(by).toBe('Ann (unverified)');
      return [action, what?.replace(/ \w{12}/u, ''), reason];
    });
    expect(new Set(told.map(String))).toEqual(
      new Set([
        'stored,three-steps (first.yaml),',
        'activated,three-steps,',
        'stored,other-steps (other.yaml),',
        'activated,other-steps (other.yaml),agreed by the board',
        `activated,three-steps (run ${first}),too early`,
      ]),
    );
    expect(told).toHaveLength(5);
    const { entries: runs } = Object((await tool('audit', '--kind', 'run', '--json')).json);
    expect(runs.map(({ what }: Record<string, string>) => what)).toContainEqual(
      expect.stringMatching(new RegExp(`^${first} \\(policy three-steps \\w{12}\\)$`, 'u')),
    );
  });

  it('refuses a policy with a rule that never decides, no reason, and two policies at once', async () => {
    const tool = await toolOn();
    const rule = '      - { segment: low, when: { score: { from: 0 } } }';
    const dead = named(
      'dead.yaml',
      other.replace(rule, `      - { segment: low, when: { score: { from: 75 } } }\n${rule}`),
    );
    const file = named('other.yaml', other);

    expect(await tool('policy', 'activate', dead, '--reason', 'x', '--json')).toMatchObject({
      code: 1,
      json: { error: { code: 'policy-rule-unreachable' } },
    });
    expect(await tool('policy', 'activate', file, '--reason', ' ', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'reason-missing' } },
    });
    expect(await tool('policy', 'activate', file, '--run', 'latest', '--reason', 'x', '--json')).toMatchObject({
      code: 2,
      json: { error: { code: 'policy-not-named' } },
    });
    expect(await tool('policy', 'show', 'active', '--json')).toMatchObject({ code: 2 });
    expect((await tool('audit', '--kind', 'policy', '--json')).json).toMatchObject({ entries: [] });
  });
});
