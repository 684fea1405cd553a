import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import { removeTemporaryFolders } from './temporary-folder.ts';

/*
 * Gives each test file a folder for temporary files of its own, and fails the file that leaves something there. This hook comes after
 * those of the test file, so that what they remove is gone.
 */
const before = process.env['TMPDIR'];
const own = mkdtempSync(path.join(tmpdir(), 'resegment-test-'));
process.env['TMPDIR'] = own;
// Where a test file fails before it has hooks.
process.once('exit', () => rmSync(own, { recursive: true, force: true }));
// Node would keep there what it compiled, and every process of the tool would begin from nothing.
process.env['NODE_COMPILE_CACHE'] ??= path.join(import.meta.dirname, '..', '..', '.local', 'compiled');

afterAll(() => {
  removeTemporaryFolders();
  const left = readdirSync(own);
  rmSync(own, { recursive: true, force: true, maxRetries: 5 });
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;

  expect(left, 'left in the folder for temporary files; temporaryFolder() removes what it made').toEqual([]);
});
