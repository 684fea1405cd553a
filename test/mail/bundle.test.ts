import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const PROJECT_ROOT = new URL('../..', import.meta.url).pathname;

/** The function as it is deployed: one file with everything it imports. */
const bundleOf = async (name: string) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${PROJECT_ROOT}functions/${name}.ts`],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    logLevel: 'silent',
  });
  return { bytes: outputFiles[0]?.contents.length ?? 0, inputs: Object.keys(metafile.inputs) };
};

describe('the functions that write mails and pages', () => {
  it.each(['send-invitations', 'send-reminders', 'answer-survey'])(
    'R33 carry no template engine and stay below 1 MB: %s',
    async (name) => {
      const { bytes, inputs } = await bundleOf(name);

      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThan(1_000_000);
      expect(inputs.filter((path) => /node_modules\/(?:mjml|react|handlebars|ejs|pug|mustache)/u.test(path))).toEqual(
        [],
      );
    },
  );
});
