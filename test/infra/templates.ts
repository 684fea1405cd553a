import { Template } from 'aws-cdk-lib/assertions';
import { buildApp } from '#infra/build-app.ts';
import type { Stage } from '#infra/stage-config.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

export interface TemplateJson {
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation is read here as it is written
  readonly Resources: Record<string, { readonly Type: string; readonly [field: string]: any }>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
}

/** The templates of both stacks, without the functions' code. */
export const templatesOf = (stage: Stage): { readonly data: TemplateJson; readonly loop: TemplateJson } => {
  const { data, loop } = buildApp({ stage, outdir: temporaryFolder('templates'), bundled: false });
  return {
    data: Template.fromStack(data).toJSON() as TemplateJson,
    loop: Template.fromStack(loop).toJSON() as TemplateJson,
  };
};
