import { describe, expect, it } from 'vitest';
import { byStake, type Flag, isCovered } from '#shared/domain/flags.ts';

const EXIT = { segment: 'exit', since: '2026-08', periods: 3, quality: 2, contribution: 1 };
const UPGRADE = {
  segment: 'hold',
  wouldBe: 'priority',
  rising: 'value',
  metric: 'income',
  value: 90,
  shortBy: 10,
  'potential.value': 2,
};

const covers = (kind: Flag['kind'], decision: 'approved' | 'refused', then: Flag['evidence'], now: Flag['evidence']) =>
  isCovered({ kind, evidence: now }, { decision, evidence: then });

describe('a refusal', () => {
  it.each([
    ['more periods of the same', { periods: 12 }, true],
    ['a rating that rose', { quality: 3 }, true],
    ['a rating that fell', { quality: 1 }, false],
    ['a new stay in the segment', { since: '2027-02', periods: 3 }, false],
    ['another segment', { segment: 'watch' }, false],
  ])('of an exit: %s', (_what, change, expected) => {
    expect(covers('exit', 'refused', EXIT, { ...EXIT, ...change })).toBe(expected);
  });

  it.each([
    ['the same again', {}, true],
    ['a little nearer', { value: 94, shortBy: 6 }, true],
    ['half of what was missing', { value: 95, shortBy: 5 }, false],
    ['nothing missing any more', { value: 101, shortBy: -1 }, false],
    ['farther away', { value: 70, shortBy: 30 }, true],
    ['another segment to reach', { wouldBe: 'gold' }, false],
    ['another rating', { rising: 'growth' }, false],
    ['as much potential', { 'potential.value': 2 }, true],
    ['more potential', { 'potential.value': 3 }, false],
    ['less potential', { 'potential.value': 1 }, true],
  ])('of an upgrade: %s', (_what, change, expected) => {
    expect(covers('upgrade', 'refused', UPGRADE, { ...UPGRADE, ...change })).toBe(expected);
  });

  it('of an upgrade that lacked nothing is not undone by lacking nothing', () => {
    const reached = { ...UPGRADE, shortBy: -1 };

    expect(covers('upgrade', 'refused', reached, { ...reached, shortBy: -5 })).toBe(true);
  });
});

describe('an approval', () => {
  it('covers the same step whatever the figures, and no other step', () => {
    expect(covers('exit', 'approved', EXIT, { ...EXIT, quality: 1, periods: 9 })).toBe(true);
    expect(covers('upgrade', 'approved', UPGRADE, { ...UPGRADE, shortBy: 1, rising: 'growth' })).toBe(true);
    expect(covers('exit', 'approved', EXIT, { ...EXIT, since: '2027-02' })).toBe(false);
    expect(covers('upgrade', 'approved', UPGRADE, { ...UPGRADE, wouldBe: 'gold' })).toBe(false);
  });
});

describe('the order of proposals', () => {
  it('is by value at stake, then by age, then by customer', () => {
    const flag = (customerId: string, stake: number, raisedAt: string) => ({ customerId, stake, raisedAt }) as Flag;
    const [old, young] = ['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'];

    const ranked = [flag('d', 1, young), flag('c', 1, young), flag('b', 1, old), flag('a', 9, young)].sort(byStake);

    expect(ranked.map(({ customerId }) => customerId)).toEqual(['a', 'b', 'c', 'd']);
  });
});
