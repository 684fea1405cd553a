import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { PermanentError } from '../errors.ts';
import type { FileStore, StoredFileState } from '../ports/file-store.ts';
import { checkedKey } from './directory-objects.ts';
import { statusOf, toObjectError } from './s3-objects.ts';

/**
 * Bytes of one request. Each is read to its end at once, so that no connection stands open while rows are written, and a
 * request that fails is made again by itself.
 */
const PIECE_BYTES = 8 * 1_024 * 1_024;

/** Files of the run workspace in a bucket. @param pieceBytes bytes of one request */
export const s3Files = ({
  client,
  bucket,
  pieceBytes = PIECE_BYTES,
}: {
  readonly client: S3Client;
  readonly bucket: string;
  readonly pieceBytes?: number;
}): FileStore => {
  const stat = async (key: string): Promise<StoredFileState | undefined> => {
    try {
      const { ContentLength, ETag } = await client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: checkedKey(key) }),
      );
      return { sizeBytes: ContentLength ?? 0, version: ETag ?? '' };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw toObjectError(`look at ${key}`, error);
    }
  };
  const piece = async (key: string, from: number, to: number, version: string): Promise<Uint8Array> => {
    try {
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${from}-${to - 1}`, IfMatch: version }),
      );
      if (Body === undefined) throw new Error('the answer has no body');
      return await Body.transformToByteArray();
    } catch (error) {
      const status = statusOf(error);
      if (status === 412 || status === 416) throw changed(key);
      if (status === 404) throw missing(key);
      throw toObjectError(`read ${key}`, error);
    }
  };
  return {
    stat,
    read: async function* (key, range, version) {
      const state = await stat(key);
      if (state === undefined) throw missing(key);
      if (version !== undefined && version !== state.version) throw changed(key);
      const to = Math.min(range?.to ?? state.sizeBytes, state.sizeBytes);
      for (let from = range?.from ?? 0; from < to; from += pieceBytes) {
        yield await piece(key, from, Math.min(from + pieceBytes, to), state.version);
      }
    },
    write: async (key, bytes) => {
      try {
        await new Upload({
          client,
          params: { Bucket: bucket, Key: checkedKey(key), Body: Readable.from(bytes, { objectMode: false }) },
        }).done();
      } catch (error) {
        throw toObjectError(`write ${key}`, error);
      }
    },
  };
};

export const missing = (key: string): PermanentError =>
  new PermanentError('file-missing', `there is no file ${key} in the workspace`);

export const changed = (key: string): PermanentError =>
  new PermanentError('file-changed', `the file ${key} was replaced while it was read`, {
    hint: 'import it again; give every file a name of its own',
  });
