import { readFileSync } from 'node:fs';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { formatPolicyErrors } from '#shared/domain/policy-content.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import type { FrameRow, RunContext } from '#shared/domain/standing.ts';

const ROOT = new URL('../../', import.meta.url);

/** A file of the project, or of the data beside it. */
export const readProjectFile = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** A policy that must be valid; the test fails with its errors otherwise. */
export const policyFrom = (text: string, fileName = 'policy.yaml'): Policy => {
  const parsed = parsePolicy(text, fileName);
  if (!parsed.ok) throw new Error(formatPolicyErrors(parsed.errors, fileName));
  return parsed.policy;
};

export const preset = (name: string): Policy => policyFrom(readProjectFile(`policies/${name}.yaml`), `${name}.yaml`);

export const customer = (over: Partial<CustomerFacts> = {}): CustomerFacts => ({
  customerId: 'c-1',
  subject: 'subject-1',
  factsRev: 1,
  changedAt: '2026-01-01T00:00:00.000Z',
  batches: [{ batchId: 'b', recordedAt: '2026-01-01T00:00:00.000Z', chunks: [0] }],
  orders: [],
  snapshots: [],
  statuses: [],
  answers: {},
  pins: [],
  decisions: [],
  ...over,
});

export const frameRow = (over: Partial<FrameRow> = {}): FrameRow => ({
  bucket: 0,
  subject: 'subject-1',
  factsRev: 1,
  status: 'active',
  branch: null,
  manager: null,
  metrics: {},
  traits: {},
  answers: [],
  openCase: false,
  pins: [],
  decided: [],
  prior: null,
  priorIsNewest: true,
  ...over,
});

/** A scheduled run of a month, or with `closesPeriod: false` an ad hoc one. */
export const runOf = (period: string, over: Partial<RunContext> = {}): RunContext => ({
  runId: `${period}-monthly`,
  seq: Number(period.replace('-', '')),
  asOf: `${period}-28`,
  period,
  closesPeriod: true,
  frozenAt: `${period}-28T23:59:59.999Z`,
  ...over,
});

/** Rows of a simple CSV without quotes, by column name. */
export const readCsv = (path: string): readonly Readonly<Record<string, string>>[] => {
  const [head = '', ...lines] = readProjectFile(path).replaceAll('\r', '').trim().split('\n');
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  });
};
