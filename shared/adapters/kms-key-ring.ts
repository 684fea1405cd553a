import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod/mini';
import { PermanentError, RetryableError } from '../errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AddressKey, Secrets } from '../ports/secrets.ts';

const KEY_BYTES = 32;
const Key = z.pipe(
  z.string().check(z.regex(/^[A-Za-z0-9+/]{43}=$/)),
  z.transform((text: string): Uint8Array => Buffer.from(text, 'base64')),
);
const Ring = z.object({
  /** Keys of links by key id; the removed ones are not in it. */
  links: z.record(z.string(), Key),
  address: z.object({ kid: z.string(), key: Key }),
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
    const encrypted = await objects.get(key);
    if (encrypted === undefined) {
      throw new PermanentError('key-ring-missing', `the workspace has no key ring at ${key}`, {
        hint: `encrypt a ring of ${KEY_BYTES}-byte keys under ${kmsKeyArn} and store it there`,
      });
    }
    const plain = await decrypt(client, kmsKeyArn, encrypted);
    const parsed = z.safeParse(Ring, plain);
    if (!parsed.success)
      throw new PermanentError('key-ring-malformed', `the key ring at ${key} has not the form that is expected`);
    return parsed.data;
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
