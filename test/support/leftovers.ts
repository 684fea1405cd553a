import { readdirSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
import { removeTemporaryFolders, temporaryFolder } from './temporary-folder.ts';

/*
 * Gives each test file a folder for temporary files of its own, and fails the file that leaves something there. This hook comes after
 * those of the test file, so that what they remove is gone.
 */
const before = process.env['TMPDIR'];
const own = temporaryFolder('test');
process.env['TMPDIR'] = own;

afterAll(() => {
  removeTemporaryFolders(own);
  const left = readdirSync(own);
  removeTemporaryFolders();
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;

  expect(left, 'left in the folder for temporary files; temporaryFolder() removes what it made').toEqual([]);
});
