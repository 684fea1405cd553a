import { createServer } from 'node:http';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { kmsKeyRing, kmsKeyRingKeeper, type SealedRing } from '#shared/adapters/kms-key-ring.ts';
import { checkLinkToken, issueLinkToken } from '#shared/domain/link-token.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { memoryRecords } from '#test/support/memory-stores.ts';
import { serve } from '#test/support/serve.ts';
import { startSmallKms } from '#test/support/small-kms.ts';

const ALIAS = `alias/resegment-${process.pid}-key-ring`;
const KEY_ARN = `arn:aws:kms:us-east-1:123456789012:${ALIAS}`;
const ORDER = { by: 'arn:aws:sts::000000000000:assumed-role/Operator/li.wei', at: '2026-11-25T09:00:00.000Z' };
const LINK = { invitationId: 'AAAAAAAAAAAAAAAAAAAAAA', expiresAt: '2027-03-01T00:00:00.000Z' };

let kms: Awaited<ReturnType<typeof startSmallKms>>;
let records: RecordStore<SealedRing>;
beforeAll(async () => {
  const judge = process.env['RESEGMENT_JUDGE_AWS'];
  if (judge === undefined) {
    kms = await startSmallKms(KEY_ARN);
    return;
  }
  kms = { endpoint: judge, stop: async () => undefined };
  const { KeyMetadata } = await place().client.send(new CreateKeyCommand({}));
  await place().client.send(new CreateAliasCommand({ AliasName: ALIAS, TargetKeyId: KeyMetadata?.KeyId ?? '' }));
});
afterAll(async () => {
  await kms.stop();
});
beforeEach(() => {
  records = memoryRecords();
});

const place = () => ({
  records,
  kmsKeyArn: KEY_ARN,
  client: new KMSClient({
    endpoint: kms.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  }),
});
const keysWith = (linkKeyId: string) => kmsKeyRing({ ...place(), linkKeyId }).linkKeys();

describe('the ring of keys in the workspace', () => {
  it('is made once; a second making leaves the keys as they are', async () => {
    const keeper = kmsKeyRingKeeper(place());

    expect(await keeper.show()).toBeUndefined();
    expect(await keeper.create('k1', ORDER)).toBe('created');
    const token = issueLinkToken(await keysWith('k1'), 'answer', LINK);
    expect(await keeper.create('k1', ORDER)).toBe('exists');

    expect(checkLinkToken(await keysWith('k1'), 'answer', token, ORDER.at).kind).toBe('valid');
    expect(await keeper.show()).toEqual({ links: ['k1'], history: [{ event: 'created', kid: 'k1', ...ORDER }] });
  });

  it('R21 checks links of two keys while one is replaced, and refuses those of a retired one', async () => {
    const keeper = kmsKeyRingKeeper(place());
    await keeper.create('k1', ORDER);
    const old = issueLinkToken(await keysWith('k1'), 'unsub', LINK);
    const address = await kmsKeyRing(place()).addressKey();

    expect(await keeper.add('k2', ORDER)).toBe('added');
    const rotated = await keysWith('k2');
    const fresh = issueLinkToken(rotated, 'unsub', LINK);
    expect([old, fresh].map((token) => checkLinkToken(rotated, 'unsub', token, ORDER.at).kind)).toEqual([
      'valid',
      'valid',
    ]);

    expect(await keeper.retire('k1', ORDER)).toBe('retired');
    const after = await keysWith('k2');
    expect([old, fresh].map((token) => checkLinkToken(after, 'unsub', token, ORDER.at).kind)).toEqual([
      'refused',
      'valid',
    ]);
    expect(await kmsKeyRing(place()).addressKey()).toEqual(address);
    expect((await keeper.show())?.history.map((one) => `${one.event} ${one.kid}`)).toEqual([
      'created k1',
      'added k2',
      'retired k1',
    ]);
  });

  it('refuses what would leave a stage without links, or the ring too large', async () => {
    const keeper = kmsKeyRingKeeper(place());
    await expect(keeper.add('k2', ORDER)).rejects.toThrow('no ring of keys');
    await keeper.create('k1', ORDER);

    await expect(keeper.retire('k1', ORDER)).rejects.toThrow('only link key');
    expect(await keeper.retire('k9', ORDER)).toBe('unknown');
    expect(await keeper.add('k1', ORDER)).toBe('exists');
    await expect(keeper.add('not a key id', ORDER)).rejects.toThrow('1 to 16 letters');
    for (let n = 2; n <= 8; n += 1) await keeper.add(`key-number-${n}`, { ...ORDER, by: 'x'.repeat(200) });
    await expect(keeper.add('k9', ORDER)).rejects.toThrow('8 link keys already');
  });

  it('keeps both of two changes at the same moment', async () => {
    await kmsKeyRingKeeper(place()).create('k1', ORDER);

    const added = await Promise.all(['k2', 'k3'].map((kid) => kmsKeyRingKeeper(place()).add(kid, ORDER)));

    expect(added).toEqual(['added', 'added']);
    expect((await kmsKeyRingKeeper(place()).show())?.links).toEqual(['k1', 'k2', 'k3']);
  });

  it('holds no key in the clear', async () => {
    await kmsKeyRingKeeper(place()).create('k1', ORDER);
    const { keys } = await keysWith('k1');
    const key = Buffer.from(keys['k1'] ?? []);
    const sealed = Buffer.from((await records.get('ring'))?.record.sealed ?? '', 'base64');

    expect(sealed.length).toBeGreaterThan(100);
    expect(sealed.includes(key)).toBe(false);
    expect(sealed.includes(key.toString('base64'))).toBe(false);
  });
});

describe('where the key is', () => {
  it('is asked for in its own region, whichever the caller has set', async () => {
    const scopes: string[] = [];
    const server = createServer((request, response) => {
      scopes.push(request.headers.authorization ?? '');
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' }).end('{"__type":"NotFoundException"}');
    });
    const { endpoint, stop } = await serve(server);
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', endpoint);
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
    try {
      const keeper = kmsKeyRingKeeper({
        records,
        kmsKeyArn: 'arn:aws:kms:ap-southeast-1:123456789012:alias/resegment-dev-key-ring',
      });

      await expect(keeper.create('k1', ORDER)).rejects.toThrow();
    } finally {
      vi.unstubAllEnvs();
      await stop();
    }

    expect(scopes).not.toEqual([]);
    for (const scope of scopes) expect(scope).toContain('/ap-southeast-1/kms/aws4_request');
  });
});
