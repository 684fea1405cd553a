import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryFiles } from '#shared/adapters/directory-files.ts';
import { s3Files } from '#shared/adapters/s3-files.ts';
import { s3Client } from '#shared/adapters/s3-objects.ts';
import type { FileStore } from '#shared/ports/file-store.ts';
import { memoryFiles, memoryObjects } from '#test/support/memory-stores.ts';
import { startSmallS3 } from '#test/support/small-s3.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

const memory = memoryFiles(memoryObjects());
const folder = temporaryFolder('files');
let s3: Awaited<ReturnType<typeof startSmallS3>>;
/** The bucket of this run: a judge (see test/judges) keeps what earlier runs wrote. */
const bucket = `files-${process.pid}`;
const judge = process.env['RESEGMENT_JUDGE_AWS'];
beforeAll(async () => {
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

const stores: readonly { readonly name: string; readonly open: () => FileStore }[] = [
  { name: 'memory', open: () => memory },
  { name: 'directory', open: () => directoryFiles(folder) },
  {
    name: 'S3',
    open: () =>
      s3Files({
        bucket,
        pieceBytes: 7,
        client: s3Client({
          endpoint: s3.endpoint,
          region: 'us-east-1',
          forcePathStyle: true,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        }),
      }),
  },
];

async function* inPieces(bytes: Uint8Array, pieceBytes = 5): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

const read = async (bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
};

describe.each(stores)('files in the workspace: $name', ({ open }) => {
  it('gives back what was written, whole and in any range', async () => {
    const store = open();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(70), fc.nat(70), async (bytes, from, to) => {
        number += 1;
        const key = `imports/i${number}/file.csv`;
        await store.write(key, inPieces(bytes));

        expect(await read(store.read(key))).toEqual(bytes);
        expect(await read(store.read(key, { from, to }))).toEqual(bytes.slice(from, to));
        expect((await store.stat(key))?.sizeBytes).toBe(bytes.length);
      }),
      { numRuns: 25 },
    );
  });

  it('says that a file is not there, and that it was replaced', async () => {
    const store = open();
    const key = 'incoming/orders/2026-11.csv';
    expect(await store.stat('incoming/orders/none.csv')).toBeUndefined();
    await expect(read(store.read('incoming/orders/none.csv'))).rejects.toMatchObject({ code: 'file-missing' });
    await store.write(key, inPieces(Buffer.from('a,b\n')));
    const before = (await store.stat(key))?.version ?? '';
    expect(await read(store.read(key, { from: 0, to: 3 }, before))).toEqual(new Uint8Array(Buffer.from('a,b')));

    await store.write(key, inPieces(Buffer.from('a,b,c\n')));

    await expect(read(store.read(key, { from: 0, to: 3 }, before))).rejects.toMatchObject({ code: 'file-changed' });
  });

  it('keeps nothing of a file whose writing failed', async () => {
    const store = open();
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('the line was cut');
    };

    await expect(store.write('imports/broken/file.csv', broken())).rejects.toThrow('the line was cut');

    expect(await store.stat('imports/broken/file.csv')).toBeUndefined();
  });

  it('stores a file that is larger than one upload takes', { timeout: 60_000 }, async () => {
    // The server of the tests knows no uploads in parts; a directory and the judge do.
    const bytes = Buffer.alloc(judge === undefined ? 4_000_000 : 12_000_000, 'x,y\n');
    const store = open();
    await store.write('imports/large/file.csv', inPieces(bytes, 1 << 20));

    expect((await store.stat('imports/large/file.csv'))?.sizeBytes).toBe(bytes.length);
  });
});
