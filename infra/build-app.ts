import { App, Tags } from 'aws-cdk-lib';
import { DataStack } from './stacks/data-stack.ts';
import { LoopStack } from './stacks/loop-stack.ts';
import { STAGES, type Stage, type StageConfig } from './stage-config.ts';

export interface BuildAppOptions {
  readonly stage: Stage;
  /** Where the templates are written; without one, where the CDK's own rules say. */
  readonly outdir?: string;
  /** False leaves the functions' code out: for tests and for the local stack, which runs the sources. */
  readonly bundled: boolean;
  /** What differs from the stage's settings; nothing if absent. */
  readonly changes?: Partial<StageConfig>;
}

/** Both stacks of a stage. Nothing is looked up in an account, so that any machine synthesizes the same. */
export const buildApp = ({
  stage,
  outdir,
  bundled,
  changes = {},
}: BuildAppOptions): { app: App; data: DataStack; loop: LoopStack } => {
  const app = new App({
    analyticsReporting: false,
    ...(outdir === undefined ? {} : { outdir }),
    context: {
      // What the loop uses of the data cannot be removed under it. Said, since the CDK warns where it is not.
      '@aws-cdk/core:defaultCrossStackReferences': 'strong',
      ...(bundled ? {} : { 'aws:cdk:bundling-stacks': [] }),
    },
  });
  const config: StageConfig = { ...STAGES[stage], ...changes };
  const env = { region: config.region };
  const data = new DataStack(app, `Resegment-${stage}-Data`, { stage, config, env, terminationProtection: true });
  const loop = new LoopStack(app, `Resegment-${stage}-Loop`, { stage, config, env, data, bundled });
  Tags.of(app).add('application', 'resegment');
  Tags.of(app).add('resegment-stage', stage);
  return { app, data, loop };
};
