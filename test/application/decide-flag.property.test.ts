import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideFlag } from '#shared/application/decide-flag.ts';
import type { Flag, RaisedFlag } from '#shared/domain/flags.ts';
import { isResegmentError } from '#shared/errors.ts';
import { memoryCustomers, memoryFlags } from '#test/support/memory-stores.ts';
import { factsOf } from '#test/survey/memory.ts';

type Step =
  | { readonly do: 'raise' | 'withdraw' | 'expire'; readonly run: number }
  | {
      readonly do: 'decide';
      readonly decision: 'approved' | 'refused';
      readonly person: string;
      readonly crash: boolean;
    };

const run = fc.nat({ max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('raise' as const, 'withdraw' as const, 'expire' as const), run }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      decision: fc.constantFrom('approved' as const, 'refused' as const),
      person: fc.constantFrom('Ann', 'Bob', 'Li Wei'),
      crash: fc.boolean(),
    }),
  },
);

const LOSSES = new Set(['flag-decided', 'flag-expired', 'flag-withdrawn', 'flag-unknown']);
const CLOSING = new Set(['approved', 'refused', 'expired', 'withdrawn']);

/** Whether the history tells a life in which each proposal that is raised ends at most once before the next. */
const isLife = ({ history, state }: Flag): boolean => {
  let open = false;
  for (const { event } of history) {
    if (event === 'raised') {
      if (open) return false;
      open = true;
    } else {
      if (!open) return false;
      if (CLOSING.has(event)) open = false;
    }
  }
  return open === (state === 'open') && (open || history.at(-1)?.event === state);
};

describe('a proposal that several people and runs work on at the same time', () => {
  it('is decided once for each time it is raised, and tells its whole life', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 2, maxLength: 12 }), async (scheduler, steps) => {
        const customers = memoryCustomers(1, (id) => `s-${id}`);
        await customers.ensureSubjects(['c']);
        await customers.put(factsOf('c'), null);
        const flags = memoryFlags();
        let clock = Date.parse('2026-11-01T00:00:00.000Z');
        const now = (): string => {
          clock += 1000;
          return new Date(clock).toISOString();
        };
        const slow = <A extends unknown[], R>(work: (...given: A) => Promise<R>) => scheduler.scheduleFunction(work);
        const store = { ...flags, get: slow(flags.get), settle: slow(flags.settle) };
        const facts = { get: slow(customers.get), put: slow(customers.put) };
        const ports = { flags: store, customers: facts, clock: { now }, timeZone: 'UTC' };
        const proposal = (id: number): RaisedFlag => ({
          kind: 'exit',
          subject: 's-c',
          customerId: 'c',
          runId: `run-${id}`,
          period: '2026-10',
          segment: 'low',
          branch: null,
          manager: null,
          stake: 1,
          evidence: { segment: 'low', since: `2026-0${(id % 3) + 1}`, periods: 3 },
          raisedAt: now(),
          expiresOn: '2026-12-30',
        });
        await flags.raise(proposal(99));
        const raise = slow(flags.raise);
        const withdraw = slow(flags.withdraw);
        const won: string[] = [];

        const work = steps.map(async (one) => {
          if (one.do !== 'decide') {
            if (one.do === 'raise') return raise(proposal(one.run));
            if (one.do === 'withdraw') return withdraw('s-c', 'exit', `run-${one.run}`, now());
            return store.settle('s-c', 'exit', { state: 'expired', by: `run-${one.run}`, at: now() });
          }
          const crashing = one.crash ? { ...facts, put: async () => Promise.reject(new Error('crash')) } : facts;
          try {
            const verdict = { decision: one.decision, by: one.person, reason: `${one.decision} by ${one.person}` };
            await decideFlag({ customerId: 'c', kind: 'exit' }, verdict, { ...ports, customers: crashing });
            won.push(one.person);
          } catch (error) {
            if (error instanceof Error && error.message === 'crash') return undefined;
            if (!isResegmentError(error) || !LOSSES.has(error.code)) throw error;
          }
          return undefined;
        });
        await scheduler.waitFor(Promise.all(work));

        const flag = await flags.get('s-c', 'exit');
        if (flag === undefined) throw new Error('the proposal is gone');
        const decided = flag.history.filter(({ event }) => event === 'approved' || event === 'refused');
        expect(isLife(flag)).toBe(true);
        expect(decided.length).toBeGreaterThanOrEqual(won.length);
        expect(decided.every(({ by, event, reason }) => reason === `${event} by ${by}`)).toBe(true);
        // Whoever asks again completes what a crash left: the customer's facts have the last decision, each once.
        if (flag.state === 'approved' || flag.state === 'refused') {
          const again = decideFlag(
            { customerId: 'c' },
            { decision: 'refused', by: 'Eve', reason: 'x' },
            {
              ...ports,
              flags,
              customers,
            },
          );
          await expect(again).rejects.toMatchObject({ code: 'flag-decided' });
          expect((await customers.get('c'))?.decisions.at(-1)).toMatchObject({
            decision: flag.state,
            by: decided.at(-1)?.by,
            decidedAt: decided.at(-1)?.at,
          });
        }
        const kept = (await customers.get('c'))?.decisions ?? [];
        const lived = decided.map(({ event, by, at }) => `${event} ${by} ${at}`);
        const known = kept.map(({ decision, by, decidedAt }) => `${decision} ${by} ${decidedAt}`);
        expect(new Set(known).size).toBe(known.length);
        expect(lived).toEqual(expect.arrayContaining(known));
        expect(known.length).toBeGreaterThanOrEqual(won.length);
      }),
      { numRuns: 200 },
    );
  });
});
