import { parseArgs } from 'node:util';
import { buildApp } from './build-app.ts';
import { isStage, STAGES } from './stage-config.ts';

/** Synthesizes a stage: `node infra/app.ts [--stage dev|prod|local] [--out DIR] [--no-code]`. Needs no CLI and no account. */
const main = (): void => {
  const { values } = parseArgs({
    options: {
      stage: { type: 'string', default: 'dev' },
      out: { type: 'string' },
      'no-code': { type: 'boolean', default: false },
    },
  });
  if (!isStage(values.stage)) {
    throw new Error(`--stage must be one of ${Object.keys(STAGES).join(', ')}, got ${values.stage}`);
  }
  const outdir = values.out ?? process.env['CDK_OUTDIR'] ?? 'cdk.out';
  const { app } = buildApp({ stage: values.stage, outdir, bundled: values.stage !== 'local' && !values['no-code'] });
  app.synth();
};

main();
