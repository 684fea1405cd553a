import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { isResegmentError, PermanentError, RetryableError } from '../errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { byBytes, checkedKey } from './directory-objects.ts';
import { countUsage } from './usage-meter.ts';

/** An S3 client with a named number of attempts. */
export const s3Client = (options: S3ClientConfig = {}): S3Client => new S3Client({ maxAttempts: 5, ...options });

/** The run workspace in a bucket. `ifAbsent` is S3's own condition, so that two writers agree. */
export const s3Objects = ({ client, bucket }: { readonly client: S3Client; readonly bucket: string }): ObjectStore => ({
  put: async (key, bytes, options = {}) => {
    countUsage('objectWrites');
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: checkedKey(key),
          Body: bytes,
          ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
          ...(options.ifAbsent === true ? { IfNoneMatch: '*' } : {}),
        }),
      );
      return 'stored';
    } catch (error) {
      if (statusOf(error) === 412) return 'exists';
      throw toObjectError(`write ${key}`, error);
    }
  },
  get: async (key) => {
    countUsage('objectReads');
    try {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: checkedKey(key) }));
      return await answer.Body?.transformToByteArray();
    } catch (error) {
      if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
      throw toObjectError(`read ${key}`, error);
    }
  },
  list: async (prefix) => {
    const keys: string[] = [];
    let token: string | undefined;
    try {
      do {
        // A request to list costs as much as one to write.
        countUsage('objectWrites');
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        for (const object of page.Contents ?? []) if (object.Key !== undefined) keys.push(object.Key);
        token = page.NextContinuationToken;
      } while (token !== undefined);
    } catch (error) {
      throw toObjectError(`list ${prefix}`, error);
    }
    return keys.sort(byBytes);
  },
  remove: async (key) => {
    try {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: checkedKey(key) }));
    } catch (error) {
      throw toObjectError(`remove ${key}`, error);
    }
  },
});

export const statusOf = (error: unknown): number | undefined => {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
};

export const toObjectError = (operation: string, error: unknown) => {
  if (isResegmentError(error)) return error;
  const status = statusOf(error);
  const message = `S3 could not ${operation}: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`;
  const permanent = status !== undefined && status >= 400 && status < 500 && status !== 409 && status !== 429;
  return permanent
    ? new PermanentError('workspace-refused', message, { cause: error })
    : new RetryableError('workspace-unavailable', message, { cause: error });
};
