import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildApp } from '#infra/build-app.ts';
import { REGIONS, REGIONS_WITHOUT_BUDGETS } from '#infra/regions.ts';
import { STAGES, type StageConfig } from '#infra/stage-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'resegment-lint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What cfn-lint says of files, as `rule: message`. Exit codes above 0 are findings, not failures. */
const findings = (files: readonly string[], regions: readonly string[]): string[] => {
  const lint = process.env['RESEGMENT_JUDGE_CFN_LINT'] ?? 'cfn-lint';
  try {
    execFileSync(lint, ['--format', 'json', '--regions', ...regions, '--template', ...files], { encoding: 'utf8' });
    return [];
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout === undefined || !stdout.startsWith('[')) throw error;
    return JSON.parse(stdout).map((one: { Rule: { Id: string }; Message: string }) => `${one.Rule.Id}: ${one.Message}`);
  }
};

describe('cfn-lint', () => {
  it.each(['dev', 'prod', 'local'] as const)(
    'finds no error in the templates of %s',
    (stage) => {
      const outdir = join(folder, stage);
      buildApp({ stage, bundled: false, outdir }).app.synth();
      const templates = readdirSync(outdir).filter((name) => name.endsWith('.template.json'));

      const said = findings(
        templates.map((name) => join(outdir, name)),
        [STAGES[stage].region],
      );

      expect(templates).toHaveLength(2);
      // The CDK orders by DependsOn what a reference orders already.
      expect(said.filter((one) => !one.startsWith('W3005'))).toEqual([]);
    },
    180_000,
  );

  it.each<[string, readonly string[], Partial<StageConfig>]>([
    ['with a budget', REGIONS, {}],
    ['without a budget', REGIONS_WITHOUT_BUDGETS, { monthlyBudgetUsd: 'none' }],
  ])(
    'knows all that a stage needs in the regions in which it may be deployed %s',
    (kind, regions, changes) => {
      const outdir = join(folder, kind.replaceAll(' ', '-'));
      buildApp({ stage: 'dev', bundled: false, outdir, changes }).app.synth();
      const templates = readdirSync(outdir).filter((name) => name.endsWith('.template.json'));

      const said = findings(
        templates.map((name) => join(outdir, name)),
        regions,
      );

      expect(templates).toHaveLength(2);
      expect(said.filter((one) => !one.startsWith('W3005'))).toEqual([]);
    },
    180_000,
  );
});
