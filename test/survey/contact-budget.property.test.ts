import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waveStatus } from '#shared/application/close-wave.ts';
import { lookUpWave } from '#shared/application/look-up-wave.ts';
import { cancelWave } from '#shared/application/wave-control.ts';
import { waveStatusText } from '#shared/application/wave-text.ts';
import {
  budgetFreeFrom,
  type Contact,
  claimContact,
  type Hold,
  holdContact,
  outranks,
  unholdContact,
} from '#shared/domain/contact-policy.ts';
import { isDue, refusedLine, withLine } from '#shared/domain/invitation.ts';
import type { OutgoingMail } from '#shared/ports/mail-sender.ts';
import { invitationOf, NOW } from './memory.ts';
import { type Customer, many, policyWith, publishedRun } from './published-run.ts';
import { runSteps, surveyPorts } from './wave-machine.ts';

const DAY_MS = 86_400_000;
const MONTHLY = '2026-05-monthly';
const AD_HOC = '2026-05-urgent';
const later = (days: number): string => new Date(Date.parse(NOW) + days * DAY_MS).toISOString();

const policyOf = (priority: number, more: Readonly<Record<string, string>> = {}) =>
  policyWith({ share: '{ hold: 1.0 }', priority: String(priority), contactEveryDays: '21', ...more });

/** Two waves over the same customers, and every mail with its time. */
const twoWaves = async (customers: readonly Customer[]) => {
  const run = await publishedRun(customers, { policy: policyOf(50) });
  const accepted: { readonly to: string; readonly kind: string; readonly wave: string; readonly at: string }[] = [];
  const ports = surveyPorts(run.stores, run.clock, async (mail: OutgoingMail) => {
    const { kind = '', run: wave = '' } = mail.tags;
    accepted.push({ to: mail.to, kind, wave, at: run.clock.now() });
    return { kind: 'accepted', messageId: `m${accepted.length}` };
  });
  return {
    ...run,
    ports,
    accepted,
    invited: (runId: string) => accepted.filter(({ kind, wave }) => kind === 'invitation' && wave === `w-${runId}`),
    walk: (runId: string, until: string) => runSteps(ports, { until, waveId: `w-${runId}` }),
    status: async (runId: string) => {
      const status = await waveStatus(`w-${runId}`, run.stores);
      if (status === undefined) throw new Error('the wave is not there');
      return status;
    },
  };
};

describe('two waves that want the same customer', () => {
  it('R14 lets the one of higher priority ask, though it was planned later', async () => {
    const world = await twoWaves(many('hold', 30));
    await world.plan(MONTHLY);
    await world.plan(AD_HOC, policyOf(80));

    await world.walk(MONTHLY, NOW);
    await world.walk(AD_HOC, NOW);

    expect(world.invited(MONTHLY)).toEqual([]);
    expect(world.invited(AD_HOC)).toHaveLength(30);
    const status = await world.status(MONTHLY);
    expect(status.states).toEqual({ contactBudget: 30 });
  });

  it('R14 lets the earlier one ask where both have one priority, and shows the other until when it waits', async () => {
    const world = await twoWaves(many('hold', 30));
    await world.plan(MONTHLY);
    world.clock.moveBy(60_000);
    await world.plan(AD_HOC, policyOf(50));

    expect((await world.status(AD_HOC)).states).toEqual({ contactBudget: 30 });
    const shown = waveStatusText(await world.status(AD_HOC), 'en');
    expect(shown).toMatch(/asked lately\s+30\s+may be asked again from 2026-06-22/u);
    await world.walk(MONTHLY, world.clock.now());
    expect(world.invited(MONTHLY)).toHaveLength(30);
  });

  it('R14 puts the loser off to the day its budget is free, if that leaves days to answer, and asks then', async () => {
    const world = await twoWaves(many('hold', 12));
    await world.plan(MONTHLY);
    await world.walk(MONTHLY, NOW);
    // The reminder of day 5 spent the budget too: 5 + 21 days.
    await world.walk(MONTHLY, later(15));
    expect(world.accepted.filter(({ kind }) => kind === 'reminder')).toHaveLength(12);

    await world.plan(AD_HOC, policyOf(50, { closesAfterDays: '21' }));
    const waiting = await world.status(AD_HOC);
    expect(waiting.states).toEqual({ deferred: 12 });
    expect(waiting.deferred).toEqual({ count: 12, first: later(26), last: later(26) });
    expect(waveStatusText(waiting, 'en')).toMatch(/deferred\s+12\s+over the contact budget; invited on 2026-06-27/u);
    expect(waveStatusText(waiting, 'zh-CN')).toMatch(/已顺延\s+12\s+联系次数已满，顺延邀请日期 2026-06-27/u);
    expect(await lookUpWave({ waveId: `w-${AD_HOC}` }, world.ports)).toMatchObject({ next: 'wait' });

    await world.walk(AD_HOC, later(26));
    expect(world.invited(AD_HOC).map(({ at }) => at)).toEqual(Array(12).fill(later(26)));
    await world.walk(AD_HOC, later(40));
    const reminders = world.accepted.filter(({ kind, wave }) => kind === 'reminder' && wave === `w-${AD_HOC}`);
    // Five days after their own invitation, not after the day on which the wave was planned.
    expect(reminders.map(({ at }) => at)).toEqual(Array(12).fill(later(31)));
  });

  it('R14 drops the loser with the date where too few days to answer would be left', async () => {
    const world = await twoWaves(many('hold', 12));
    await world.plan(MONTHLY);
    await world.walk(MONTHLY, NOW);

    await world.plan(AD_HOC, policyOf(50, { closesAfterDays: '10', reminderDays: '2' }));

    expect(await world.status(AD_HOC)).toMatchObject({
      states: { contactBudget: 12 },
      budgetFree: { first: later(21), last: later(21) },
    });
  });

  it('R14 puts off at the claim too, where the other wave comes between planning and sending', async () => {
    const world = await twoWaves(many('hold', 40));
    const spread = policyOf(10, { answerDays: '1', reminderDays: '20' });
    // Ten mails a day: four days, and closed 21 days after the fourth.
    const small = { quota: async () => ({ max24h: 13, maxPerSecond: 1, sentLast24h: 0 }) };
    await world.plan(AD_HOC, spread, { mail: small });
    expect((await world.waves.get(`w-${AD_HOC}`))?.record.days).toHaveLength(4);
    await world.plan(MONTHLY, policyOf(50, { reminderDays: '20' }));
    await world.walk(MONTHLY, NOW);
    expect(world.invited(MONTHLY)).toHaveLength(40);

    await world.walk(AD_HOC, later(4));
    expect(await world.status(AD_HOC)).toMatchObject({ states: { deferred: 40 }, deferred: { first: later(21) } });
    // The reminders of the monthly wave spend the budget on day 20, so that the day moves beyond the end.
    await world.walk(MONTHLY, later(20));
    await world.walk(AD_HOC, later(22));
    expect(world.invited(AD_HOC)).toEqual([]);
    expect((await world.status(AD_HOC)).states).toEqual({ contactBudget: 40 });
  });

  it('lets the lower wave ask after the higher one was cancelled', async () => {
    const world = await twoWaves(many('hold', 8));
    await world.plan(MONTHLY);
    await world.plan(AD_HOC, policyOf(80));
    await cancelWave({ waveId: `w-${AD_HOC}`, by: 'Ann', reason: 'r' }, { ...world.stores, clock: world.clock });
    await world.walk(AD_HOC, NOW);

    await world.walk(MONTHLY, NOW);

    expect(world.invited(MONTHLY)).toHaveLength(8);
  });

  it('R14 never exceeds the budget, whoever plans and sends at the same time and in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.nat(100),
        fc.nat(100),
        fc.array(fc.record({ first: fc.boolean(), hours: fc.integer({ min: 0, max: 200 }) }), { maxLength: 8 }),
        fc.scheduler(),
        async (size, priorityA, priorityB, acts, scheduler) => {
          const twins = [
            { id: 'twin1', segment: 'hold', email: 'twin@example.com' },
            { id: 'twin2', segment: 'hold', email: 'Twin@example.com' },
          ];
          const world = await twoWaves([...many('hold', size), ...twins]);
          const contacts = { ...world.contacts };
          for (const name of ['claim', 'hold', 'getMany', 'get'] as const)
            Object.assign(contacts, {
              [name]: scheduler.scheduleFunction(world.contacts[name] as () => Promise<unknown>),
            });
          const ports = { ...world.ports, contacts };
          const walk = (runId: string, until: string) => runSteps(ports, { until, waveId: `w-${runId}` });
          const planned = Promise.all([
            world.plan(MONTHLY, policyOf(priorityA), { contacts }).then(() => walk(MONTHLY, NOW)),
            world.plan(AD_HOC, policyOf(priorityB), { contacts }).then(() => walk(AD_HOC, NOW)),
          ]);
          await scheduler.waitFor(planned);
          for (const { first, hours } of acts) {
            const until = new Date(Date.parse(world.clock.now()) + hours * 3_600_000).toISOString();
            await scheduler.waitFor(walk(first ? MONTHLY : AD_HOC, until));
          }

          const byAddress = Map.groupBy(world.accepted, ({ to }) => to);
          for (const mails of byAddress.values()) {
            const invitations = mails.filter(({ kind }) => kind === 'invitation');
            for (const { at, wave } of invitations) {
              const others = mails.filter((mail) => mail.wave !== wave && mail.at <= at);
              for (const other of others)
                expect(Date.parse(at) - Date.parse(other.at)).toBeGreaterThanOrEqual(21 * DAY_MS);
            }
            for (const wave of [`w-${MONTHLY}`, `w-${AD_HOC}`]) {
              expect(
                mails.filter((mail) => mail.wave === wave && mail.kind === 'invitation').length,
              ).toBeLessThanOrEqual(1);
              expect(mails.filter((mail) => mail.wave === wave && mail.kind === 'reminder').length).toBeLessThanOrEqual(
                1,
              );
            }
          }
          for (const runId of [MONTHLY, AD_HOC]) {
            const { states = {}, population } = await world.status(runId);
            expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(population);
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe('an invitation that is put off', () => {
  const invitation = invitationOf(1, { deferUntil: later(10), remindAfterDays: 5 });
  const refused = { reason: 'contactBudget', freeFrom: later(10) } as const;

  it('stays planned until its day, and is reminded as many days after it', () => {
    const waiting = withLine(invitation, 'invitation', refusedLine(invitation.invitation, refused, invitation));

    expect(waiting.invitation).toEqual({
      state: 'planned',
      attempts: 0,
      reason: 'contactBudget',
      notBefore: later(10),
    });
    expect(isDue(waiting, 'invitation', later(9))).toBe(false);
    expect(isDue(waiting, 'invitation', later(10))).toBe(true);
    expect(isDue(waiting, 'invitation')).toBe(true);
    const sent = withLine(waiting, 'invitation', { ...waiting.invitation, state: 'sent', at: later(11) });
    expect(isDue(sent, 'reminder', later(15))).toBe(false);
    expect(isDue(sent, 'reminder', later(16))).toBe(true);
  });

  it('is dropped where its day is too late, where no day is known, and for any other reason', () => {
    const line = invitation.invitation;
    const dropped = { state: 'skipped', attempts: 0, reason: 'contactBudget' };

    expect(refusedLine(line, { ...refused, freeFrom: later(10.1) }, invitation)).toEqual(dropped);
    expect(refusedLine(line, { reason: 'contactBudget' }, invitation)).toEqual(dropped);
    expect(refusedLine(line, refused, {})).toEqual(dropped);
    expect(refusedLine(line, { ...refused, reason: 'unsubscribed' }, invitation)).toMatchObject({
      state: 'skipped',
      reason: 'unsubscribed',
    });
  });

  it('never comes back once it was sent, refused for good or skipped', () => {
    for (const state of ['sent', 'rejected', 'skipped', 'uncertain'] as const) {
      const ended = withLine(invitation, 'invitation', { ...invitation.invitation, state });
      expect(withLine(ended, 'invitation', refusedLine(ended.invitation, refused, ended))).toBe(ended);
    }
  });
});

describe('the rank of waves', () => {
  const hold = (more: Partial<Hold>): Hold => ({
    invitationId: 'i1',
    waveId: 'w1',
    priority: 50,
    at: NOW,
    from: NOW,
    until: later(21),
    ...more,
  });
  const contact: Contact = { addressKey: 'k', address: 'a@example.com', claims: {}, people: { c1: {} } };
  const request = {
    invitationId: 'i1',
    kind: 'invitation' as const,
    attemptId: 'a',
    now: NOW,
    contactEveryDays: 90,
    customerId: 'c1',
  };

  it('is total: of two waves exactly one outranks the other', () => {
    const rank = fc.record({
      waveId: fc.constantFrom('w1', 'w2', 'w3'),
      priority: fc.integer({ min: 0, max: 2 }),
      at: fc.constantFrom(NOW, later(1)),
    });
    fc.assert(
      fc.property(rank, rank, rank, (a, b, c) => {
        if (a.waveId === b.waveId) expect(outranks(a, b)).toBe(false);
        else expect(outranks(a, b)).not.toBe(outranks(b, a));
        if (outranks(a, b) && outranks(b, c) && a.waveId !== c.waveId) expect(outranks(a, c)).toBe(true);
      }),
    );
  });

  it('waits for a higher wave until it asks and the interval has passed, and no longer than the wave lasts', () => {
    const mine = hold({});
    const higher = hold({ invitationId: 'i2', waveId: 'w2', priority: 80, from: later(3) });
    const both = holdContact(holdContact(contact, mine, NOW), higher, NOW);

    expect(claimContact(both, request)).toEqual({ kind: 'refused', reason: 'contactBudget', freeFrom: later(93) });
    expect(claimContact(both, { ...request, invitationId: 'i2' })).toMatchObject({ kind: 'claimed' });
    expect(claimContact(unholdContact(both, 'i2'), request)).toMatchObject({ kind: 'claimed' });
    expect(claimContact(both, { ...request, now: later(21) })).toMatchObject({ kind: 'claimed' });
    // A wave that asks only after this one's interval takes nothing from it.
    const far = holdContact(contact, { ...higher, from: later(91), until: later(120) }, NOW);
    expect(budgetFreeFrom(far, { ...request, rank: mine })).toBeUndefined();
  });

  it('forgets plans of waves that are over, and those that are taken back, without a trace', () => {
    const once = holdContact(contact, hold({}), NOW);
    expect(holdContact(once, hold({}), NOW)).toBe(once);
    const next = holdContact(once, hold({ invitationId: 'i2', waveId: 'w2', until: later(60) }), later(30));
    expect(Object.keys(next.holds ?? {})).toEqual(['i2']);
    expect(unholdContact(next, 'i2')).toEqual(contact);
    expect(unholdContact(contact, 'i2')).toBe(contact);
    expect(holdContact({ addressKey: 'k', claims: {}, people: {} }, hold({}), NOW)).toEqual({
      addressKey: 'k',
      claims: {},
      people: {},
    });
  });
});
