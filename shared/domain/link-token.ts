import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Instant } from './calendar.ts';

/** What a link allows. A token made for one purpose is refused for the other. */
export const LINK_PURPOSES = ['answer', 'unsub'] as const;
export type LinkPurpose = (typeof LINK_PURPOSES)[number];

/** Keys for links. New links use `currentKid`; the others only verify, until they are removed. Keys are 32 bytes or more. */
export interface LinkKeys {
  readonly currentKid: string;
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** `refused` says nothing of the reason: forged, cut, of another purpose or of a removed key look the same. */
export type TokenCheck =
  | { readonly kind: 'valid'; readonly invitationId: string }
  | { readonly kind: 'expired'; readonly invitationId: string }
  | { readonly kind: 'refused' };

const ID_BYTES = 16;
const MAC_BYTES = 16;
const SHAPE = /^v1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]{22})\.([0-9a-z]{1,9})\.([A-Za-z0-9_-]{22})$/;
/** Compared against where the key is unknown, so that a removed key takes the time of a wrong one. */
const NO_KEY = new Uint8Array(32);

/** 16 bytes as 22 characters base64url: the form of invitation ids. @throws RangeError for another length */
export const encodeId = (bytes: Uint8Array): string => {
  if (bytes.length !== ID_BYTES) throw new RangeError(`an id has ${ID_BYTES} bytes, got ${bytes.length}`);
  return Buffer.from(bytes).toString('base64url');
};

/**
 * A link token: `v1.kid.inv.exp.mac`, about 70 characters, nothing personal in it.
 *
 * @param invitationId 22 characters base64url, 128 random bits
 * @param expiresAt the first instant at which the link no longer works, whole seconds (rounded up)
 */
export const issueLinkToken = (
  keys: LinkKeys,
  purpose: LinkPurpose,
  link: { readonly invitationId: string; readonly expiresAt: Instant },
): string => {
  const key = keys.keys[keys.currentKid];
  if (key === undefined) throw new RangeError(`there is no link key ${keys.currentKid}`);
  const expires = Math.ceil(Date.parse(link.expiresAt) / 1000).toString(36);
  const head = `v1.${keys.currentKid}.${link.invitationId}.${expires}`;
  const token = `${head}.${macOf(key, purpose, head).toString('base64url')}`;
  if (!SHAPE.test(token)) throw new RangeError('an invitation id has 22 characters base64url');
  return token;
};

/** Checks a token of a request. Any text is allowed; only the exact text that was issued is valid. */
export const checkLinkToken = (keys: LinkKeys, purpose: LinkPurpose, token: string, now: Instant): TokenCheck => {
  const parts = SHAPE.exec(token);
  if (parts === null) return { kind: 'refused' };
  const [, kid = '', invitationId = '', expires = '', mac = ''] = parts;
  const known = Object.hasOwn(keys.keys, kid) ? keys.keys[kid] : undefined;
  const expected = macOf(known ?? NO_KEY, purpose, `v1.${kid}.${invitationId}.${expires}`);
  const given = Buffer.from(mac, 'base64url');
  const same = given.length === MAC_BYTES && timingSafeEqual(given, expected) && given.toString('base64url') === mac;
  if (!same || known === undefined) return { kind: 'refused' };
  return Date.parse(now) >= Number.parseInt(expires, 36) * 1000
    ? { kind: 'expired', invitationId }
    : { kind: 'valid', invitationId };
};

const macOf = (key: Uint8Array, purpose: LinkPurpose, head: string): Buffer =>
  createHmac('sha256', key).update(`${purpose}|${head}`).digest().subarray(0, MAC_BYTES);
