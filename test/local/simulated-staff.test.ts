import { describe, expect, it } from 'vitest';
import { planClosing, planDecision } from '#local/simulated-staff.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';

const caseOf = (caseId: string): CustomerCase => ({
  caseId,
  customerId: 'c',
  subject: 's',
  waveId: 'w',
  segment: 'hold',
  branch: 'North',
  manager: 'Li',
  owner: { kind: 'manager', name: 'Li' },
  reason: 'lowAnswer',
  score: 2,
  question: 'nps',
  priority: 'normal',
  openedAt: '2026-10-02T08:00:00.000Z',
  dueAt: '2026-10-03T08:00:00.000Z',
  state: 'open',
  history: [],
});

describe('the simulated staff', () => {
  it('close most cases in time, some late, and leave some open, the same ones every time', () => {
    const all = Array.from({ length: 1_000 }, (_, index) => planClosing(caseOf(`k${index}`)));
    const closed = all.filter((one) => one !== undefined);
    const inTime = closed.filter(({ at }) => at <= '2026-10-03T08:00:00.000Z');

    expect(inTime.length / 1_000).toBeCloseTo(0.6, 1);
    expect((closed.length - inTime.length) / 1_000).toBeCloseTo(0.2, 1);
    expect(closed.every(({ at }) => at > '2026-10-02T08:00:00.000Z' && at < '2026-10-05T08:00:00.000Z')).toBe(true);
    expect(planClosing(caseOf('k1'))).toEqual(all[1]);
  });

  it('approve some proposals, refuse some, and leave most to a person', () => {
    const decisions = Array.from({ length: 1_000 }, (_, index) => planDecision({ subject: `s${index}`, kind: 'exit' }));
    const share = (decision: string | undefined) => decisions.filter((one) => one === decision).length / 1_000;

    expect(share('approved')).toBeCloseTo(0.15, 1);
    expect(share('refused')).toBeCloseTo(0.2, 1);
    expect(share(undefined)).toBeGreaterThan(0.5);
  });
});
