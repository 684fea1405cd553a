import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: ['test/structure/**', '**/node_modules/**'],
        },
      },
      { extends: true, test: { name: 'structure', include: ['test/structure/**/*.test.ts'] } },
    ],
  },
});
