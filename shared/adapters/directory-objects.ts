import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PermanentError } from '../errors.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { countUsage } from './usage-meter.ts';

/**
 * The run workspace in a directory. A reader sees an object whole or not at all: the bytes go to a temporary file in
 * `.writing/` first, which is then renamed (or linked, where an existing object must stay). Requests are counted as a bucket
 * would bill them.
 */
export const directoryObjects = (directory: string): ObjectStore => {
  const root = path.resolve(directory);
  const writing = path.join(root, '.writing');
  const fileOf = (key: string): string => path.join(root, ...checkedKey(key).split('/'));
  return {
    put: async (key, bytes, options = {}) => {
      countUsage('objectWrites');
      const file = fileOf(key);
      const temporary = path.join(writing, randomUUID());
      await mkdir(writing, { recursive: true });
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(temporary, bytes);
      try {
        if (options.ifAbsent !== true) {
          await rename(temporary, file);
          return 'stored';
        }
        await link(temporary, file);
        return 'stored';
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return 'exists';
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    get: async (key) => {
      countUsage('objectReads');
      try {
        return new Uint8Array(await readFile(fileOf(key)));
      } catch (error) {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'EISDIR') || hasCode(error, 'ENOTDIR')) return undefined;
        throw error;
      }
    },
    list: async (prefix) => {
      // A bucket gives 1,000 keys a request, and a request to list costs as much as one to write.
      countUsage('objectWrites');
      const folder = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : '';
      if (folder !== '') checkedKey(folder);
      const keys: string[] = [];
      await collect(path.join(root, ...folder.split('/')), folder === '' ? '' : `${folder}/`, keys);
      return keys.filter((key) => key.startsWith(prefix) && !key.startsWith('.writing/')).sort(byBytes);
    },
    remove: async (key) => {
      await rm(fileOf(key), { force: true });
    },
  };
};

/**
 * Object keys: parts of letters of any script, digits and ` . _ = - + @ ~ ( ) , & ' !`, joined by `/`; never `.` or `..`.
 *
 * @throws PermanentError `object-key-invalid`
 */
export const checkedKey = (key: string): string => {
  const valid =
    key.length > 0 &&
    key.length <= 900 &&
    key.split('/').every((part) => /^[\p{L}\p{N}._=\-+@~ (),&'!]+$/u.test(part) && part !== '.' && part !== '..');
  if (!valid || key.startsWith('.writing/')) {
    throw new PermanentError(
      'object-key-invalid',
      `an object key is names joined by "/", got ${JSON.stringify(key.slice(0, 100))}`,
    );
  }
  return key;
};

/** The order in which S3 lists keys: by their UTF-8 bytes. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const collect = async (folder: string, prefix: string, keys: string[]): Promise<void> => {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return;
    throw error;
  }
  for (const entry of entries) {
    if (entry.isDirectory()) await collect(path.join(folder, entry.name), `${prefix}${entry.name}/`, keys);
    else keys.push(`${prefix}${entry.name}`);
  }
};

const readEntries = (folder: string) => readdir(folder, { withFileTypes: true });

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
