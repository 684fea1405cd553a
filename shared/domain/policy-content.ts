import { createHash } from 'node:crypto';
import type { Policy } from './policy.ts';
import { type PathStep, type Problem, resolvePolicy } from './policy-resolve.ts';

/** What is wrong with a policy file, where, and what to do about it. Lines and columns count from 1; 0 without a text. */
export interface PolicyError {
  /** Where in the policy, such as `scores.R.of`; empty for the file as a whole. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly problem: string;
  readonly cure: string;
}

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly PolicyError[] };

/** Reads a policy from its parsed content, as stored with a run; the same content gives the same hash as its file. */
export const parsePolicyContent = (source: unknown): ParsedPolicy =>
  readContent(source, () => ({ line: 0, column: 0 }), 'policy');

/** One line per error: `file:line:col path: problem; cure`. */
export const formatPolicyErrors = (errors: readonly PolicyError[], fileName: string): string =>
  errors
    .map(({ path, line, column, problem, cure }) => {
      const where = line === 0 ? fileName : `${fileName}:${line}:${column}`;
      return `${where}${path === '' ? '' : ` ${path}`}: ${problem}; ${cure}`;
    })
    .join('\n');

/** SHA-256, hex, over the canonical JSON of a policy's parsed content. */
export const policyHash = (source: unknown): string =>
  createHash('sha256')
    .update(String(JSON.stringify(canonical(source, ''))))
    .digest('hex');

/** Objects whose order of keys has a meaning, so that it counts for the version. */
const ORDERED = new Set(['dimensions', 'segments']);

const canonical = (value: unknown, key: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => canonical(item, ''));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, canonical(item, name)] as const);
  if (ORDERED.has(key)) return entries;
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

/** A policy of its content, with the place of each problem. @param position line and column in the text, 0 without one */
export const readContent = (
  source: unknown,
  position: (path: readonly PathStep[], atKey: boolean) => { line: number; column: number },
  fileName: string,
): ParsedPolicy => {
  const hash = policyHash(source);
  const resolved = resolvePolicy(source, hash);
  const inOrder = (problems: readonly Problem[]): readonly PolicyError[] =>
    problems.map((problem) => located(problem, position)).sort((a, b) => a.line - b.line || a.column - b.column);
  if (resolved.policy === null) return { ok: false, errors: inOrder(resolved.problems) };
  const warnings = formatPolicyErrors(inOrder(resolved.warnings), fileName);
  return { ok: true, policy: resolved.policy, warnings: warnings === '' ? [] : warnings.split('\n') };
};

const located = (
  { path, atKey, problem, cure }: Problem,
  position: (path: readonly PathStep[], atKey: boolean) => { line: number; column: number },
): PolicyError => ({ path: formatPath(path), ...position(path, atKey), problem, cure });

const formatPath = (path: readonly PathStep[]): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step + 1}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
