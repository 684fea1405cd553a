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
