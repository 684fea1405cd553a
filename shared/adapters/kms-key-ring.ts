import { randomBytes } from 'node:crypto';
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod/mini';
import { PermanentError, RetryableError } from '../errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AddressKey, KeyRing, KeyRingEvent, Secrets } from '../ports/secrets.ts';

const KEY_BYTES = 32;
const Key = z.pipe(
  z.string().check(z.regex(/^[A-Za-z0-9+/]{43}=$/)),
  z.transform((text: string): Uint8Array => Buffer.from(text, 'base64')),
);
const Ring = z.object({
  /** Keys of links by key id; the removed ones are not in it. */
  links: z.record(z.string(), Key),
  address: z.object({ kid: z.string(), key: Key }),
  history: z._default(
    z.array(
      z.object({ event: z.enum(['created', 'added', 'retired']), kid: z.string(), at: z.string(), by: z.string() }),
    ),
    [],
  ),
});
type Ring = z.infer<typeof Ring>;

export interface KmsKeyRingOptions {
  readonly objects: ObjectStore;
  /** Object that holds the ring, encrypted. */
  readonly key: string;
  readonly kmsKeyArn: string;
  /** Which of the link keys signs new links; for functions that make or check links. */
  readonly linkKeyId?: string;
  readonly client?: KMSClient;
}

/**
 * The keys of a stage: one object of the workspace, encrypted under a KMS key, decrypted once at the cold start. As JSON it is
 * `{"links": {"k1": "<32 bytes, base64>"}, "address": {"kid": "a1", "key": "<32 bytes, base64>"}}`.
 */
export const kmsKeyRing = ({
  objects,
  key,
  kmsKeyArn,
  linkKeyId,
  client = new KMSClient(),
}: KmsKeyRingOptions): Secrets => {
  let ring: Promise<Ring> | undefined;
  const opened = (): Promise<Ring> => {
    ring ??= openRing().catch((error: unknown) => {
      ring = undefined;
      throw error;
    });
    return ring;
  };
  const openRing = async (): Promise<Ring> => {
    const known = await readRing({ objects, key, kmsKeyArn, client });
    if (known === undefined) throw missingRing(key);
    return known;
  };
  return {
    linkKeys: async () => {
      const { links } = await opened();
      if (linkKeyId === undefined || links[linkKeyId] === undefined) {
        throw new PermanentError(
          'link-key-missing',
          `the key ring has no link key ${linkKeyId ?? '(none named)'}; it has ${Object.keys(links).join(', ')}`,
        );
      }
      return { currentKid: linkKeyId, keys: links };
    },
    addressKey: async (): Promise<AddressKey> => (await opened()).address,
  };
};

const missingRing = (key: string): PermanentError =>
  new PermanentError('key-ring-missing', `the workspace has no key ring at ${key}`, {
    hint: 'make it once: resegment key create',
  });

type RingPlace = Required<Pick<KmsKeyRingOptions, 'objects' | 'key' | 'kmsKeyArn' | 'client'>>;

const readRing = async ({ objects, key, kmsKeyArn, client }: RingPlace): Promise<Ring | undefined> => {
  const encrypted = await objects.get(key);
  if (encrypted === undefined) return undefined;
  const parsed = z.safeParse(Ring, await decrypt(client, kmsKeyArn, encrypted));
  if (!parsed.success)
    throw new PermanentError('key-ring-malformed', `the key ring at ${key} has not the form that is expected`);
  return parsed.data;
};

/** Most link keys in a ring: more say that retiring was forgotten, and the ring would outgrow the 4 KB that KMS encrypts. */
const MOST_LINK_KEYS = 8;
/** Events that are kept, for the same reason. */
const KEPT_EVENTS = 10;
const KID = /^[A-Za-z0-9_-]{1,16}$/;

/**
 * The ring for operators. Each change replaces the whole object; the workspace keeps the one before. Two changes at the same
 * moment are noticed afterwards: the later one reads back what is stored and fails if it is not what it wrote.
 */
export const kmsKeyRingKeeper = ({
  objects,
  key,
  kmsKeyArn,
  client = new KMSClient(),
}: Omit<KmsKeyRingOptions, 'linkKeyId'>): KeyRing => {
  const place = { objects, key, kmsKeyArn, client };
  const newKey = (): Uint8Array => randomBytes(KEY_BYTES);
  const write = async (ring: Ring, ifAbsent: boolean): Promise<'stored' | 'exists'> => {
    const encoded = encodeRing(ring);
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: kmsKeyArn, Plaintext: new TextEncoder().encode(encoded) }),
    );
    if (CiphertextBlob === undefined) throw new RetryableError('key-ring-unavailable', 'KMS gave no ciphertext');
    const stored = await objects.put(key, CiphertextBlob, { ifAbsent, contentType: 'application/octet-stream' });
    if (stored === 'exists') return stored;
    const readBack = await readRing(place);
    if (readBack === undefined || encodeRing(readBack) !== encoded) {
      throw new PermanentError('key-ring-changed', 'somebody else changed the key ring at the same moment', {
        hint: 'resegment key list shows what it has now; do it again if your change is missing',
      });
    }
    return stored;
  };
  const change = async (next: (ring: Ring) => Ring | undefined): Promise<boolean> => {
    const ring = await readRing(place);
    if (ring === undefined) throw missingRing(key);
    const changed = next(ring);
    if (changed === undefined) return false;
    await write(changed, false);
    return true;
  };
  return {
    create: async (kid, order) => {
      assertKid(kid);
      const ring: Ring = {
        links: { [kid]: newKey() },
        address: { kid: 'a1', key: newKey() },
        history: [{ event: 'created', kid, ...order }],
      };
      return (await write(ring, true)) === 'stored' ? 'created' : 'exists';
    },
    show: async () => {
      const ring = await readRing(place);
      return ring === undefined ? undefined : { links: Object.keys(ring.links).sort(), history: ring.history };
    },
    add: async (kid, order) => {
      assertKid(kid);
      const added = await change((ring) => {
        if (Object.hasOwn(ring.links, kid)) return undefined;
        if (Object.keys(ring.links).length >= MOST_LINK_KEYS) {
          throw new PermanentError('key-ring-full', `the ring has ${MOST_LINK_KEYS} link keys already`, {
            hint: 'retire one that no mail of the last 90 days was signed with',
          });
        }
        return withEvent({ ...ring, links: { ...ring.links, [kid]: newKey() } }, { event: 'added', kid, ...order });
      });
      return added ? 'added' : 'exists';
    },
    retire: async (kid, order) => {
      const retired = await change((ring) => {
        if (!Object.hasOwn(ring.links, kid)) return undefined;
        const links = Object.fromEntries(Object.entries(ring.links).filter(([id]) => id !== kid));
        if (Object.keys(links).length === 0) {
          throw new PermanentError('key-ring-last', `${kid} is the only link key; without one no mail can be sent`, {
            hint: 'add another first: resegment key add k2',
          });
        }
        return withEvent({ ...ring, links }, { event: 'retired', kid, ...order });
      });
      return retired ? 'retired' : 'unknown';
    },
  };
};

const withEvent = (ring: Ring, event: KeyRingEvent): Ring => ({
  ...ring,
  history: [...ring.history, event].slice(-KEPT_EVENTS),
});

const assertKid = (kid: string): void => {
  if (KID.test(kid)) return;
  throw new PermanentError('key-id-invalid', `a key id is 1 to 16 letters, digits, _ or -, got ${JSON.stringify(kid)}`);
};

const encodeRing = ({ links, address, history }: Ring): string => {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return JSON.stringify({
    links: Object.fromEntries(
      Object.entries(links)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([kid, bytes]) => [kid, base64(bytes)]),
    ),
    address: { kid: address.kid, key: base64(address.key) },
    history: history.map(({ event, kid, at, by }) => ({ event, kid, at, by })),
  });
};

const decrypt = async (client: KMSClient, kmsKeyArn: string, encrypted: Uint8Array): Promise<unknown> => {
  try {
    const { Plaintext } = await client.send(new DecryptCommand({ CiphertextBlob: encrypted, KeyId: kmsKeyArn }));
    return JSON.parse(new TextDecoder().decode(Plaintext));
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    if (error instanceof SyntaxError) return undefined;
    if (name === 'AccessDeniedException' || name === 'InvalidCiphertextException' || name === 'IncorrectKeyException') {
      throw new PermanentError('key-ring-locked', `the key ring cannot be decrypted: ${name}`);
    }
    throw new RetryableError('key-ring-unavailable', `the key ring could not be decrypted: ${name}`, { cause: error });
  }
};
