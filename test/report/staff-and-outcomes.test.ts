import { describe, expect, it } from 'vitest';
import type { FlagOutcomes, PolicyOutcomes } from '#shared/application/flag-outcomes.ts';
import { outcomeWordsOf } from '#shared/application/flag-outcomes-text.ts';
import { renderReport } from '#shared/application/report/render-report.ts';
import { teamWordsOf } from '#shared/application/team-view-text.ts';
import { type OutcomeObservation, OutcomeTally } from '#shared/domain/flag-outcomes.ts';
import { staffView } from '#shared/domain/staff-view.ts';
import { inventedReport } from './report-fixture.ts';

const HOSTILE = '<img src=x onerror=alert(1)>';

const team = {
  waveId: 'w-1',
  runId: 'r-1',
  state: 'closed' as const,
  closesAt: '2026-10-22T00:00:00.000Z',
  comparedWith: null,
  caseWaves: ['w-1'],
  casesAsOf: '2026-11-01T02:00:00.000Z',
  ...staffView(
    'nps',
    [HOSTILE, 'Wu'].map((manager, index) => ({
      groups: { segment: 'priority', branch: HOSTILE, manager, language: 'en' },
      invited: 40,
      delivered: 40,
      suspect: 0,
      scores: { 10: 10 + index, 3: 8 },
      factors: {},
    })),
    undefined,
    [{ groups: { manager: 'Wu', branch: HOSTILE }, due: 12, inTime: 9 }],
    ['priority'],
  ),
};

const month = (given: Partial<OutcomeObservation>): OutcomeObservation => ({
  segment: 'exit',
  flags: {},
  answered: [],
  bought: false,
  spentMore: false,
  left: true,
  rose: false,
  ended: false,
  ...given,
});

const version = (): PolicyOutcomes => {
  const tally = new OutcomeTally();
  tally.add([month({ flags: { exit: 'approved' } })]);
  tally.add([month({ flags: { exit: 'refused' }, left: false, bought: true })]);
  tally.add([month({})]);
  const none = { tooShort: 0, erased: 2, unreadable: 0, noOutcome: 0 };
  return {
    policy: { name: 'bank', version: '1', hash: 'abcdef0123456789' },
    periods: ['2026-05'],
    exit: tally.figures('exit'),
    upgrade: tally.figures('upgrade'),
    notKnown: { exit: none, upgrade: none },
    afterDecision: { exit: 0, upgrade: 0 },
    missed: {
      exit: [{ customerId: HOSTILE, period: '2026-05', segment: 'exit', branch: null, manager: HOSTILE, value: 12.5 }],
      upgrade: [],
    },
  };
};

const outcomes: FlagOutcomes = {
  from: '2025-11',
  to: '2026-10',
  withinDays: 90,
  outcome: null,
  knownUntil: '2026-10-31',
  versions: [version()],
  tooShort: ['2026-08'],
  filesMissing: [],
  read: { plans: 12, customers: 3 },
};

describe('staff, branches and outcomes in the report', () => {
  it.each(['en', 'zh-CN'] as const)('stand in it as tables, every name escaped (%s)', (language) => {
    const page = renderReport({ ...inventedReport, team, outcomes: { outcomes, policies: {} } }, language);

    expect(page).toContain(`<h3 id="team-manager">${teamWordsOf(language).manager}</h3>`);
    expect(page).toContain('75% <small>(47% … 91%)</small>');
    expect(page).toContain(outcomeWordsOf(language).approved);
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).not.toContain('<img');
    expect(page).not.toMatch(/undefined|NaN|\{\w+\}/u);
  });

  it('say why outcomes are not looked at', () => {
    const page = renderReport({ ...inventedReport, outcomes: null }, 'en');

    expect(page).toContain(outcomeWordsOf('en').notInReport);
  });

  it('are left out where the report was not asked for them, and where nobody answered', () => {
    const nobody = { ...team, ...staffView('nps', [], undefined, [], []) };
    const page = renderReport({ ...inventedReport, team: nobody }, 'en');

    expect(page).not.toContain(outcomeWordsOf('en').title);
    expect(page).not.toContain('id="team-manager"');
  });

  it('have every word in both languages', () => {
    expect(Object.keys(outcomeWordsOf('zh-CN')).sort()).toEqual(Object.keys(outcomeWordsOf('en')).sort());
  });
});
