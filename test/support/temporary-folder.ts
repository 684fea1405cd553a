import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const made = new Set<string>();

/** Makes a folder in the system's folder for temporary files. It is gone when the test file, or the process, has ended. */
export const temporaryFolder = (what: string): string => {
  const folder = mkdtempSync(path.join(tmpdir(), `resegment-${what}-`));
  made.add(folder);
  return folder;
};

/** Removes what was made, except the folder that holds it all. */
export const removeTemporaryFolders = (except?: string): void => {
  for (const folder of made) {
    if (folder === except) continue;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    made.delete(folder);
  }
};

process.once('exit', () => removeTemporaryFolders());
