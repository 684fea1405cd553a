import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideFlag } from '#shared/application/decide-flag.ts';
import { rollbackRun } from '#shared/application/run/rollback-run.ts';
import { addMonths, dateIn } from '#shared/domain/calendar.ts';
import { type Flag, isCovered } from '#shared/domain/flags.ts';
import { isResegmentError } from '#shared/errors.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

/** Segments by the level of the score; exits after two months in a row; what nobody decides expires soon. */
const POLICY = SCORE_POLICY.replace('score: { from: 70 }', 'step: { from: 3 }')
  .replace('score: { from: 30 }', 'step: { from: 2 }')
  .replace('score: { from: 0 }', 'step: { from: 1 }')
  .replace(/flags:[\s\S]*?brakes:/u, () =>
    [
      'flags:',
      '  upgrade: { from: [low, middle], rising: step, shortBy: 0.3, perManager: 2, perBranch: 2, expiresDays: 45, decides: branch }',
      '  exit: { from: [low], afterPeriods: 2, perManager: 2, expiresDays: 45, decides: committee }',
      'brakes:',
    ].join('\n'),
  );

const CUSTOMERS = ['a', 'b', 'c'] as const;
const KINDS = ['upgrade', 'exit'] as const;
const customer = fc.constantFrom(...CUSTOMERS);

type Step =
  | { readonly do: 'month' | 'adHoc' | 'rollback' }
  | { readonly do: 'score'; readonly id: string; readonly score: number }
  | { readonly do: 'case'; readonly id: string; readonly open: boolean }
  | {
      readonly do: 'decide';
      readonly id: string;
      readonly kind: (typeof KINDS)[number];
      readonly decision: 'approved' | 'refused';
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('month' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('adHoc' as const, 'rollback' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('score' as const),
      id: customer,
      score: fc.constantFrom(5, 20, 24, 28, 31, 60, 66, 90),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('case' as const), id: customer, open: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      id: customer,
      kind: fc.constantFrom(...KINDS),
      decision: fc.constantFrom('approved' as const, 'refused' as const),
    }),
  },
);

const CLOSING = new Set(['approved', 'refused', 'expired', 'withdrawn']);

/** Whether the history tells lives one after the other: each begins with being raised and ends once before the next. */
const isLife = ({ history, state }: Flag): boolean => {
  let open = false;
  let last = '';
  for (const { event } of history) {
    if (event === 'raised' ? open : event === 'reopened' ? open || last !== 'withdrawn' : !open) return false;
    open = !CLOSING.has(event);
    last = event;
  }
  return open === (state === 'open') && (open || last === state);
};

describe('proposals over many months', () => {
  it('live one life at a time, obey every decision, end with their evidence, and are never open twice', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 30 }), async (steps) => {
        const bench = openMemoryBench(2);
        const { ports } = bench;
        await bench.usePolicy(POLICY);
        const day = { month: '2026-10', of: 1 };
        const now = (): string => `${day.month}-${String(day.of).padStart(2, '0')}T02:00:00.000Z`;
        let requests = 0;
        bench.setNow(now());
        await withScore(bench, { a: 20, b: 60, c: 5 }, '2026-09-15');

        const all = async (): Promise<readonly Flag[]> => {
          const subjects = await ports.customers.subjectsOf(CUSTOMERS);
          const flags = await Promise.all(
            [...subjects.values()].flatMap((subject) => KINDS.map((kind) => ports.flags.get(subject, kind))),
          );
          return flags.filter((flag) => flag !== undefined);
        };
        const check = async (isAfterRun: boolean): Promise<void> => {
          const flags = await all();
          expect(flags.filter((flag) => !isLife(flag)).map(({ history }) => history.map(({ event }) => event))).toEqual(
            [],
          );
          const open = flags.filter((flag) => flag.state === 'open');
          expect((await ports.flags.listOpen()).map((flag) => `${flag.kind} ${flag.subject}`).sort()).toEqual(
            open.map((flag) => `${flag.kind} ${flag.subject}`).sort(),
          );
          if (!isAfterRun) return;
          const standings = await ports.standings.getMany(open.map(({ subject }) => subject));
          for (const flag of open) {
            const facts = await ports.customers.get(flag.customerId);
            const decided = facts?.decisions.findLast((one) => one.kind === flag.kind);
            expect(standings.get(flag.subject)?.current.flags, 'withdrawn when the evidence goes').toContain(flag.kind);
            if (flag.runId === standings.get(flag.subject)?.current.runId && decided?.evidence !== undefined) {
              const { evidence } = decided;
              expect(isCovered(flag, { decision: decided.decision, evidence })).toBe(false);
              // Said without the product's own word for it: the same step is not proposed again after a yes.
              const step = (of: Flag['evidence']): unknown => [of['segment'], of['since'] ?? of['wouldBe']];
              if (decided.decision === 'approved') expect(step(flag.evidence)).not.toEqual(step(evidence));
            }
            if (flag.kind === 'exit') {
              expect(facts?.openCase).toBeUndefined();
              expect(flag.evidence['periods']).toBe(2);
            }
          }
        };
        for (const one of steps) {
          if (one.do === 'score') {
            const date = `${day.month}-${String(Math.min(day.of, 28)).padStart(2, '0')}`;
            await withScore(bench, { [one.id]: one.score }, date);
          } else if (one.do === 'case') {
            const { openCase: _, ...facts } =
              (await ports.customers.get(one.id)) ?? (await bench.addCustomer({ customerId: one.id }));
            const next = { ...facts, ...(one.open ? { openCase: 'k' } : {}), factsRev: facts.factsRev + 1 };
            await ports.customers.put(next, facts.factsRev);
          } else if (one.do === 'decide') {
            const verdict = { decision: one.decision, by: 'Ann', reason: 'so' };
            try {
              const done = await decideFlag({ customerId: one.id, kind: one.kind }, verdict, {
                ...ports,
                timeZone: 'UTC',
              });
              seen.add(`${done.kind} ${done.state}`);
              expect(done.expiresOn >= dateIn('UTC', now())).toBe(true);
            } catch (error) {
              if (!isResegmentError(error) || !error.code.startsWith('flag-')) throw error;
              seen.add(error.code);
            }
          } else if (one.do === 'rollback') {
            try {
              await rollbackRun({ by: 'Ann', reason: 'wrong file' }, ports);
              seen.add('rolled back');
            } catch (error) {
              if (!isResegmentError(error)) throw error;
            }
          } else {
            if (one.do === 'month') Object.assign(day, { month: addMonths(day.month, 1), of: 1 });
            else day.of = Math.min(28, day.of + 3);
            bench.setNow(now());
            requests += 1;
            await bench.run(
              one.do === 'month'
                ? { trigger: 'schedule', scheduledAt: now() }
                : { trigger: 'operator', requestId: `r${requests}`, by: 'Bob' },
            );
          }
          await check(one.do === 'month');
        }
        for (const flag of await all()) {
          const events = flag.history.map(({ event }) => event).filter((event) => event !== 'confirmed');
          for (const [index, event] of events.entries()) seen.add(`${events[index - 1] ?? 'never'} → ${event}`);
        }
      }),
      { numRuns: 60, seed: 20_261_125 },
    );
    for (const life of [
      'never → raised',
      'raised → withdrawn',
      'raised → expired',
      'expired → raised',
      'withdrawn → raised',
      'raised → refused',
      'raised → approved',
      'refused → raised',
      'rolled back',
    ]) {
      expect([...seen]).toContain(life);
    }
  }, 60_000);
});
