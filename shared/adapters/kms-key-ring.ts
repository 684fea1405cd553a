import { randomBytes } from 'node:crypto';
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod/mini';
import { PermanentError, RetryableError } from '../errors.ts';
import type { AddressKey, KeyRing, KeyRingEvent, Secrets } from '../ports/secrets.ts';
import type { RecordStore } from '../ports/standing-store.ts';

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

/** The ring as it is stored: ciphertext of KMS, base64. */
export const SealedRing = z.object({ sealed: z.string() });
export type SealedRing = z.infer<typeof SealedRing>;
/** There is one ring. */
const RING_ID = 'ring';

export interface KmsKeyRingOptions {
  /** Where the ring is kept, encrypted. */
  readonly records: RecordStore<SealedRing>;
  readonly kmsKeyArn: string;
  /** Which of the link keys signs new links; for functions that make or check links. */
  readonly linkKeyId?: string;
  readonly client?: KMSClient;
}

/** A client of the region in which the key is, wherever the caller's own settings point. */
const clientOf = (kmsKeyArn: string): KMSClient => {
  const region = kmsKeyArn.split(':')[3];
  return new KMSClient(region === undefined || region === '' ? {} : { region });
};

/**
 * The keys of a stage: one record, encrypted under a KMS key, decrypted once at the cold start. As JSON it is
 * `{"links": {"k1": "<32 bytes, base64>"}, "address": {"kid": "a1", "key": "<32 bytes, base64>"}}`.
 */
export const kmsKeyRing = ({
  records,
  kmsKeyArn,
  linkKeyId,
  client = clientOf(kmsKeyArn),
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
    const known = await readRing({ records, kmsKeyArn, client });
    if (known === undefined) throw missingRing();
    return known.ring;
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

const missingRing = (): PermanentError =>
  new PermanentError('key-ring-missing', 'this stage has no ring of keys yet', {
    hint: 'make it once: resegment key create',
  });

type RingPlace = Required<Pick<KmsKeyRingOptions, 'records' | 'kmsKeyArn' | 'client'>>;

const readRing = async ({
  records,
  kmsKeyArn,
  client,
}: RingPlace): Promise<{ readonly ring: Ring; readonly rev: number } | undefined> => {
  const stored = await records.get(RING_ID);
  if (stored === undefined) return undefined;
  const parsed = z.safeParse(Ring, await decrypt(client, kmsKeyArn, Buffer.from(stored.record.sealed, 'base64')));
  if (!parsed.success)
    throw new PermanentError('key-ring-malformed', 'the ring of keys has not the form that is expected');
  return { ring: parsed.data, rev: stored.rev };
};

/** Most link keys in a ring: more say that retiring was forgotten, and the ring would outgrow the 4 KB that KMS encrypts. */
const MOST_LINK_KEYS = 8;
/** Events that are kept, for the same reason. */
const KEPT_EVENTS = 10;
const TRIES = 5;
const KID = /^[A-Za-z0-9_-]{1,16}$/;

/** The ring for operators. A change that meets another one looks again. */
export const kmsKeyRingKeeper = ({
  records,
  kmsKeyArn,
  client = clientOf(kmsKeyArn),
}: Omit<KmsKeyRingOptions, 'linkKeyId'>): KeyRing => {
  const place = { records, kmsKeyArn, client };
  const newKey = (): Uint8Array => randomBytes(KEY_BYTES);
  const seal = async (ring: Ring): Promise<SealedRing> => {
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: kmsKeyArn, Plaintext: new TextEncoder().encode(encodeRing(ring)) }),
    );
    if (CiphertextBlob === undefined) throw new RetryableError('key-ring-unavailable', 'KMS gave no ciphertext');
    return { sealed: Buffer.from(CiphertextBlob).toString('base64') };
  };
  const change = async (next: (ring: Ring) => Ring | undefined): Promise<boolean> => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const known = await readRing(place);
      if (known === undefined) throw missingRing();
      const changed = next(known.ring);
      if (changed === undefined) return false;
      if ((await records.replace(RING_ID, await seal(changed), known.rev)) === 'stored') return true;
    }
    throw new RetryableError('key-ring-busy', 'the ring of keys kept changing', { hint: 'do it again' });
  };
  return {
    create: async (kid, order) => {
      assertKid(kid);
      const ring: Ring = {
        links: { [kid]: newKey() },
        address: { kid: 'a1', key: newKey() },
        history: [{ event: 'created', kid, ...order }],
      };
      return records.create(RING_ID, await seal(ring));
    },
    show: async () => {
      const known = await readRing(place);
      if (known === undefined) return undefined;
      return { links: Object.keys(known.ring.links).sort(), history: known.ring.history };
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
