import { importCustomers } from '#shared/application/import/import-customers.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { assignRow } from '#shared/domain/assign.ts';
import { periodOf } from '#shared/domain/calendar.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import { measure } from '#shared/domain/metrics.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { Calibration, FrameRow, PlanRow } from '#shared/domain/standing.ts';
import { frameRow, readProjectFile, runOf } from '#test/domain/support.ts';
import { fileOf, openImportBench } from './import-bench.ts';

export interface ExampleResult {
  readonly calibration: Calibration;
  readonly customers: Readonly<Record<string, { readonly frame: FrameRow; readonly plan: PlanRow }>>;
}

/** A first run of a policy over a file of `docs/examples`, through the real import: what the pages of presets tell. */
export const runExample = async (
  policy: Policy,
  file: { readonly name: string; readonly kind: 'customers' | 'purchases' },
  asOf: string,
): Promise<ExampleResult> => {
  const bench = openImportBench();
  const ports = { ...bench.ports, clock: { now: () => `${asOf}T12:00:00.000Z` } };
  const source = fileOf(readProjectFile(`docs/examples/${file.name}`), file.name, 4096);
  if (file.kind === 'customers') await importCustomers(source, { asOf }, ports);
  else await importPurchases(source, { currency: policy.currency }, ports);
  const frames = Object.entries(await bench.all()).map(([id, facts]) => {
    const { metrics, traits } = measure(facts, policy, { asOf, frozenAt: `${asOf}T23:59:59.999Z` });
    return { id, frame: frameRow({ subject: id, branch: facts.branch ?? null, metrics, traits }) };
  });
  const calibration = calibrate(
    policy,
    frames.map(({ frame }) => frame),
  );
  const context = runOf(periodOf(asOf), { asOf });
  return {
    calibration,
    customers: Object.fromEntries(
      frames.map(({ id, frame }) => [id, { frame, plan: assignRow(frame, policy, calibration, context) }]),
    ),
  };
};
