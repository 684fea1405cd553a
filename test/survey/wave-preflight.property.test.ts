import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findingsInWords, preflightText } from '#shared/application/preflight-text.ts';
import {
  batchFor,
  capacityOf,
  PREFLIGHT_FINDINGS,
  type PreflightInput,
  preflight,
  spreadOverDays,
} from '#shared/domain/wave-preflight.ts';

const INPUT: PreflightInput = {
  at: '2026-06-01T02:00:00.000Z',
  invitations: 1_000,
  reminds: true,
  quota: { max24h: 50_000, maxPerSecond: 14, sentLast24h: 100 },
  standing: { sendingEnabled: true, attempts: 4_000, bounces: 40, complaints: 1, rejects: 0, days: 14 },
  ratePerSecond: 11.2,
  dailyQuotaShare: 0.8,
  sendWithinDays: 14,
  reminderDays: 5,
};
const STANDING = INPUT.standing ?? {
  sendingEnabled: true,
  attempts: 0,
  bounces: 0,
  complaints: 0,
  rejects: 0,
  days: 14,
};

describe('the pre-flight of a wave', () => {
  it('names quota, rate, time, days, reminders, cost and reputation, and finds nothing in a calm account', () => {
    expect(preflight(INPUT)).toEqual({
      at: INPUT.at,
      verdict: 'ok',
      findings: [],
      invitations: 1_000,
      reminders: 1_000,
      quota: INPUT.quota,
      quotaLeft: 49_900,
      ratePerSecond: 11.2,
      sendingSeconds: 90,
      days: 1,
      bounceRate: 0.01,
      complaintRate: 0.00025,
      attempts: 4_000,
      sandbox: false,
      costMicroUsd: 200_000,
    });
  });

  it.each<[string, Partial<PreflightInput>, 'ok' | 'warn' | 'refuse', string | undefined]>([
    ['sending switched off', { standing: { ...STANDING, sendingEnabled: false } }, 'refuse', 'sendingDisabled'],
    ['bounces of 5 %', { standing: { ...STANDING, bounces: 200 } }, 'refuse', 'bounceRate'],
    ['bounces just below 5 %', { standing: { ...STANDING, bounces: 199 } }, 'warn', 'bounceRate'],
    ['bounces just below 4 %', { standing: { ...STANDING, bounces: 159 } }, 'ok', undefined],
    ['complaints of 0.1 %', { standing: { ...STANDING, complaints: 4 } }, 'refuse', 'complaintRate'],
    ['complaints of 0.08 %', { standing: { ...STANDING, attempts: 3_750, complaints: 3 } }, 'warn', 'complaintRate'],
    ['one complaint of few mails', { standing: { ...STANDING, attempts: 300, bounces: 0 } }, 'ok', undefined],
    ['bounces of too few mails', { standing: { ...STANDING, attempts: 199, bounces: 100 } }, 'ok', undefined],
    ['no answer', { quota: null, standing: null }, 'refuse', 'noAnswer'],
    ['no word on the reputation', { standing: null }, 'warn', 'reputationUnknown'],
    ['no quota', { quota: { max24h: 0, maxPerSecond: 1, sentLast24h: 0 } }, 'refuse', 'noQuota'],
    ['more days than allowed', { invitations: 600_001 }, 'refuse', 'tooManyDays'],
    ['many days', { invitations: 400_000, sendWithinDays: 20 }, 'warn', 'manyDays'],
    ['more than is left today', { invitations: 49_901 }, 'warn', 'quotaUsed'],
    ['a rate above the account’s', { ratePerSecond: 15 }, 'warn', 'rateAboveAccount'],
    [
      'the sandbox',
      { quota: { max24h: 200, maxPerSecond: 1, sentLast24h: 0 }, invitations: 3, ratePerSecond: 0.8 },
      'warn',
      'sandbox',
    ],
    [
      'nobody to invite',
      { invitations: 0, quota: { max24h: 0, maxPerSecond: 1, sentLast24h: 0 }, ratePerSecond: 1 },
      'ok',
      undefined,
    ],
    [
      'a quota without limit',
      { invitations: 700_000, quota: { max24h: -1, maxPerSecond: 14, sentLast24h: 9 } },
      'ok',
      undefined,
    ],
  ])('judges %s', (_case, more, verdict, name) => {
    const flight = preflight({ ...INPUT, ...more });

    expect(flight.verdict).toBe(verdict);
    expect(flight.findings[0]?.name).toBe(name);
    expect(findingsInWords(flight, 'en')).toHaveLength(flight.findings.length);
  });

  it('reads in both languages, with the finding that counts and without a hole', () => {
    for (const name of PREFLIGHT_FINDINGS) {
      const flight = { ...preflight(INPUT), findings: [{ verdict: 'warn' as const, name, actual: 0.06, limit: 0.05 }] };
      for (const language of ['en', 'zh-CN'] as const)
        expect(preflightText(flight, language)).not.toMatch(/undefined|NaN|null/u);
    }
    const refused = preflight({ ...INPUT, standing: { ...STANDING, bounces: 244 } });
    expect(preflightText(refused, 'en')).toContain("the account's bounces are 6.1 % of 4,000 mails; the line is 5 %");
    expect(preflightText(refused, 'zh-CN')).toContain('账户退信率为 6.1 %');
    expect(preflightText(refused, 'en')).toContain('Cost: $0.20');
  });
});

const quota = fc.record({
  max24h: fc.oneof(fc.constant(-1), fc.nat(5_000)),
  maxPerSecond: fc.constant(14),
  sentLast24h: fc.nat(5_000),
});

describe('spreading over days', () => {
  it('R06 sends everybody once and no day more than its share of the quota, reminders included', () => {
    fc.assert(
      fc.property(
        fc.nat(20_000),
        quota,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 10 }),
        (invitations, given, dailyQuotaShare, reminderDays) => {
          const capacity = capacityOf(given, { ratePerSecond: 11, dailyQuotaShare });
          const batch = batchFor(capacity, invitations);
          const days = spreadOverDays(invitations, capacity, reminderDays, batch);
          if (days === null) {
            expect(capacity.later).toBe(0);
            return;
          }
          // Ten years are not planned out.
          if ((days.at(-1)?.day ?? 0) < 3_600) expect(days.reduce((sum, day) => sum + day.mails, 0)).toBe(invitations);
          const sent = new Map(days.map(({ day, mails }) => [day, mails]));
          for (const { day } of days) {
            const reminders = reminderDays === 0 ? 0 : (sent.get(day - reminderDays) ?? 0);
            const limit = day === 0 ? capacity.first : capacity.later;
            expect((sent.get(day) ?? 0) + reminders).toBeLessThanOrEqual(limit);
          }
          for (const { mails } of days.slice(0, -1)) expect(mails % batch).toBe(0);
          if (given.max24h >= 0) expect(capacity.later).toBeLessThanOrEqual(given.max24h * dailyQuotaShare + 1e-6);
        },
      ),
    );
  });

  it('R06 needs four days for 500 invitations with a quota of 200, of which it uses 80 %', () => {
    const capacity = capacityOf(
      { max24h: 200, maxPerSecond: 1, sentLast24h: 0 },
      { ratePerSecond: 0.8, dailyQuotaShare: 0.8 },
    );

    expect(spreadOverDays(500, capacity, 0)?.map((day) => day.mails)).toEqual([150, 150, 150, 50]);
    expect(spreadOverDays(500, capacity, 2)?.map((day) => day.day)).toEqual([0, 1, 4, 5]);
  });

  it('begins tomorrow where today’s quota is used up, and makes small batches where a day holds few', () => {
    expect(spreadOverDays(100, { first: 0, later: 160 }, 5)).toEqual([{ day: 1, mails: 100 }]);
    expect(batchFor({ first: 20, later: 20 }, 100)).toBe(20);
    expect(spreadOverDays(50, { first: 20, later: 20 }, 0)?.map((day) => day.mails)).toEqual([20, 20, 10]);
    expect(spreadOverDays(1, { first: 0, later: 0 }, 0)).toBeNull();
    expect(spreadOverDays(0, { first: 0, later: 0 }, 0)).toEqual([]);
  });
});
