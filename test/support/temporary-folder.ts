import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const made: string[] = [];

/** Makes a folder in the system's folder for temporary files. It is gone when the test file, or the process, has ended. */
export const temporaryFolder = (what: string): string => {
  const folder = mkdtempSync(path.join(tmpdir(), `resegment-${what}-`));
  made.push(folder);
  return folder;
};

/** Called at the end of every test file. */
export const removeTemporaryFolders = (): void => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
};

process.once('exit', removeTemporaryFolders);
