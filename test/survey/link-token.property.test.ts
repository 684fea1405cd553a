import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinkToken, encodeId, issueLinkToken, LINK_PURPOSES, type LinkKeys } from '#shared/domain/link-token.ts';

const keys: LinkKeys = {
  currentKid: 'k2',
  keys: { k1: new Uint8Array(32).fill(1), k2: new Uint8Array(32).fill(2) },
};
const expiresAt = '2026-06-22T00:00:00.000Z';
const now = '2026-06-01T00:00:00.000Z';
const anyId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(encodeId);
const anyPurpose = fc.constantFrom(...LINK_PURPOSES);

describe('link tokens', () => {
  it('R19 are valid for the purpose and invitation they were made for', () => {
    fc.assert(
      fc.property(anyId, anyPurpose, (invitationId, purpose) => {
        const token = issueLinkToken(keys, purpose, { invitationId, expiresAt });

        expect(checkLinkToken(keys, purpose, token, now)).toEqual({ kind: 'valid', invitationId });
        expect(token.length).toBeLessThan(80);
      }),
    );
  });

  it('R19 are refused after any bit is flipped', () => {
    fc.assert(
      fc.property(anyId, fc.nat(), fc.nat(6), (invitationId, place, bit) => {
        const token = issueLinkToken(keys, 'answer', { invitationId, expiresAt });
        const at = place % token.length;
        const flipped =
          token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ (1 << bit)) + token.slice(at + 1);

        expect(checkLinkToken(keys, 'answer', flipped, now)).toEqual({ kind: 'refused' });
      }),
      { numRuns: 2000 },
    );
  });

  it('R19 are refused for the other purpose, cut, lengthened, or as any other text', () => {
    fc.assert(
      fc.property(anyId, fc.nat(80), fc.string(), (invitationId, cut, other) => {
        const token = issueLinkToken(keys, 'answer', { invitationId, expiresAt });

        expect(checkLinkToken(keys, 'unsub', token, now).kind).toBe('refused');
        expect(checkLinkToken(keys, 'answer', token.slice(0, cut % token.length), now).kind).toBe('refused');
        expect(checkLinkToken(keys, 'answer', `${token}A`, now).kind).toBe('refused');
        expect(checkLinkToken(keys, 'answer', other, now).kind).toBe('refused');
      }),
    );
  });

  it('R19 have an id and a signature of 128 bits each at least, and no two ids the same', () => {
    const token = issueLinkToken(keys, 'answer', { invitationId: encodeId(randomBytes(16)), expiresAt });
    const [version, kid, id = '', rest = ''] = token.split('.');
    const mac = token.slice(token.lastIndexOf('.') + 1);

    expect([version, kid]).toEqual(['v1', 'k2']);
    expect(Buffer.from(id, 'base64url').length * 8).toBeGreaterThanOrEqual(128);
    expect(Buffer.from(mac, 'base64url').length * 8).toBeGreaterThanOrEqual(128);
    expect(rest).not.toBe(mac);
    expect(new Set(Array.from({ length: 500 }, () => encodeId(randomBytes(16)))).size).toBe(500);
  });

  it('R19 with a part of another token are refused, whichever parts are mixed', () => {
    fc.assert(
      fc.property(anyId, anyId, fc.integer({ min: 1, max: 3 }), (one, other, part) => {
        fc.pre(one !== other);
        const later = '2026-06-29T00:00:00.000Z';
        const mixed = issueLinkToken(keys, 'answer', { invitationId: one, expiresAt }).split('.');
        const foreign = issueLinkToken({ ...keys, currentKid: 'k1' }, 'answer', {
          invitationId: other,
          expiresAt: later,
        }).split('.');
        mixed[part] = foreign[part] ?? '';

        expect(checkLinkToken(keys, 'answer', mixed.join('.'), now).kind).toBe('refused');
      }),
    );
  });

  it('R19 are compared in constant time', () => {
    const source = readFileSync('shared/domain/link-token.ts', 'utf8');

    expect(source).toMatch(/timingSafeEqual\(given, expected\)/u);
    expect(source).not.toMatch(/(?:mac|given) === expected|expected === /u);
  });

  it('R21 made with an older key are valid until that key is removed', () => {
    const invitationId = encodeId(new Uint8Array(16).fill(9));
    const old = issueLinkToken({ ...keys, currentKid: 'k1' }, 'unsub', { invitationId, expiresAt });

    expect(checkLinkToken(keys, 'unsub', old, now).kind).toBe('valid');
    const removed = { currentKid: 'k2', keys: { k2: new Uint8Array(32).fill(2) } };
    expect(checkLinkToken(removed, 'unsub', old, now)).toEqual({ kind: 'refused' });
    expect(checkLinkToken(removed, 'unsub', old.replace('k1', 'constructor'), now)).toEqual({ kind: 'refused' });
  });

  it('R19 expire at the instant they name, by the clock they are given', () => {
    const invitationId = encodeId(new Uint8Array(16).fill(9));
    const token = issueLinkToken(keys, 'answer', { invitationId, expiresAt });

    expect(checkLinkToken(keys, 'answer', token, '2026-06-21T23:59:59.999Z').kind).toBe('valid');
    expect(checkLinkToken(keys, 'answer', token, expiresAt)).toEqual({ kind: 'expired', invitationId });
  });
});
