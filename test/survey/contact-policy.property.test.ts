import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Contact,
  claimContact,
  claimKey,
  normaliseAddress,
  refusalOf,
  releaseClaim,
  settleClaim,
} from '#shared/domain/contact-policy.ts';
import { NOW } from './memory.ts';

const DAY_MS = 86_400_000;
const contact = (more: Partial<Contact> = {}): Contact => ({
  addressKey: 'a1.x',
  address: 'a@example.com',
  claims: {},
  people: { c1: { name: 'A' } },
  ...more,
});
const request = { customerId: 'c1', now: NOW, contactEveryDays: 90 };
const daysBefore = (days: number): string => new Date(Date.parse(NOW) - days * DAY_MS).toISOString();

describe('who may be written to', () => {
  it('R10 asks nobody in mainland China without a recorded consent, and nobody who refused', () => {
    const person = (given?: boolean, region?: string) =>
      contact({
        people: {
          c1: {
            ...(region === undefined ? {} : { region }),
            ...(given === undefined ? {} : { consent: { given, source: 'contract', at: NOW } }),
          },
        },
      });

    expect(refusalOf(person(undefined, 'CN'), request)).toBe('noConsent');
    expect(refusalOf(person(true, 'CN'), request)).toBeUndefined();
    expect(refusalOf(person(undefined, 'DE'), request)).toBeUndefined();
    expect(refusalOf(person(false, 'DE'), request)).toBe('noConsent');
  });

  it('gives the first reason: suppression, unsubscription, consent, budget', () => {
    const claims = {
      'i0#invitation': {
        invitationId: 'i0',
        kind: 'invitation',
        attemptId: 'x',
        at: daysBefore(1),
        outcome: 'accepted',
      },
    } as const;
    const all = contact({
      claims,
      people: { c1: { region: 'CN' } },
      suppression: { reason: 'hardBounce', at: NOW },
      unsubscribed: { at: NOW },
    });
    const { suppression: _s, ...unsuppressed } = all;
    const { unsubscribed: _u, ...unconsented } = unsuppressed;

    expect(refusalOf(undefined, request)).toBe('noAddress');
    expect(refusalOf(all, request)).toBe('suppressed');
    expect(refusalOf(unsuppressed, request)).toBe('unsubscribed');
    expect(refusalOf(unconsented, request)).toBe('noConsent');
    expect(refusalOf(contact({ claims }), request)).toBe('contactBudget');
  });

  it('R14 asks an address again only after the interval, whichever customer or survey it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 365 }), (ageDays, everyDays) => {
        const known = contact({
          people: { c1: {}, c2: {} },
          claims: {
            'i0#invitation': { invitationId: 'i0', kind: 'invitation', attemptId: 'x', at: daysBefore(ageDays) },
          },
        });

        const reason = refusalOf(known, { customerId: 'c2', now: NOW, contactEveryDays: everyDays });

        expect(reason).toBe(ageDays < everyDays ? 'contactBudget' : undefined);
      }),
    );
  });

  it('normalises an address by trimming, NFC and lower case, and by nothing else', () => {
    expect(normaliseAddress('  Ann.Lee+x@Example.COM ')).toBe('ann.lee+x@example.com');
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(normaliseAddress(normaliseAddress(text))).toBe(normaliseAddress(text));
      }),
    );
  });
});

describe('claims', () => {
  it('R07 I1 hand one mail to at most one attempt, whatever attempts, outcomes and unsubscriptions come in any order', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('claim' as const), attempt: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ do: fc.constant('settle' as const), attempt: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ do: fc.constant('release' as const), attempt: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ do: fc.constant('unsubscribe' as const), attempt: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let known = contact();
        const holders = new Set<number>();
        let unsubscribed = false;
        const key = claimKey('i1', 'invitation');
        for (const { do: what, attempt } of steps) {
          const attemptId = `t${attempt}`;
          if (what === 'claim') {
            const decision = claimContact(known, { ...request, invitationId: 'i1', kind: 'invitation', attemptId });
            if (decision.kind === 'claimed') {
              expect(holders.size).toBe(0);
              expect(unsubscribed).toBe(false);
              holders.add(attempt);
              known = decision.contact;
            }
          } else if (what === 'settle') {
            known = settleClaim(known, key, 'accepted', { attemptId });
          } else if (what === 'release') {
            const before = known.claims[key];
            known = releaseClaim(known, key, attemptId);
            if (known.claims[key] === undefined && before !== undefined) {
              expect(before.outcome).not.toBe('accepted');
              expect(holders.delete(attempt)).toBe(true);
            }
          } else {
            unsubscribed = true;
            known = { ...known, unsubscribed: { at: NOW } };
          }
        }
        expect(holders.size).toBe(known.claims[key] === undefined ? 0 : 1);
      }),
    );
  });

  it('of a reminder need an accepted invitation, and its budget is not asked', () => {
    const invited = claimContact(contact(), { ...request, invitationId: 'i1', kind: 'invitation', attemptId: 'x' });
    if (invited.kind !== 'claimed') throw new Error('the invitation was refused');
    const reminder = { ...request, invitationId: 'i1', kind: 'reminder', attemptId: 'y' } as const;

    expect(claimContact(invited.contact, reminder).kind).toBe('refused');
    const accepted = settleClaim(invited.contact, claimKey('i1', 'invitation'), 'accepted', { messageId: 'm' });
    const reminded = claimContact(accepted, reminder);
    expect(reminded.kind).toBe('claimed');
    if (reminded.kind === 'claimed') expect(claimContact(reminded.contact, reminder).kind).toBe('held');
  });
});
