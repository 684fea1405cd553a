import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ACCEPTED_FINDINGS } from '#infra/accepted-findings.ts';
import { buildApp } from '#infra/build-app.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

interface Finding {
  readonly rule: string;
  readonly path: string;
}

/** All that the AwsSolutions rules say of a stage. */
const findingsOf = (stage: 'dev' | 'prod', outdir: string): Finding[] => {
  const { app } = buildApp({ stage, bundled: false, outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  try {
    app.synth();
  } catch {
    // It throws where there are findings, and writes them all the same.
  }
  const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  return report.pluginReports.flatMap((plugin: { violations: [] }) =>
    plugin.violations.flatMap((violation: { ruleName: string; violatingConstructs: { constructPath: string }[] }) =>
      violation.violatingConstructs.map(({ constructPath }) => ({ rule: violation.ruleName, path: constructPath })),
    ),
  );
};

describe.each(['dev', 'prod'] as const)('the AwsSolutions rules on %s', (stage) => {
  const folder = temporaryFolder('review');
  let findings: Finding[] = [];
  beforeAll(() => {
    const quiet = [vi.spyOn(console, 'error'), vi.spyOn(process.stderr, 'write')] as const;
    for (const spy of quiet) spy.mockImplementation(() => true);
    findings = findingsOf(stage, folder);
    for (const spy of quiet) spy.mockRestore();
  }, 180_000);

  it('find nothing that was not looked at and accepted for a reason', () => {
    const open = findings.filter(
      ({ rule, path }) => !ACCEPTED_FINDINGS.some((one) => one.rule.test(rule) && one.path.test(path)),
    );

    expect(findings.length).toBeGreaterThan(0);
    expect(open).toEqual([]);
  });

  it('need every acceptance that there is', () => {
    const unused = ACCEPTED_FINDINGS.filter(
      (one) =>
        !(stage === 'dev' && one.rule.test('AwsSolutions-SF2')) &&
        !findings.some(({ rule, path }) => one.rule.test(rule) && one.path.test(path)),
    );

    expect(unused).toEqual([]);
  });
});
