import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { clearPin, listPins, setPin } from '#shared/application/pin-segment.ts';
import { measureFacts } from '#shared/application/run/measure-shard.ts';
import { activePin, pinState, pinsInForce } from '#shared/domain/pins.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { SCORE_POLICY, withScore } from '#test/support/score-policy.ts';

type Bench = ReturnType<typeof openMemoryBench>;

let bench: Bench;
let policy: Policy;
const portsOf = ({ ports }: Bench) => ({ customers: ports.customers, clock: ports.clock, timeZone: 'UTC' });
const pin = (over: Partial<Parameters<typeof setPin>[0]> = {}) =>
  setPin(
    { customerId: 'a', segment: 'high', until: '2027-03-31', by: 'Ann', reason: 'contract signed', ...over },
    policy,
    portsOf(bench),
  );
const unpin = (over: Partial<Parameters<typeof clearPin>[0]> = {}) =>
  clearPin({ customerId: 'a', by: 'Bo', reason: 'contract ended', ...over }, policy, portsOf(bench));
const segmentAfter = async (asOf: string, now: string, requestId: string): Promise<string | undefined> => {
  bench.setNow(now);
  const { runId } = await bench.run({ requestId, asOf });
  const subject = (await bench.ports.customers.get('a'))?.subject;
  for (let shard = 0; shard < 4; shard += 1) {
    const row = (await bench.ports.files.readPlan(runId, shard)).find((one) => one.subject === subject);
    if (row !== undefined) return row.next.placements['class']?.actual;
  }
  return undefined;
};

beforeEach(async () => {
  bench = openMemoryBench();
  policy = await bench.usePolicy(SCORE_POLICY);
  bench.setNow('2026-11-01T02:00:00.000Z');
  await withScore(bench, { a: 10, b: 50 }, '2026-10-15');
});

describe('a pin', () => {
  it('is a fact with who, why, since when and until when', async () => {
    expect(await pin()).toMatchObject({ outcome: 'set', dimension: 'class', replaced: null });

    expect((await bench.ports.customers.get('a'))?.pins).toEqual([
      {
        dimension: 'class',
        segment: 'high',
        by: 'Ann',
        reason: 'contract signed',
        setAt: '2026-11-01T02:00:00.000Z',
        until: '2027-03-31',
      },
    ]);
  });

  it('set twice is one, and writes nothing the second time', async () => {
    await pin();
    const before = await bench.ports.customers.get('a');

    expect(await pin({ by: 'Bo' })).toMatchObject({ outcome: 'unchanged', pin: { by: 'Ann' } });
    expect(await bench.ports.customers.get('a')).toEqual(before);
  });

  it('replaces the one before, says which, and keeps it as a fact', async () => {
    await pin();
    bench.setNow('2026-11-05T02:00:00.000Z');

    const second = await pin({ segment: 'middle', by: 'Bo', reason: 'smaller contract' });

    expect(second).toMatchObject({ outcome: 'replaced', replaced: { segment: 'high', by: 'Ann' } });
    expect((await bench.ports.customers.get('a'))?.pins).toMatchObject([
      { segment: 'high', cleared: { at: '2026-11-05T02:00:00.000Z', by: 'Bo', reason: 'replaced: smaller contract' } },
      { segment: 'middle' },
    ]);
  });

  it('ends when it is cleared, once, and stays as a fact', async () => {
    await pin();

    expect(await unpin()).toMatchObject({ outcome: 'cleared', pin: { segment: 'high' } });
    expect(await unpin()).toMatchObject({ outcome: 'nothingPinned', pin: null });
    expect((await bench.ports.customers.get('a'))?.pins).toMatchObject([
      { segment: 'high', by: 'Ann', cleared: { by: 'Bo', reason: 'contract ended' } },
    ]);
  });

  it.each([
    ['a customer that does not exist', { customerId: 'nobody' }, 'customer-unknown'],
    ['a dimension that the policy does not have', { dimension: 'toString' }, 'dimension-unknown'],
    ['a segment that the dimension does not have', { segment: 'constructor' }, 'segment-unknown'],
    ['no reason', { reason: '  \n ' }, 'reason-missing'],
    ['a reason too long for a list', { reason: 'x'.repeat(501) }, 'reason-missing'],
    ['a day before today', { until: '2026-10-31' }, 'until-invalid'],
    ['a day that does not exist', { until: '2027-02-29' }, 'until-invalid'],
    ['no day', { until: 'soon' }, 'until-invalid'],
    ['more than two years', { until: '2028-11-02' }, 'until-invalid'],
  ])('is refused for %s, and nothing is written', async (_what, over, code) => {
    const before = await bench.ports.customers.get('a');

    await expect(pin(over)).rejects.toMatchObject({ code });
    expect(await bench.ports.customers.get('a')).toEqual(before);
  });

  it('may begin and end today, and last two years to the day', async () => {
    expect(await pin({ until: '2026-11-01' })).toMatchObject({ outcome: 'set' });
    expect(await pin({ until: '2028-11-01' })).toMatchObject({ outcome: 'replaced' });
  });

  it('is not lost where several people write the same customer at the same time', async () => {
    const people = ['Ann', 'Bo', 'Cy', 'Di', 'Ed'];

    const done = await Promise.all(people.map((by) => pin({ by, reason: `reason of ${by}` })));

    const pins = (await bench.ports.customers.get('a'))?.pins ?? [];
    expect(done.filter((one) => one.outcome === 'set')).toHaveLength(1);
    expect(pins.map((one) => one.by).sort()).toEqual(people);
    expect(pins.filter((one) => one.cleared === undefined)).toHaveLength(1);
  });

  it('is written on one line', async () => {
    expect((await pin({ reason: ' signed\r\n=cmd ' })).pin.reason).toBe('signed =cmd');
  });

  it('survives runs, and when it ends the next run moves the customer by the settled ratings', async () => {
    await pin({ until: '2026-12-15' });

    expect(await segmentAfter('2026-11-01', '2026-11-01T03:00:00.000Z', 'r1')).toBe('high');
    expect(await segmentAfter('2026-12-15', '2026-12-15T03:00:00.000Z', 'r2')).toBe('high');
    expect(await segmentAfter('2026-12-16', '2026-12-16T03:00:00.000Z', 'r3')).toBe('low');
  });

  it('ends with the next run after it was cleared', async () => {
    await pin();
    expect(await segmentAfter('2026-11-01', '2026-11-01T03:00:00.000Z', 'r1')).toBe('high');
    bench.setNow('2026-11-02T02:00:00.000Z');
    await unpin();

    expect(await segmentAfter('2026-11-02', '2026-11-02T03:00:00.000Z', 'r2')).toBe('low');
  });

  it('makes the customer of a plan stale, and setting and clearing it again does not', async () => {
    bench.setNow('2026-11-02T02:00:00.000Z');
    const { runId } = await bench.run({ requestId: 'p', asOf: '2026-11-01', mode: 'plan' });
    bench.setNow('2026-11-02T03:00:00.000Z');
    await pin();
    await pin({ customerId: 'b' });
    await unpin({ customerId: 'b' });

    expect((await bench.apply(runId)).stale).toBe(1);
  });

  it('cleared later still counts for a run that was frozen before', async () => {
    bench.setNow('2026-11-01T03:00:00.000Z');
    await pin();
    bench.setNow('2026-11-05T02:00:00.000Z');
    await unpin();
    const facts = await bench.ports.customers.get('a');
    if (facts === undefined) throw new Error('lost');
    const pinsAt = async (frozenAt: string) =>
      measureFacts(0, facts, undefined, await bench.ports.pointer.get(), policy, { asOf: '2026-11-01', frozenAt })?.row
        .pins;

    expect(await pinsAt('2026-11-01T02:30:00.000Z')).toEqual([]);
    expect(await pinsAt('2026-11-04T00:00:00.000Z')).toMatchObject([{ segment: 'high' }]);
    expect(await pinsAt('2026-11-05T02:00:00.000Z')).toEqual([]);
  });

  it('is one per dimension at any instant, whatever was set and cleared', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            segment: fc.option(fc.constantFrom('high', 'middle', 'low')),
            days: fc.integer({ min: 0, max: 40 }),
          }),
          { maxLength: 8 },
        ),
        async (changes) => {
          await bench.addCustomer({ customerId: 'a', pins: [] });
          for (const [index, { segment, days }] of changes.entries()) {
            bench.setNow(new Date(Date.UTC(2026, 10, 1 + 5 * index)).toISOString());
            const until = new Date(Date.UTC(2026, 10, 1 + 5 * index + days)).toISOString().slice(0, 10);
            if (segment === null) await unpin();
            else await pin({ segment, until });
          }
          const facts = await bench.ports.customers.get('a');
          if (facts === undefined) throw new Error('lost');
          for (let day = 0; day < 90; day += 1) {
            const frozenAt = new Date(Date.UTC(2026, 10, 1 + day, 12)).toISOString();
            expect(pinsInForce(facts, { asOf: frozenAt.slice(0, 10), frozenAt }).length).toBeLessThanOrEqual(1);
          }
          const today = bench.ports.clock.now().slice(0, 10);
          expect(facts.pins.filter((one) => pinState(one, today) === 'active')).toEqual(
            [activePin(facts, 'class', today)].filter((one) => one !== undefined),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the list of pins', () => {
  beforeEach(async () => {
    await bench.addCustomer({ customerId: 'a', branch: 'Pudong', manager: 'Li Wei' });
    await pin({ until: '2027-01-31' });
    await pin({ customerId: 'b', segment: 'low', until: '2026-11-20' });
    await pin({ segment: 'middle', until: '2027-03-31' });
  });
  const list = async (filter: Partial<Parameters<typeof listPins>[1]> = {}) =>
    (await listPins({ ...portsOf(bench), customers: bench.ports.customers }, { state: 'active', ...filter })).map(
      (one) => `${one.customerId} ${one.pin.segment} ${one.state}`,
    );

  it('has those in force, the first to end first', async () => {
    expect(await list()).toEqual(['b low active', 'a middle active']);
    bench.setNow('2026-12-01T00:00:00.000Z');
    expect(await list()).toEqual(['a middle active']);
    expect(await list({ state: 'all' })).toEqual(['b low expired', 'a high cleared', 'a middle active']);
  });

  it.each([
    [{ branch: 'Pudong' }, ['a middle active']],
    [{ manager: 'nobody' }, []],
    [{ segment: 'low' }, ['b low active']],
    [{ state: 'cleared' as const }, ['a high cleared']],
  ])('is narrowed by %j', async (filter, expected) => {
    expect(await list(filter)).toEqual(expected);
  });
});
