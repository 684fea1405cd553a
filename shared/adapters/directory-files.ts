import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat as statFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileStore } from '../ports/file-store.ts';
import { checkedKey } from './directory-objects.ts';
import { changed, missing } from './s3-files.ts';

/** Files of the run workspace in a directory, beside the objects. */
export const directoryFiles = (directory: string): FileStore => {
  const root = path.resolve(directory);
  const fileOf = (key: string): string => path.join(root, ...checkedKey(key).split('/'));
  const stat: FileStore['stat'] = async (key) => {
    try {
      const found = await statFile(fileOf(key));
      return found.isFile()
        ? { sizeBytes: found.size, version: `${found.size}-${found.mtimeMs}-${found.ino}` }
        : undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined;
      throw error;
    }
  };
  return {
    stat,
    read: async function* (key, range, version) {
      const state = await stat(key);
      if (state === undefined) throw missing(key);
      if (version !== undefined && version !== state.version) throw changed(key);
      const to = Math.min(range?.to ?? state.sizeBytes, state.sizeBytes);
      const from = range?.from ?? 0;
      if (from >= to) return;
      const bytes: AsyncIterable<Uint8Array> = createReadStream(fileOf(key), {
        start: from,
        end: to - 1,
        highWaterMark: 1 << 18,
      });
      yield* bytes;
    },
    write: async (key, bytes) => {
      const writing = path.join(root, '.writing');
      const temporary = path.join(writing, randomUUID());
      await mkdir(writing, { recursive: true });
      await mkdir(path.dirname(fileOf(key)), { recursive: true });
      try {
        await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(temporary));
        await rename(temporary, fileOf(key));
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
};
