import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { customerHistory, segmentOn } from '#shared/application/customer-history.ts';
import { abandonRun } from '#shared/application/run/abandon-run.ts';
import { applyShard } from '#shared/application/run/apply-shard.ts';
import { beginApply } from '#shared/application/run/begin-apply.ts';
import { assertRunHealthy } from '#shared/application/run/finish-run.ts';
import { visibleGeneration } from '#shared/application/run/measure-shard.ts';
import { openRun } from '#shared/application/run/open-run.ts';
import { publishRun } from '#shared/application/run/publish-run.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import { shardOfBucket } from '#shared/application/run/run-ports.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const SEGMENTS = ['high', 'middle', 'low'] as const;
const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2026, 9, 1, 12);
/** A plan expires three days after it was made. */
const EXPIRES_DAYS = 3;

/** Segment by customer; null: has left; absent: no standing. */
type Standings = ReadonlyMap<string, string | null>;

interface ModelCustomer {
  readonly scores: { readonly day: number; readonly score: number }[];
  pin: string | null;
  leftOn: number | null;
}

interface ModelPlan {
  readonly runId: string;
  readonly day: number;
  readonly shards: number;
  readonly basedOn: string | null;
  /** What it says of each customer, and the inputs that it was made from. */
  readonly rows: ReadonlyMap<string, { readonly segment: string | null; readonly inputs: string }>;
  readonly written: Map<string, string | null>;
  state: 'planned' | 'begun' | 'published' | 'discarded';
}

/** The reference: whole maps of standings, replaced in one go. */
class Model {
  day = 0;
  serial = 0;
  readonly customers = new Map<string, ModelCustomer>();
  readonly plans: ModelPlan[] = [];
  published: { readonly runId: string; readonly standings: Standings } | null = null;
  /** Null where a rollback is not possible. */
  before: { readonly run: Model['published'] } | null = null;
  applying: ModelPlan | null = null;

  visible(): Standings {
    return this.published?.standings ?? new Map();
  }

  inputs(
    id: string,
    day: number,
  ): { readonly score: number | null; readonly pin: string | null; readonly left: boolean } {
    const customer = this.customers.get(id);
    const score = customer?.scores.findLast((one) => one.day <= day)?.score ?? null;
    const leftOn = customer?.leftOn ?? null;
    return { score, pin: customer?.pin ?? null, left: leftOn !== null && leftOn <= day };
  }

  plan(runId: string, shards: number): ModelPlan {
    const rows = new Map<string, { segment: string | null; inputs: string }>();
    for (const id of this.customers.keys()) {
      const inputs = this.inputs(id, this.day);
      if (inputs.score === null && !this.visible().has(id)) continue;
      const byScore =
        inputs.score === null ? 'unrated' : inputs.score >= 70 ? 'high' : inputs.score >= 30 ? 'middle' : 'low';
      rows.set(id, { segment: inputs.left ? null : (inputs.pin ?? byScore), inputs: JSON.stringify(inputs) });
    }
    const basedOn = this.published?.runId ?? null;
    return { runId, day: this.day, shards, basedOn, rows, written: new Map(), state: 'planned' };
  }

  mayBegin(plan: ModelPlan): boolean {
    if (plan.state === 'begun') return true;
    return (
      plan.state === 'planned' &&
      this.day < plan.day + EXPIRES_DAYS &&
      plan.basedOn === (this.published?.runId ?? null) &&
      this.applying === null
    );
  }

  begin(plan: ModelPlan): void {
    plan.state = 'begun';
    this.applying = plan;
    this.before = null;
  }

  /** Who of a shard is written now; those whose inputs changed since the plan are not, unless they were before. */
  due(plan: ModelPlan, isInShard: (id: string) => boolean, checkStale: boolean): readonly string[] {
    return [...plan.rows].flatMap(([id, { inputs }]) => {
      const isFresh = !checkStale || JSON.stringify(this.inputs(id, plan.day)) === inputs;
      return isInShard(id) && isFresh ? [id] : [];
    });
  }

  write(plan: ModelPlan, ids: readonly string[]): void {
    for (const id of ids) plan.written.set(id, plan.rows.get(id)?.segment ?? null);
  }

  publish(plan: ModelPlan): void {
    const standings = new Map(this.visible());
    for (const [id, segment] of plan.written) {
      if (segment !== null || standings.has(id)) standings.set(id, segment);
    }
    this.before = { run: this.published };
    this.published = { runId: plan.runId, standings };
    plan.state = 'published';
    this.applying = null;
  }

  discard(plan: ModelPlan): void {
    plan.state = 'discarded';
    if (this.applying === plan) this.applying = null;
  }
}

const visibleOf = async (bench: Bench): Promise<Standings> => {
  const pointer = await bench.ports.pointer.get();
  const found = new Map<string, string | null>();
  for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1) {
    const standings = new Map((await bench.ports.standings.readBucket(bucket)).map((one) => [one.subject, one]));
    for await (const read of bench.ports.customers.readBucket(bucket)) {
      if (read.kind !== 'customer') continue;
      const generation = visibleGeneration(standings.get(read.facts.subject), pointer);
      if (generation !== null) found.set(read.facts.customerId, generation.placements['class']?.actual ?? null);
    }
  }
  return found;
};

/** The bench never has an asOf of its own: a run is of the model's day. */
const dateOf = (day: number): string => new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10);

const settle = async (model: Model, bench: Bench): Promise<void> => {
  const sorted = (standings: Standings) => [...standings].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(await visibleOf(bench))).toEqual(sorted(model.visible()));
  const pointer = await bench.ports.pointer.get();
  expect(pointer.published?.runId ?? null).toBe(model.published?.runId ?? null);
  expect(pointer.applying?.runId ?? null).toBe(model.applying?.runId ?? null);
};

/** The history tells of today what the standings show. */
const recall = async (model: Model, bench: Bench): Promise<void> => {
  for (const id of model.customers.keys()) {
    const { run } = await segmentOn(id, dateOf(model.day), bench.ports);
    const segment = run?.kind === 'left' ? null : run?.placements['class']?.actual;
    expect([id, segment ?? null]).toEqual([id, model.visible().get(id) ?? null]);
    const last = (await customerHistory(id, bench.ports)).runs.findLast((one) => one.counts);
    expect([id, last?.placements['class']?.actual ?? null]).toEqual([id, model.visible().get(id) ?? null]);
  }
};

const inShardOf = async (bench: Bench, plan: ModelPlan): Promise<(id: string, shard: number) => boolean> => {
  const subjects = await bench.ports.customers.subjectsOf([...IDS]);
  return (id, shard) => {
    const bucket = bench.ports.customers.bucketOf(subjects.get(id) ?? '');
    return shardOfBucket(bucket, plan.shards, bench.ports.customers.buckets) === shard;
  };
};

interface Step {
  /** Does nothing and returns false where the model does not have what it needs. */
  readonly run: (model: Model, bench: Bench) => Promise<unknown>;
  readonly name: string;
  /** So that a failure prints the steps. */
  readonly [fc.toStringMethod]: () => string;
}

const step = (name: string, run: Step['run']): Step => ({ name, run, [fc.toStringMethod]: () => name });

const pick = (model: Model, choice: number): ModelPlan | undefined =>
  model.plans.length === 0
    ? undefined
    : model.plans[model.plans.length - 1 - (choice % Math.min(3, model.plans.length))];

const customerOf = (model: Model, id: string): ModelCustomer => {
  const known = model.customers.get(id) ?? { scores: [], pin: null, leftOn: null };
  model.customers.set(id, known);
  return known;
};

const setScore = (id: string, score: number): Step =>
  step(`${id} scores ${score}`, async (model, bench) => {
    const { scores } = customerOf(model, id);
    const today = scores.findIndex((one) => one.day === model.day);
    if (today >= 0) scores.splice(today, 1);
    scores.push({ day: model.day, score });
    await withScore(bench, { [id]: score }, dateOf(model.day));
  });

const pin = (id: string, segment: string | null): Step =>
  step(`${id} is pinned to ${segment}`, async (model, bench) => {
    if (!model.customers.has(id)) return;
    customerOf(model, id).pin = segment;
    const setAt = bench.ports.clock.now();
    const one = { dimension: 'class', segment: segment ?? '', by: 'Ann', reason: 'test', setAt, until: '2027-12-31' };
    await bench.addCustomer({ customerId: id, pins: segment === null ? [] : [one] });
  });

const leave = (id: string): Step =>
  step(`${id} leaves`, async (model, bench) => {
    if (!model.customers.has(id) || customerOf(model, id).leftOn !== null) return;
    customerOf(model, id).leftOn = model.day;
    const recordedAt = bench.ports.clock.now();
    await bench.addCustomer({
      customerId: id,
      statuses: [{ status: 'closed', date: dateOf(model.day), recordedAt }],
    });
  });

const nextDay = (days: number): Step =>
  step(`${days} days pass`, async (model, bench) => {
    model.day += days;
    bench.setNow(new Date(FIRST_DAY + model.day * DAY_MS).toISOString());
  });

const planRun = (shards: number): Step =>
  step(`plan in ${shards} shards`, async (model, bench) => {
    model.serial += 1;
    const request = { requestId: `p${model.serial}`, asOf: dateOf(model.day), mode: 'plan' as const, shards };
    const { runId } = await bench.run(request);
    model.plans.push(model.plan(runId, shards));
  });

const directRun = (shards: number): Step =>
  step(`run in ${shards} shards`, async (model, bench) => {
    if (model.applying !== null) return;
    model.serial += 1;
    const plan = model.plan('', shards);
    const { runId } = await bench.run({ requestId: `r${model.serial}`, asOf: dateOf(model.day), shards });
    const named: ModelPlan = { ...plan, runId };
    model.plans.push(named);
    model.begin(named);
    model.write(
      named,
      model.due(named, () => true, false),
    );
    model.publish(named);
  });

const open = (bench: Bench, runId: string) =>
  openRun({ schema: 1, trigger: 'operator', mode: 'apply', runId, by: 'Ann' }, bench.ports).then(() =>
    beginApply({ runId }, bench.ports),
  );

/** Applies some shards and dies, the last one in its middle: after some writes the database is gone. */
const applySome = (choice: number, whole: number, writes: number): Step =>
  step(`apply ${whole} shards and ${writes} writes of plan ${choice}, then die`, async (model, bench) => {
    const plan = pick(model, choice);
    if (plan === undefined || plan.state === 'published') return;
    if (!model.mayBegin(plan)) {
      await expect(open(bench, plan.runId)).rejects.toThrow();
      return;
    }
    await open(bench, plan.runId);
    model.begin(plan);
    const isIn = await inShardOf(bench, plan);
    for (let shard = 0; shard < Math.min(whole, plan.shards); shard += 1) {
      await applyShard({ runId: plan.runId, shard }, bench.ports);
      model.write(
        plan,
        model.due(plan, (id) => isIn(id, shard), true),
      );
    }
    if (whole >= plan.shards) return;
    const ids = new Map([...(await bench.ports.customers.subjectsOf([...IDS]))].map(([id, subject]) => [subject, id]));
    const done: string[] = [];
    const dying = {
      ...bench.ports,
      standings: {
        ...bench.ports.standings,
        put: async (...given: Parameters<typeof bench.ports.standings.put>) => {
          if (done.length >= writes) throw new Error('the database is gone');
          done.push(ids.get(given[0].subject) ?? '');
          return bench.ports.standings.put(...given);
        },
      },
    };
    await applyShard({ runId: plan.runId, shard: whole }, dying).catch(() => undefined);
    const due = model.due(plan, (id) => isIn(id, whole), true);
    expect(done.filter((id) => !due.includes(id) && !plan.written.has(id))).toEqual([]);
    model.write(plan, done);
  });

/** Applies or resumes to the end, each shard by two workers at once, and publishes twice. */
const finish = (choice: number): Step =>
  step(`apply plan ${choice} to its end`, async (model, bench) => {
    const plan = pick(model, choice);
    if (plan === undefined || plan.state === 'published') return;
    if (!model.mayBegin(plan)) {
      await expect(open(bench, plan.runId)).rejects.toThrow();
      return;
    }
    const { shards } = await open(bench, plan.runId);
    model.begin(plan);
    for (const shard of shards) {
      const work = { runId: plan.runId, shard };
      await Promise.all([applyShard(work, bench.ports), applyShard(work, bench.ports)]);
    }
    model.write(
      plan,
      model.due(plan, () => true, true),
    );
    await publishRun({ runId: plan.runId }, bench.ports);
    await publishRun({ runId: plan.runId }, bench.ports);
    await assertRunHealthy({ runId: plan.runId }, bench.ports);
    model.publish(plan);
  });

const abandon = (choice: number): Step =>
  step(`abandon plan ${choice}`, async (model, bench) => {
    const plan = pick(model, choice);
    if (plan === undefined) return;
    if (plan.state === 'published') {
      await expect(abandonRun(plan.runId, 'Ann', bench.ports)).rejects.toMatchObject({ code: 'run-published' });
      return;
    }
    const record = (await bench.ports.runs.get(plan.runId))?.record;
    if (record?.state === 'rolledBack') return;
    await abandonRun(plan.runId, 'Ann', bench.ports);
    model.discard(plan);
  });

/** A worker of a run that was abandoned or rolled back wakes up late. */
const zombie = (choice: number): Step =>
  step(`a late worker of plan ${choice}`, async (model, bench) => {
    const plan = pick(model, choice);
    if (plan === undefined || plan.state !== 'discarded') return;
    for (let shard = 0; shard < plan.shards; shard += 1) {
      await applyShard({ runId: plan.runId, shard }, bench.ports).catch(() => undefined);
    }
    await expect(publishRun({ runId: plan.runId }, bench.ports)).rejects.toThrow();
  });

const rollback = (): Step =>
  step('roll back', async (model, bench) => {
    const request = { by: 'Ann', reason: 'test' };
    if (model.published === null || model.before === null || model.applying !== null) {
      await expect(rollbackRun(request, bench.ports)).rejects.toThrow();
      return;
    }
    const { runId } = model.published;
    const restored = model.before.run;
    expect(await rollbackRun(request, bench.ports)).toMatchObject({ runId, restored: restored?.runId ?? null });
    expect(await rollbackRun({ ...request, runId }, bench.ports)).toMatchObject({ outcome: 'already' });
    model.published = restored;
    model.before = null;
    const plan = model.plans.find((one) => one.runId === runId);
    if (plan !== undefined) plan.state = 'discarded';
  });

const id = fc.constantFrom(...IDS);
const shards = fc.integer({ min: 1, max: 3 });
const choice = fc.integer({ min: 0, max: 2 });
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(id, fc.constantFrom(10, 50, 90)).map(([who, score]) => setScore(who, score)) },
  { weight: 2, arbitrary: fc.tuple(id, fc.option(fc.constantFrom(...SEGMENTS))).map(([who, to]) => pin(who, to)) },
  { weight: 1, arbitrary: id.map(leave) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 }).map(nextDay) },
  { weight: 4, arbitrary: shards.map(planRun) },
  { weight: 2, arbitrary: shards.map(directRun) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(choice, fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 3 }))
      .map(([which, whole, writes]) => applySome(which, whole, writes)),
  },
  { weight: 4, arbitrary: choice.map(finish) },
  { weight: 2, arbitrary: choice.map(abandon) },
  { weight: 2, arbitrary: choice.map(zombie) },
  { weight: 3, arbitrary: fc.constant(null).map(rollback) },
);

describe('runs over a whole life of plans, crashes and rollbacks', () => {
  it('R37 R38 always show what a simple model shows, and never a mix of two runs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryStep, { minLength: 5, maxLength: 30, size: 'max' }), async (steps) => {
        const bench = openMemoryBench(4);
        await bench.usePolicy(SCORE_POLICY);
        const model = new Model();
        bench.setNow(new Date(FIRST_DAY).toISOString());
        // Without any fact every run would be held.
        await setScore('a', 50).run(model, bench);
        const done: string[] = [];
        for (const { name, run } of steps) {
          done.push(name);
          try {
            await run(model, bench);
            await settle(model, bench);
          } catch (error) {
            throw new Error(`after: ${done.join('; ')}`, { cause: error });
          }
        }
        await recall(model, bench);
      }),
      { numRuns: 150 },
    );
  });
});
