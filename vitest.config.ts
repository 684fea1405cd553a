import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// What Node compiles is kept: nearly every test file starts a process, and the journeys several.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '.local', 'compiled');

/** Tests of shared/, which keeps no state in its modules: they take a third less time where files share a process. */
const SHARED = ['adapters', 'application', 'domain', 'mail', 'privacy', 'report', 'shared', 'survey'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** Needs what `npm run synth` leaves. */
const bundles = { extends: true as const, test: { name: 'bundles', include: ['test/bundles/**/*.test.ts'] } };
/** Needs Python and what `npm run judge` starts. */
const judges =
  (process.env['RESEGMENT_JUDGE_AWS'] ?? process.env['RESEGMENT_JUDGE_CFN_LINT']) === undefined
    ? []
    : [{ extends: true as const, test: { name: 'judges', include: ['test/judges/**/*.test.ts'] } }];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['test/support/leftovers.ts'],
    // By itself the runner leaves a core free; the journeys wait more than they compute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: [...SHARED, 'test/structure/**', 'test/judges/**', 'test/bundles/**', '**/node_modules/**'],
        },
      },
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
      { extends: true, test: { name: 'structure', include: ['test/structure/**/*.test.ts'] } },
      ...(process.env['RESEGMENT_BUNDLES'] === undefined ? [] : [bundles]),
      ...judges,
    ],
  },
});
