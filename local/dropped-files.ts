import { createHash } from 'node:crypto';
import { INCOMING_FOLDER } from '#shared/contracts/import-job.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { FileStore } from '#shared/ports/file-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { Workflows } from '#shared/ports/workflows.ts';

/**
 * Looks for files in the folders of feeds and starts the import of each that is new or has changed, which EventBridge does on
 * AWS. A file is taken when it is the same at two looks, since here others may still be writing it. One that was seen before
 * this process began has its execution already, so that starting it again finds it.
 */
export const droppedFiles = (ports: {
  readonly objects: ObjectStore;
  readonly files: FileStore;
  readonly workflows: Pick<Workflows, 'start'>;
  readonly clock: Clock;
}): (() => Promise<void>) => {
  const seen = new Set<string>();
  const lastLook = new Map<string, string>();
  return async () => {
    for (const key of await ports.objects.list(`${INCOMING_FOLDER}/`)) {
      const state = await ports.files.stat(key);
      if (state === undefined) continue;
      const hash = createHash('sha256').update(`${key}\n${state.version}`).digest('hex').slice(0, 24);
      const isWhole = lastLook.get(key) === hash;
      lastLook.set(key, hash);
      if (seen.has(hash) || !isWhole) continue;
      const object = { key, version: state.version, at: ports.clock.now() };
      await ports.workflows.start('import', `dropped-${hash}`, { schema: 1, object });
      seen.add(hash);
    }
  };
};
