import { hash } from 'node:crypto';

/**
 * Ids of a file on their way through the workspace: as digests, so that what lies there names nobody and every id takes the
 * same few bytes. Records are little-endian.
 */

/** Digest of an id of which it is only asked whether it is among others; 64 bits: of 100 M ids two agree with probability 3·10⁻⁴. */
const SHORT_BYTES = 8;
/** Key (16), content (8), customer (8), line (8), day (8), minor units (8). 128 bits of the key: a clash would cost a row. */
const KEY_BYTES = 56;
const FIRST_SIZE = 1 << 16;

const digestOf = (text: string): Buffer => hash('sha256', text, 'buffer');

/** In which of `count` parts a text is. */
const partitionOf = (digest: Buffer, count: number): number => digest.readUInt32LE(0) % count;

/** Collects records, in parts. */
const newParts = (count: number, recordBytes: number) => {
  const parts = Array.from({ length: count }, () => ({ bytes: Buffer.alloc(0), used: 0 }));
  return {
    /** Room for one more record of the part, and where it is. */
    next: (partition: number): { readonly bytes: Buffer; readonly at: number } => {
      const part = parts[partition];
      if (part === undefined) throw new RangeError(`there is no part ${partition}`);
      if (part.used + recordBytes > part.bytes.length) {
        const larger = Buffer.alloc(Math.max(FIRST_SIZE, part.bytes.length * 2));
        part.bytes.copy(larger, 0, 0, part.used);
        part.bytes = larger;
      }
      const at = part.used;
      part.used += recordBytes;
      return { bytes: part.bytes, at };
    },
    /** Parts that hold something. */
    filled: (): readonly { readonly partition: number; readonly bytes: Buffer }[] =>
      parts.flatMap(({ bytes, used }, partition) =>
        used === 0 ? [] : [{ partition, bytes: bytes.subarray(0, used) }],
      ),
  };
};

/** Different ids by part. @param count of parts */
export const idDigests = (count: number) => {
  const parts = newParts(count, SHORT_BYTES);
  return {
    add: (id: string): void => {
      const digest = digestOf(id);
      const { bytes, at } = parts.next(partitionOf(digest, count));
      digest.copy(bytes, at, 0, SHORT_BYTES);
    },
    /** Adds an id of which the digest is known. */
    addDigest: (digest: Buffer): void => {
      const { bytes, at } = parts.next(partitionOf(digest, count));
      digest.copy(bytes, at, 0, SHORT_BYTES);
    },
    /** Each part with every digest once, ascending. */
    filled: () => parts.filled().map(({ partition, bytes }) => ({ partition, bytes: mergedDigests([bytes]) })),
  };
};

/** Digests of several files: each once, ascending. */
export const mergedDigests = (files: readonly Uint8Array[]): Uint8Array => {
  const all = new BigUint64Array(files.reduce((sum, file) => sum + file.length, 0) / SHORT_BYTES);
  const bytes = new Uint8Array(all.buffer);
  let at = 0;
  for (const file of files) {
    bytes.set(file, at);
    at += file.length;
  }
  all.sort();
  let kept = 0;
  let before: bigint | undefined;
  for (const digest of all) {
    if (digest === before) continue;
    all[kept] = digest;
    kept += 1;
    before = digest;
  }
  return bytes.subarray(0, kept * SHORT_BYTES);
};

/** How many different ids a merged file holds. */
export const digestCount = (merged: Uint8Array): number => merged.length / SHORT_BYTES;

/** Tells whether an id is in one of the merged files. @param parts by partition; absent parts are empty */
export const idLookup = (parts: ReadonlyMap<number, Uint8Array>, count: number): ((id: string) => boolean) => {
  const sorted = new Map([...parts].map(([partition, bytes]) => [partition, new BigUint64Array(bytes.slice().buffer)]));
  return (id) => {
    const digest = digestOf(id);
    const within = sorted.get(partitionOf(digest, count));
    if (within === undefined) return false;
    const wanted = digest.readBigUInt64LE(0);
    let low = 0;
    let high = within.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((within[middle] ?? 0n) < wanted) low = middle + 1;
      else high = middle;
    }
    return within[low] === wanted;
  };
};

/** A row that has a key. */
export interface KeyedRow {
  readonly key: string;
  readonly content: string;
  readonly customerId: string;
  readonly line: number;
  readonly day: number;
  /** 0 where the file has no amounts. */
  readonly amountMinor: number;
}

/** Keyed rows by part of their key. @param count of parts */
export const keyedRows = (count: number) => {
  const parts = newParts(count, KEY_BYTES);
  return {
    add: ({ key, content, customerId, line, day, amountMinor }: KeyedRow): void => {
      const digest = digestOf(key);
      const { bytes, at } = parts.next(partitionOf(digest, count));
      digest.copy(bytes, at, 0, 16);
      digestOf(content).copy(bytes, at + 16, 0, 8);
      digestOf(customerId).copy(bytes, at + 24, 0, SHORT_BYTES);
      bytes.writeDoubleLE(line, at + 32);
      bytes.writeDoubleLE(day, at + 40);
      bytes.writeDoubleLE(amountMinor, at + 48);
    },
    filled: parts.filled,
  };
};

/** The keyed rows of a part of a range, in their order. */
export function* readKeyedRows(
  file: Uint8Array,
): Generator<Omit<KeyedRow, 'customerId'> & { readonly customer: Buffer }> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at < bytes.length; at += KEY_BYTES) {
    yield {
      key: bytes.toString('latin1', at, at + 16),
      content: bytes.toString('latin1', at + 16, at + 24),
      customer: bytes.subarray(at + 24, at + 24 + SHORT_BYTES),
      line: bytes.readDoubleLE(at + 32),
      day: bytes.readDoubleLE(at + 40),
      amountMinor: bytes.readDoubleLE(at + 48),
    };
  }
}
