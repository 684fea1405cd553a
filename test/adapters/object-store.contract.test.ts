import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryObjects } from '#shared/adapters/directory-objects.ts';
import { s3Client, s3Objects } from '#shared/adapters/s3-objects.ts';
import { memoryObjects } from '#test/support/memory-stores.ts';
import { startSmallS3 } from '#test/support/small-s3.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const folder = temporaryFolder('objects');
let s3: Awaited<ReturnType<typeof startSmallS3>>;
/** The bucket of this run: a judge (see test/judges) keeps what earlier runs wrote. */
const bucket = `workspace-${process.pid}`;
beforeAll(async () => {
  const judge = process.env['RESEGMENT_JUDGE_AWS'];
  if (judge === undefined) {
    s3 = await startSmallS3();
    return;
  }
  s3 = { endpoint: judge, stop: async () => undefined };
  await fetch(`${judge}/${bucket}`, { method: 'PUT' });
});
afterAll(async () => {
  await s3.stop();
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content);

const stores = [
  { name: 'memory', open: () => memoryObjects() },
  { name: 'directory', open: () => directoryObjects(folder) },
  {
    name: 'S3',
    open: () =>
      s3Objects({
        bucket,
        client: s3Client({
          endpoint: s3.endpoint,
          forcePathStyle: true,
          region: 'us-east-1',
          maxAttempts: 1,
          credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        }),
      }),
  },
];

describe.each(stores)('an object store ($name)', ({ name, open }) => {
  it('gives back the bytes that were stored, whatever they are', async () => {
    const store = open();
    const all = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);

    expect(await store.put('runs/2026-05/frame/shard=0001.parquet', all)).toBe('stored');
    await store.put('runs/2026-05/empty.json', new Uint8Array());

    expect(await store.get('runs/2026-05/frame/shard=0001.parquet')).toEqual(all);
    expect((await store.get('runs/2026-05/empty.json'))?.length).toBe(0);
    expect(await store.get('runs/2026-05/none.json')).toBeUndefined();
    expect(await store.get('runs/2026-05')).toBeUndefined();
  });

  it('replaces an object unless it must be absent', async () => {
    const store = open();
    await store.put('policies/active.json', bytes('one'), { contentType: 'application/json' });

    expect(await store.put('policies/active.json', bytes('two'), { ifAbsent: true })).toBe('exists');
    expect(text(await store.get('policies/active.json'))).toBe('one');
    expect(await store.put('policies/active.json', bytes('three'))).toBe('stored');
    expect(text(await store.get('policies/active.json'))).toBe('three');
  });

  it('lets exactly one of several concurrent writers create an object', async () => {
    const store = open();

    const outcomes = await Promise.all(
      ['a', 'b', 'c', 'd'].map((one) => store.put('race/key', bytes(one), { ifAbsent: true })),
    );

    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
  });

  it('lists the keys of a prefix, in folders too, ascending', async () => {
    const store = open();
    for (const key of ['list/b/2.json', 'list/a.json', 'list/b/10.json', 'listing/c.json', 'list/b-1.json']) {
      await store.put(key, bytes(key));
    }

    expect(await store.list('list/')).toEqual(['list/a.json', 'list/b-1.json', 'list/b/10.json', 'list/b/2.json']);
    expect(await store.list('list/b/1')).toEqual(['list/b/10.json']);
    expect(await store.list('nothing/')).toEqual([]);
  });

  it('removes an object, and does not mind one that is not there', async () => {
    const store = open();
    await store.put('gone/a', bytes('a'));

    await store.remove('gone/a');
    await store.remove('gone/a');

    expect(await store.get('gone/a')).toBeUndefined();
    expect(await store.list('gone/')).toEqual([]);
  });

  it.each(['../secret', 'a/../b', '/etc/passwd', 'a//b', '', 'a/./b', 'a\\b', 'a\u0000b', 'a/'])(
    'refuses the key %j',
    async (key) => {
      const store = open();

      await expect(store.put(key, bytes('x'))).rejects.toMatchObject({ code: 'object-key-invalid' });
      await expect(store.get(key)).rejects.toMatchObject({ code: 'object-key-invalid' });
    },
  );

  it('leaves no temporary file where a write ended', async () => {
    const store = open();
    await store.put('whole/a', bytes('a'));
    await store.put('whole/a', bytes('b'), { ifAbsent: true });

    expect((await store.list('')).filter((key) => key.startsWith('.'))).toEqual([]);
    if (name === 'directory') expect(readdirSync(path.join(folder, '.writing'))).toEqual([]);
  });
});

describe('the S3 object store', () => {
  it('says that a server which does not answer may answer later', async () => {
    const client = s3Client({
      endpoint: 'http://127.0.0.1:9',
      forcePathStyle: true,
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });

    await expect(s3Objects({ bucket: 'b', client }).get('a/b')).rejects.toMatchObject({ name: 'RetryableError' });
  });
});
