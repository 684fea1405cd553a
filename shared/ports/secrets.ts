import type { Instant } from '../domain/calendar.ts';
import type { LinkKeys } from '../domain/link-token.ts';

/** Keyed hash of addresses. Not rotated with the link keys; `kid` is part of each address key. */
export interface AddressKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

/** Secrets of a stage. Values are kept in memory only. */
export interface Secrets {
  linkKeys(): Promise<LinkKeys>;
  addressKey(): Promise<AddressKey>;
}

/** What happened to the ring. */
export interface KeyRingEvent {
  readonly event: 'created' | 'added' | 'retired';
  /** Key id of the link key. */
  readonly kid: string;
  readonly at: Instant;
  readonly by: string;
}

/** The ring itself, for operators. Shows ids, never keys. */
export interface KeyRing {
  /** Makes a ring with one link key and the key of address hashes, where there is none. */
  create(kid: string, order: KeyRingOrder): Promise<'created' | 'exists'>;
  /** @returns undefined where there is no ring */
  show(): Promise<{ readonly links: readonly string[]; readonly history: readonly KeyRingEvent[] } | undefined>;
  /** Adds a link key that checks links from the next start of each function on, and signs once the stage names it. */
  add(kid: string, order: KeyRingOrder): Promise<'added' | 'exists'>;
  /** Removes a link key: links signed with it are refused. */
  retire(kid: string, order: KeyRingOrder): Promise<'retired' | 'unknown'>;
}

export interface KeyRingOrder {
  readonly by: string;
  readonly at: Instant;
}
