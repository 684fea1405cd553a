import { createHmac } from 'node:crypto';
import * as z from 'zod/mini';
import { PermanentError } from '../errors.ts';
import type { Erasure, ErasureLog } from '../ports/erasure-log.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AddressKey } from '../ports/secrets.ts';

const PREFIX = 'erasures/';

const Entry = z.object({
  by: z.string(),
  reason: z.string(),
  begunAt: z.string(),
  doneAt: z.nullable(z.string()),
  subject: z.nullable(z.string()),
  removed: z.record(z.string(), z.number()),
});

/**
 * Erasures as objects `erasures/<kid>.<keyed hash of the customer id>.json` of the workspace; they never expire.
 *
 * @param addressKey asked for only when there is an entry to write or to look for, since not every operator may read it
 */
export const objectErasureLog = (objects: ObjectStore, addressKey: () => Promise<AddressKey>): ErasureLog => {
  const keyOf = (customerId: string, secret: AddressKey): string => {
    const hash = createHmac('sha256', secret.key).update(`customer|v1|${customerId}`).digest('base64url');
    return `${PREFIX}${secret.kid}.${hash}.json`;
  };
  const read = async (key: string): Promise<Erasure | undefined> => {
    const bytes = await objects.get(key);
    if (bytes === undefined) return undefined;
    const parsed = z.safeParse(Entry, JSON.parse(new TextDecoder().decode(bytes)));
    if (!parsed.success) throw new PermanentError('erasure-unreadable', `the entry ${key} is no erasure`);
    return parsed.data;
  };
  return {
    get: async (customerId) => read(keyOf(customerId, await addressKey())),
    list: async () => {
      const entries: { key: string; erasure: Erasure }[] = [];
      for (const key of await objects.list(PREFIX)) {
        const erasure = await read(key);
        if (erasure !== undefined) entries.push({ key: key.slice(PREFIX.length, -'.json'.length), erasure });
      }
      return entries;
    },
    put: async (customerId, erasure) => {
      await objects.put(keyOf(customerId, await addressKey()), new TextEncoder().encode(JSON.stringify(erasure)), {
        contentType: 'application/json',
      });
    },
    load: async () => {
      const keys = new Set(await objects.list(PREFIX));
      if (keys.size === 0) return () => false;
      const secret = await addressKey();
      return (customerId) => keys.has(keyOf(customerId, secret));
    },
  };
};
