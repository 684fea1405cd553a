import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eraseContact } from '#shared/application/erase-contact.ts';
import { judgeAnswer } from '#shared/application/judge-answer.ts';
import { projectAnswer, projectPendingAnswers } from '#shared/application/project-answer.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { measure } from '#shared/domain/metrics.ts';
import { satisfactionOf } from '#shared/domain/scores.ts';
import { PermanentError } from '#shared/errors.ts';
import type { StoredAnswer } from '#shared/ports/answer-store.ts';
import { frameRow, policyFrom } from '../domain/support.ts';
import { openPersonBench, PERSON } from '../privacy/person-bench.ts';
import { Crash, dyingAt } from '../support/dying-ports.ts';
import { SCORE_POLICY } from '../support/score-policy.ts';
import { factsOf, invitationOf, memoryStores, settableClock } from '../survey/memory.ts';

const policy = policyFrom(SCORE_POLICY);
const MEANS = { cutoffs: {}, satisfactionMeans: { '*': 0.7 }, population: 1 };
const ANSWERS = [1, 2, 3] as const;
const SENT = '2026-06-01T08:00:00.000Z';
const END = '2026-06-20T08:00:00.000Z';

/** What happens to one answer, in the order in which it happens to it; `at` is a minute of that answer's own. */
type Happening =
  | { readonly kind: 'submit'; readonly score: number; readonly comment: string; readonly machine: boolean }
  | { readonly kind: 'judge'; readonly decision: 'confirmed' | 'discarded' };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: fc.constant('submit' as const),
    score: fc.integer({ min: 0, max: 10 }),
    comment: fc.constantFrom('', 'slow'),
    machine: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('judge' as const),
    decision: fc.constantFrom('confirmed' as const, 'discarded' as const),
  }),
);
const scripts = fc.tuple(...ANSWERS.map(() => fc.array(happening, { minLength: 1, maxLength: 5 })));

/** One customer, three invitations delivered long before, nothing answered. */
const openWorld = async () => {
  const stores = memoryStores();
  stores.customers.all.set('c1', factsOf('c1'));
  await stores.invitations.createMany(
    ANSWERS.map((index) => ({
      ...invitationOf(index),
      customerId: 'c1',
      subject: 's-c1',
      deliveredAt: SENT,
      closesAt: '2026-07-01T00:00:00.000Z',
    })),
  );
  const clock = settableClock(SENT);
  const ports = { ...stores, clock, businessTimeZone: 'Asia/Shanghai', onProjectionFailed: () => undefined };
  return { stores, clock, ports };
};
type World = Awaited<ReturnType<typeof openWorld>>;

const idOf = (index: number): string => invitationOf(index).invitationId;
/** Each thing happens at its own time, whatever else happened before it to other answers. */
const timeOf = (index: number, step: number): string =>
  new Date(Date.parse(SENT) + (step + 1) * 3_600_000 + index * 60_000).toISOString();

const happen = async (
  world: World,
  index: number,
  step: number,
  what: Happening,
  ports = world.ports,
): Promise<void> => {
  world.clock.moveTo(timeOf(index, step));
  if (what.kind === 'submit') {
    const { score, comment, machine } = what;
    const result = await recordAnswer(
      { invitationId: idOf(index), score, comment, wishes: [], honeypot: machine },
      ports,
    );
    expect(result.kind).toBe('stored');
    return;
  }
  try {
    await judgeAnswer(idOf(index), { decision: what.decision, by: 'Ann', reason: 'looked at it', over: true }, ports);
  } catch (error) {
    // There is nothing to judge yet, or nothing to confirm.
    if (!(error instanceof PermanentError) || !['answer-unknown', 'answer-counts'].includes(error.code)) throw error;
  }
};

/** The facts that runs read, and what they make of them. */
const finalState = async ({ stores, ports }: World) => {
  await projectPendingAnswers(ports);
  const facts = stores.customers.all.get('c1') ?? factsOf('c1');
  const { answers } = measure(facts, policy, { asOf: END.slice(0, 10), frozenAt: END });
  const cases = await Promise.all(ANSWERS.map((index) => stores.cases.get(idOf(index))));
  return {
    answers: facts.answers,
    hasOpenCase: facts.openCase !== undefined,
    cases: cases.map((one) => one && { ...one, history: one.history.map(({ event, at, by }) => ({ event, at, by })) }),
    satisfaction: satisfactionOf(frameRow({ answers }), policy, MEANS),
  };
};

/** Everything once, one answer after the other, nothing in between. */
const plainly = async (all: readonly (readonly Happening[])[]) => {
  const world = await openWorld();
  for (const [at, script] of all.entries()) {
    for (const [step, what] of script.entries()) await happen(world, at + 1, step, what);
  }
  return finalState(world);
};

const noise = fc.record({
  /** Which answer goes on. */
  next: fc.nat(2),
  /** Whether it comes twice. */
  twice: fc.boolean(),
  /** A call at which the process dies; the same is then asked for again. */
  dies: fc.option(fc.record({ call: fc.integer({ min: 1, max: 10 }), moment: fc.constantFrom('before', 'after') })),
  also: fc.constantFrom('nothing', 'sweep', 'old projection'),
  old: fc.nat(20),
});

describe('satisfaction and the facts behind it', () => {
  it('R28 R29 I10 are the same for every order, repetition and crash of the same events', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, fc.array(noise, { minLength: 15, maxLength: 15 }), async (all, noises) => {
        const expected = await plainly(all);

        const world = await openWorld();
        const seen: StoredAnswer[] = [];
        const done = [0, 0, 0];
        for (const { next, twice, dies, also, old } of noises) {
          const at = [next, 0, 1, 2].find((index) => (done[index] ?? 0) < (all[index]?.length ?? 0));
          if (at === undefined) break;
          const step = done[at] ?? 0;
          done[at] = step + 1;
          const what = all[at]?.[step];
          if (what === undefined) break;
          if (dies !== null) {
            const dying = dyingAt(
              world.ports,
              ['answers', 'customers', 'cases'],
              dies.call,
              dies.moment === 'before' ? 'before' : 'after',
            );
            await happen(world, at + 1, step, what, dying.ports).catch((error: unknown) => {
              if (!(error instanceof Crash)) throw error;
            });
          }
          await happen(world, at + 1, step, what);
          if (twice) await happen(world, at + 1, step, what);
          const stored = await world.stores.answers.get(idOf(at + 1));
          if (stored !== undefined) seen.push(stored);
          const earlier = seen[old % Math.max(1, seen.length)];
          if (also === 'sweep') await projectPendingAnswers(world.ports);
          if (also === 'old projection' && earlier !== undefined) await projectAnswer(earlier, world.ports);
        }

        expect(await finalState(world)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('R13 of two people who judge at the same time one comes first, and nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const world = await openWorld();
        await happen(world, 1, 0, { kind: 'submit', score: 2, comment: 'slow', machine: true });
        const slowly = <T extends object>(store: T): T =>
          new Proxy(store, {
            get: (from, name, receiver) => {
              const member: unknown = Reflect.get(from, name, receiver);
              return typeof member !== 'function'
                ? member
                : (...given: unknown[]) =>
                    scheduler.schedule(Promise.resolve(), String(name)).then(() => member.apply(from, given));
            },
          });
        const { answers, customers, cases } = world.stores;
        const ports = { ...world.ports, answers: slowly(answers), customers: slowly(customers), cases: slowly(cases) };
        const say = (by: string, decision: 'confirmed' | 'discarded') =>
          judgeAnswer(idOf(1), { decision, by, reason: 'seen' }, ports).then(
            ({ isNew }) => ({ by, decision, isNew }),
            (error: unknown) => ({ by, decision, isNew: false, error }),
          );

        const both = Promise.all([say('Ann', 'confirmed'), say('Bob', 'discarded')]);
        await scheduler.waitFor(both);

        const said = await both;
        const [won] = said.filter(({ isNew }) => isNew);
        const [lost] = said.filter(({ isNew }) => !isNew);
        expect(lost).toMatchObject({ error: { code: 'answer-judged' } });
        const stored = await answers.get(idOf(1));
        expect(stored?.answer.judgements).toMatchObject([{ by: won?.by, decision: won?.decision, version: 2 }]);
        const facts = (await customers.get('c1'))?.answers[idOf(1)];
        expect(facts).toMatchObject({ version: 2, suspect: won?.decision === 'discarded' });
        expect((await cases.get(idOf(1)))?.state).toBe(won?.decision === 'confirmed' ? 'open' : undefined);
      }),
      { numRuns: 60 },
    );
  });

  it('R26 are gone with an erasure, whenever it comes between storing, judging, projecting and sweeping', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 1, maxLength: 4 }),
        fc.nat(4),
        fc.boolean(),
        async (script, erasedBefore, projectsOld) => {
          const bench = await openPersonBench();
          const { survey, clock } = bench;
          const ports = {
            clock,
            invitations: survey.invitations,
            answers: survey.answers,
            cases: survey.cases,
            customers: bench.bench.ports.customers,
            businessTimeZone: 'UTC',
            onProjectionFailed: () => undefined,
          };
          let old: StoredAnswer | undefined;
          for (const [step, what] of [...script, undefined].entries()) {
            if (step === Math.min(erasedBefore, script.length)) {
              await eraseContact({ customerId: PERSON.customerId, by: 'Ann', reason: 'asked' }, bench.persons);
            }
            if (what === undefined) break;
            clock.moveBy(3_600_000);
            if (what.kind === 'submit') {
              const { score, comment, machine } = what;
              await recordAnswer({ invitationId: idOf(1), score, comment, wishes: [], honeypot: machine }, ports);
            } else {
              await judgeAnswer(idOf(1), { decision: what.decision, by: 'Ann', reason: 'x', over: true }, ports).catch(
                (error: unknown) => {
                  if (!(error instanceof PermanentError)) throw error;
                },
              );
            }
            old = (await survey.answers.get(idOf(1))) ?? old;
            if (projectsOld && old !== undefined) await projectAnswer(old, ports);
          }
          await projectPendingAnswers(ports);

          expect(await ports.customers.get(PERSON.customerId)).toBeUndefined();
          expect(await survey.answers.get(idOf(1))).toBeUndefined();
          expect(await survey.cases.get(idOf(1))).toBeUndefined();
        },
      ),
      { numRuns: 40 },
    );
  });
});
