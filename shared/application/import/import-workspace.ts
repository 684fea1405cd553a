import * as z from 'zod/mini';
import { mapConcurrently } from '../../concurrently.ts';
import { PermanentError } from '../../errors.ts';
import type { RejectedRow } from '../../ports/imports.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

/** Where an import keeps its file, its notes on the way and what came of it. */
export const importFolder = (importId: string): string => `imports/${importId}`;

const CONCURRENT_READS = 16;

/** Numbers in names, so that names are in the order of the numbers. */
const padded = (index: number): string => String(index).padStart(6, '0');

/** What steps leave for later steps: one object each, written whole, the same when a step is repeated. */
export interface ImportWorkspace {
  readonly folder: string;
  /** @returns undefined where it was not written */
  readJson<Schema extends z.core.$ZodType>(name: string, schema: Schema): Promise<z.infer<Schema> | undefined>;
  writeJson(name: string, value: unknown): Promise<void>;
  /** Receipts of all steps of a Map, by number. @throws PermanentError `import-incomplete` where one of `count` is missing */
  receipts<Schema extends z.core.$ZodType>(
    step: string,
    count: number,
    schema: Schema,
  ): Promise<readonly z.infer<Schema>[]>;
  writeReceipt(step: string, index: number, value: unknown): Promise<void>;
  receiptCount(step: string): Promise<number>;
  /** Something by partition and, within it, by range. */
  writePart(name: string, partition: number, index: number, bytes: Uint8Array): Promise<void>;
  /** What ranges left for a partition, in the order of the ranges. */
  readParts(name: string, partition: number): AsyncIterable<{ readonly index: number; readonly bytes: Uint8Array }>;
  writeRejects(step: 'check' | 'write', index: number, rows: readonly RejectedRow[]): Promise<void>;
  /** All rejected rows in the order of the file. */
  rejects(): AsyncIterable<RejectedRow>;
  /** Removes what only the import itself needed. */
  clear(): Promise<void>;
}

const Rejected = z.object({ line: z.number(), reason: z.string(), original: z.string() });
/** What stays when an import is over. */
const KEPT = ['request.json', 'plan.json', 'result.json', 'rejects.csv'];

/** The workspace of one import. */
export const importWorkspace = (objects: ObjectStore, importId: string): ImportWorkspace => {
  const folder = importFolder(importId);
  const readJson = async <Schema extends z.core.$ZodType>(
    name: string,
    schema: Schema,
  ): Promise<z.infer<Schema> | undefined> => {
    const bytes = await objects.get(`${folder}/${name}`);
    return bytes === undefined ? undefined : z.parse(schema, JSON.parse(new TextDecoder().decode(bytes)));
  };
  const writeJson = async (name: string, value: unknown): Promise<void> => {
    await objects.put(`${folder}/${name}`, new TextEncoder().encode(JSON.stringify(value)), {
      contentType: 'application/json',
    });
  };
  const indexesOf = async (prefix: string): Promise<readonly number[]> =>
    (await objects.list(`${folder}/${prefix}/`)).map((key) => Number(/(\d+)\.\w+$/.exec(key)?.[1]));
  const rejectedIn = async (step: 'check' | 'write', index: number): Promise<readonly RejectedRow[]> => {
    const bytes = await objects.get(`${folder}/rejected-${step}/${padded(index)}.jsonl`);
    return bytes === undefined
      ? []
      : new TextDecoder()
          .decode(bytes)
          .trimEnd()
          .split('\n')
          .map((line) => z.parse(Rejected, JSON.parse(line)));
  };
  return {
    folder,
    readJson,
    writeJson,
    receipts: async (step, count, schema) => {
      const found = await mapConcurrently(
        Array.from({ length: count }, (_, index) => index),
        CONCURRENT_READS,
        (index) => readJson(`${step}/${padded(index)}.json`, schema),
      );
      return found.map((receipt, index) => {
        if (receipt === undefined)
          throw new PermanentError('import-incomplete', `the import ${importId} lacks the receipt ${step} ${index}`);
        return receipt;
      });
    },
    writeReceipt: (step, index, value) => writeJson(`${step}/${padded(index)}.json`, value),
    receiptCount: async (step) => (await objects.list(`${folder}/${step}/`)).length,
    writePart: async (name, partition, index, bytes) => {
      await objects.put(`${folder}/${name}/${padded(partition)}/${padded(index)}.bin`, bytes);
    },
    readParts: async function* (name, partition) {
      for (const key of await objects.list(`${folder}/${name}/${padded(partition)}/`)) {
        const bytes = await objects.get(key);
        if (bytes !== undefined) yield { index: Number(/(\d+)\.bin$/.exec(key)?.[1]), bytes };
      }
    },
    writeRejects: async (step, index, rows) => {
      if (rows.length === 0) return;
      const text = rows.map((row) => JSON.stringify(row)).join('\n');
      await objects.put(`${folder}/rejected-${step}/${padded(index)}.jsonl`, new TextEncoder().encode(text));
    },
    rejects: async function* () {
      const indexes = new Set([...(await indexesOf('rejected-check')), ...(await indexesOf('rejected-write'))]);
      for (const index of [...indexes].sort((a, b) => a - b)) {
        const rows = [...(await rejectedIn('check', index)), ...(await rejectedIn('write', index))];
        yield* rows.sort((a, b) => a.line - b.line);
      }
    },
    clear: async () => {
      const keys = await objects.list(`${folder}/`);
      const kept = new Set(KEPT.map((name) => `${folder}/${name}`));
      await mapConcurrently(
        keys.filter((key) => !kept.has(key)),
        CONCURRENT_READS,
        (key) => objects.remove(key),
      );
    },
  };
};
