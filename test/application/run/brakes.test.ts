import { createHash } from 'node:crypto';
import PostalMime from 'postal-mime';
import { beforeEach, describe, expect, it } from 'vitest';
import { presetNames, readPolicy } from '#shared/adapters/policy-files.ts';
import { tellOperators } from '#shared/application/run/tell-operators.ts';
import { BRAKE_NAMES, type BrakeName, type Brakes } from '#shared/domain/policy.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { activate, operator } from '#test/support/bench-target.ts';
import { openMemoryBench, spoil } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;

const RUN = '2026-11-monthly';
const OPEN: Brakes = {
  movedShare: 1,
  flagShare: 1,
  inputDropShare: 1,
  staleInputDays: 4000,
  emptiedSegment: 'allow',
  quarantineShare: 1,
};

/** The policy of steps by rating, so that it can propose upgrades too, with these limits and no other in the way. */
const policyWith = (limits: Partial<Brakes>): string => {
  const written = Object.entries({ ...OPEN, ...limits }).map(([name, limit]) => `  ${name}: ${limit}`);
  return SCORE_POLICY.replace('{ score: { from: 70 } }', '{ step: { from: 3 } }')
    .replace('{ score: { from: 30 } }', '{ step: { from: 2 } }')
    .replace(
      'flags:\n',
      'flags:\n  upgrade: { from: [middle], rising: step, shortBy: 0.15, perManager: 100, expiresDays: 60, decides: marketing }\n',
    )
    .replace(/brakes:\n[\s\S]*$/u, `brakes:\n${written.join('\n')}\n`);
};

/** c0 … c99: the first twenty are high, the others middle. */
const ids = (from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `c${from + index}`);
const all = (customers: readonly string[], score: number): Record<string, number> =>
  Object.fromEntries(customers.map((id) => [id, score]));

const month = async (bench: Bench, scores: Readonly<Record<string, number>>): Promise<void> => {
  await withScore(bench, { ...all(ids(0, 20), 90), ...all(ids(20, 80), 50), ...scores }, '2026-11-15');
};

const leave = async (bench: Bench, customers: readonly string[]): Promise<void> => {
  for (const customerId of customers) {
    await bench.addCustomer({
      customerId,
      statuses: [{ date: '2026-11-20', recordedAt: bench.ports.clock.now(), status: 'left' }],
    });
  }
};

const erase = async (bench: Bench, customers: readonly string[]): Promise<void> => {
  for (const customerId of customers) await bench.ports.customers.erase(customerId);
};

/** Standings, proposals and pointer, in one figure. */
const digest = async (bench: Bench): Promise<string> => {
  const { ports } = bench;
  const content: unknown[] = [await ports.pointer.get(), await ports.flags.listOpen()];
  for (let bucket = 0; bucket < ports.customers.buckets; bucket += 1)
    content.push(await ports.standings.readBucket(bucket));
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
};

interface Held {
  readonly bench: Bench;
  readonly before: string;
  readonly outcome: string;
  readonly mails: readonly string[];
  readonly resegment: ReturnType<typeof operator>;
}

/** Publishes October, lets something happen in November, and runs November. */
const november = async (limits: Partial<Brakes>, happens: (bench: Bench) => Promise<void>): Promise<Held> => {
  const bench = openMemoryBench();
  const mails: string[] = [];
  Object.assign(bench.ports, {
    tellOperators: tellOperators({
      mail: {
        send: async ({ raw }) => {
          mails.push((await PostalMime.parse(raw)).text ?? '');
          return { kind: 'accepted', messageId: String(mails.length) };
        },
        quota: async () => ({ max24h: -1, maxPerSecond: 1, sentLast24h: 0 }),
      },
      sender: { company: 'Bank', address: 'survey@bank.example.com', postalAddress: '1 Road' },
      operatorAddress: 'ops@bank.example.com',
      replyTo: 'care@bank.example.com',
    }),
  });
  await activate(bench, policyWith({}));
  await withScore(bench, { ...all(ids(0, 20), 90), ...all(ids(20, 80), 50) }, '2026-10-15');
  await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
  bench.setNow('2026-12-01T02:00:00.000Z');
  await bench.usePolicy(policyWith(limits));
  await happens(bench);
  const before = await digest(bench);
  const { outcome } = await bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });
  return { bench, before, outcome, mails, resegment: operator(bench) };
};

/** The command lines that stand in a mail under a heading, as words. */
const commandsUnder = (mail: string, heading: string): readonly (readonly string[])[] => {
  const lines = mail.split(/\r?\n/u);
  const found: string[][] = [];
  for (let at = lines.indexOf(`${heading}:`) + 1; lines[at]?.startsWith('  resegment ') === true; at += 1) {
    const words = [...(lines[at] ?? '').matchAll(/"([^"]*)"|(\S+)/gu)].map((match) => match[1] ?? match[2] ?? '');
    found.push(words.slice(1));
  }
  return found;
};

interface Case {
  readonly brake: BrakeName;
  readonly title: string;
  readonly limits: Partial<Brakes>;
  readonly actual: string;
  readonly limit: string;
  readonly over: (bench: Bench) => Promise<void>;
  /** Exactly the limit. */
  readonly at: (bench: Bench) => Promise<void>;
  /** Of the run that goes on. */
  readonly code?: number;
}

const stale = (day: string) => (bench: Bench) =>
  withScore(bench, { ...all(ids(0, 20), 90), ...all(ids(20, 80), 50) }, day);

const CASES: readonly Case[] = [
  {
    brake: 'movedShare',
    title: '11 of 100 customers move',
    limits: { movedShare: 0.1 },
    actual: '11 %',
    limit: '10 %',
    over: (bench) => month(bench, all(ids(20, 11), 90)),
    at: (bench) => month(bench, all(ids(20, 10), 90)),
  },
  {
    brake: 'emptiedSegment',
    title: 'all 20 customers leave a segment',
    limits: { emptiedSegment: 'hold' },
    actual: 'high',
    limit: 'hold',
    over: (bench) => month(bench, all(ids(0, 20), 50)),
    at: (bench) => month(bench, all(ids(0, 19), 50)),
  },
  {
    brake: 'flagShare',
    title: '7 of 100 are proposed for exit',
    limits: { flagShare: 0.06 },
    actual: '7 %',
    limit: '6 %',
    over: (bench) => month(bench, all(ids(20, 7), 10)),
    at: (bench) => month(bench, all(ids(20, 6), 10)),
  },
  {
    brake: 'flagShare',
    title: '7 of 100 are proposed for an upgrade',
    limits: { flagShare: 0.06 },
    actual: '7 %',
    limit: '6 %',
    over: (bench) => month(bench, all(ids(20, 7), 65)),
    at: (bench) => month(bench, all(ids(20, 6), 65)),
  },
  {
    brake: 'inputDropShare',
    title: '11 of 100 customers are no longer in the input',
    limits: { inputDropShare: 0.1 },
    actual: '11 %',
    limit: '10 %',
    over: (bench) => month(bench, {}).then(() => erase(bench, ids(20, 11))),
    at: (bench) => month(bench, {}).then(() => erase(bench, ids(20, 10))),
  },
  {
    brake: 'inputDropShare',
    title: 'a complete file makes 11 of 100 customers leave',
    limits: { inputDropShare: 0.1 },
    actual: '11 %',
    limit: '10 %',
    over: (bench) => month(bench, {}).then(() => leave(bench, ids(20, 11))),
    at: (bench) => month(bench, {}).then(() => leave(bench, ids(20, 10))),
  },
  {
    brake: 'staleInputDays',
    title: 'the newest fact is 16 days old',
    limits: { staleInputDays: 15 },
    actual: '16',
    limit: '15',
    over: stale('2026-11-14'),
    at: stale('2026-11-15'),
  },
  {
    brake: 'quarantineShare',
    title: '11 of 100 records cannot be read',
    limits: { quarantineShare: 0.1 },
    actual: '11 %',
    limit: '10 %',
    over: (bench) => month(bench, {}).then(() => spoil(bench, ids(20, 11))),
    at: (bench) => month(bench, {}).then(() => spoil(bench, ids(20, 10))),
    code: 4,
  },
];

describe.each(CASES)('$brake, where $title', ({ brake, limits, actual, limit, over, at, code }) => {
  it('holds before any write, and the mail says what to do, in commands that work as they stand', async () => {
    const { bench, before, outcome, mails, resegment } = await november(limits, over);

    expect(outcome).toBe('held');
    expect(await digest(bench)).toBe(before);
    expect(mails).toHaveLength(1);
    const [mail = ''] = mails;
    expect(mail).toContain(`(${brake})\nActual: ${actual}\nLimit: ${limit}\n`);
    expect(mail).toContain('You can go on until: 2026-12-04T02:00:00.000Z');
    expect((await resegment(...(commandsUnder(mail, 'Look at it')[0] ?? []))).out).toContain(brake);
    const goOn = commandsUnder(mail, 'Go on');
    expect(goOn).toEqual([['apply', RUN, '--override', brake, '--reason', '…']]);

    const done = await resegment(...(goOn[0] ?? []));

    expect(done.code).toBe(code ?? 0);
    expect((await bench.ports.pointer.get()).published?.runId).toBe(RUN);
    expect(await digest(bench)).not.toBe(before);
    expect((await bench.ports.runs.get(RUN))?.record.overrides).toEqual([
      { brake, reason: '…', by: 'Ann (unverified)', at: '2026-12-01T02:00:00.000Z' },
    ]);
  });

  it('is discarded by the command in the mail, and nothing was written', async () => {
    const { bench, before, mails, resegment } = await november(limits, over);
    const discard = commandsUnder(mails[0] ?? '', 'Discard it');

    expect(discard).toEqual([['run', 'abandon', RUN]]);
    expect((await resegment(...(discard[0] ?? []))).code).toBe(0);
    expect(await digest(bench)).toBe(before);
    expect((await bench.ports.runs.get(RUN))?.record.state).toBe('abandoned');
    expect((await resegment('apply', RUN, '--override', brake, '--reason', 'late')).code).not.toBe(0);
    expect(await digest(bench)).toBe(before);
  });

  it('does not hold at exactly the limit', async () => {
    const { bench, outcome, mails } = await november(limits, at);

    expect(outcome).toBe('apply');
    expect(mails).toEqual([]);
    expect((await bench.ports.pointer.get()).published?.runId).toBe(RUN);
  });

  it('expires, and is then refused with what to do', async () => {
    const { bench, before, resegment } = await november(limits, over);
    bench.setNow('2026-12-04T02:00:00.000Z');

    const late = await resegment('apply', RUN, '--override', brake, '--reason', 'late', '--json');

    expect(late).toMatchObject({
      code: 2,
      json: { error: { code: 'plan-expired', hint: `to compute its period anew: resegment run --again ${RUN}` } },
    });
    await expect(bench.apply(RUN, { override: { brake, reason: 'past the tool', by: 'Ann' } })).rejects.toMatchObject({
      code: 'plan-expired',
      hint: expect.stringContaining(`run --again ${RUN}`),
    });
    expect(await digest(bench)).toBe(before);
    expect((await bench.ports.runs.get(RUN))?.record.overrides).toEqual([]);
  });
});

describe('a run that two brakes hold', () => {
  let held: Held;
  beforeEach(async () => {
    held = await november({ movedShare: 0.1, staleInputDays: 10 }, (bench) => month(bench, all(ids(20, 11), 90)));
  });

  it('takes both overrides, each with who, when and why; the first alone writes nothing', async () => {
    const { bench, before, mails, resegment } = held;
    const [first = [], second = [], ...more] = commandsUnder(mails[0] ?? '', 'Go on');
    expect(more).toEqual([]);

    const one = await resegment(...first);
    expect(one.code).toBe(3);
    expect(one.err).toContain('--override staleInputDays');
    expect(one.err).not.toContain('--override movedShare');
    expect(await digest(bench)).toBe(before);
    expect((await resegment(...first)).code).toBe(3);
    bench.setNow('2026-12-02T02:00:00.000Z');
    const two = await resegment(...second.map((word) => (word === '…' ? 'the core system was down' : word)));

    expect(two.code).toBe(0);
    const shown = await resegment('run', 'show', RUN);
    expect(shown.out).toContain('brake movedShare overridden by Ann (unverified) at 2026-12-01 02:00 UTC: …');
    expect(shown.out).toContain(
      'brake staleInputDays overridden by Ann (unverified) at 2026-12-02 02:00 UTC: the core system was down',
    );
    expect(Object((await resegment('run', 'show', RUN, '--json')).json).record.overrides).toHaveLength(2);
  });

  it('goes on whichever brake is named first, also where the override comes with the request', async () => {
    const { bench, before } = held;
    const over = (brake: BrakeName) => bench.apply(RUN, { override: { brake, reason: 'checked', by: 'Ann' } });

    await expect(over('staleInputDays')).rejects.toMatchObject({ code: 'brake-holds' });
    expect(await digest(bench)).toBe(before);
    expect((await over('movedShare')).state).toBe('published');
  });

  it('refuses the name of another brake with the ones that hold, and a reason of spaces', async () => {
    const { bench, before, resegment } = held;

    const other = await resegment('apply', RUN, '--override', 'flagShare', '--reason', 'x', '--json');
    const unknown = await resegment('apply', RUN, '--override', 'handbrake', '--reason', 'x', '--json');

    expect(other).toMatchObject({
      code: 2,
      json: {
        error: {
          code: 'brake-not-holding',
          message: `run ${RUN} is not held by flagShare; an override of it must name one of: movedShare, staleInputDays`,
        },
      },
    });
    expect(unknown).toMatchObject({
      code: 2,
      json: { error: { message: expect.stringContaining(BRAKE_NAMES.join(', ')) } },
    });
    expect((await resegment('apply', RUN, '--override', 'movedShare', '--reason', '  ')).code).toBe(2);
    expect(await digest(bench)).toBe(before);
    expect((await bench.ports.runs.get(RUN))?.record.overrides).toEqual([]);
  });
});

describe('the mail of a stage on an account', () => {
  it('names the stage in every command, so that it works as it stands', async () => {
    let text = '';
    const { bench } = await november({ movedShare: 0.1 }, async (one) => {
      await month(one, all(ids(20, 11), 90));
      const tell = tellOperators({
        mail: {
          send: async ({ raw }) => {
            text = (await PostalMime.parse(raw)).text ?? '';
            return { kind: 'notAccepted', retryable: false, reason: 'paused' };
          },
          quota: async () => ({ max24h: -1, maxPerSecond: 1, sentLast24h: 0 }),
        },
        sender: { company: 'Bank', address: 'survey@bank.example.com', postalAddress: '1 Road' },
        operatorAddress: 'ops@bank.example.com',
        replyTo: 'care@bank.example.com',
        commandOptions: '--target aws --stage prod',
      });
      Object.assign(one.ports, { tellOperators: tell });
    });

    for (const heading of ['Look at it', 'Go on', 'Discard it'])
      expect(commandsUnder(text, heading)[0]?.slice(-4)).toEqual(['--target', 'aws', '--stage', 'prod']);
    expect((await bench.ports.runs.get(RUN))?.record.state).toBe('held');
  });
});

describe('what input is compared with', () => {
  it('is the last run for everybody, not a run for some customers since', async () => {
    const { outcome } = await november({ inputDropShare: 0.1 }, async (bench) => {
      const subject = (await bench.ports.customers.get('c0'))?.subject ?? '';
      await bench.ports.objects.put('requests/x/subjects.json', new TextEncoder().encode(JSON.stringify([subject])));
      await month(bench, {});
      await bench.usePolicy(policyWith({}));
      const few = await bench.run({
        requestId: 'few',
        asOf: '2026-11-20',
        only: { subjectsKey: 'requests/x/subjects.json' },
      });
      expect(few).toMatchObject({ outcome: 'apply', summary: { population: 1 } });
      await bench.usePolicy(policyWith({ inputDropShare: 0.1 }));
      await erase(bench, ids(20, 50));
    });

    expect(outcome).toBe('held');
  });
});

describe('brakes without a word in the policy', () => {
  const DEFAULTS: Brakes = {
    movedShare: 0.15,
    flagShare: 0.02,
    inputDropShare: 0.1,
    staleInputDays: 35,
    emptiedSegment: 'hold',
    quarantineShare: 0.01,
  };
  const without = SCORE_POLICY.replace(/brakes:\n[\s\S]*$/u, '');

  it('have the defaults, each by itself', async () => {
    const brakesOf = (text: string) => {
      const parsed = parsePolicy(text, 'test.yaml');
      return parsed.ok ? parsed.policy.brakes : parsed.errors;
    };

    expect(brakesOf(without)).toEqual(DEFAULTS);
    expect(brakesOf(`${without}brakes: {}\n`)).toEqual(DEFAULTS);
    expect(brakesOf(`${without}brakes:\n  movedShare: 0.3\n`)).toEqual({ ...DEFAULTS, movedShare: 0.3 });
  });

  it('hold a run', async () => {
    const bench = openMemoryBench();
    await activate(bench, without);
    await withScore(bench, all(ids(0, 20), 90), '2026-10-15');
    await bench.run({ trigger: 'schedule', scheduledAt: '2026-11-01T02:00:00.000Z' });
    bench.setNow('2026-12-01T02:00:00.000Z');
    await withScore(bench, all(ids(0, 20), 50), '2026-11-15');

    const { outcome, summary } = await bench.run({ trigger: 'schedule', scheduledAt: '2026-12-01T02:00:00.000Z' });

    expect(outcome).toBe('held');
    expect(summary.brakes.map((hit) => hit.brake)).toEqual(['movedShare', 'emptiedSegment']);
  });

  it.each(presetNames())('are on in the preset %s', (name) => {
    const { brakes } = readPolicy(name);

    expect(Object.keys(brakes).sort()).toEqual([...BRAKE_NAMES].sort());
    expect(brakes.emptiedSegment).toBe('hold');
    expect(brakes.staleInputDays).toBeLessThanOrEqual(62);
    for (const share of [brakes.movedShare, brakes.flagShare, brakes.inputDropShare, brakes.quarantineShare])
      expect(share).toBeLessThan(0.5);
  });
});
