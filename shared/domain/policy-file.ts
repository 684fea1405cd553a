import { createHash } from 'node:crypto';
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
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

/**
 * Reads a policy from YAML 1.2 or JSON. All errors are reported, in the order of the file. Comments and layout do not count
 * for the version; the order of dimensions and segments does, since it has a meaning.
 *
 * @param fileName only for warnings
 */
export const parsePolicy = (text: string, fileName: string): ParsedPolicy => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    return {
      ok: false,
      errors: document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return {
          path: '',
          line,
          column: col,
          problem: error.message,
          cure: 'correct the YAML here; indentation, colons and brackets are the usual causes',
        };
      }),
    };
  }
  const source = contentOf(document);
  if (source === UNREADABLE) {
    const cure =
      'write every alias (*name) after its anchor (&name), outside of the anchored part, or write the text in quotes';
    return {
      ok: false,
      errors: [{ path: '', line: 1, column: 1, problem: 'an alias points nowhere or to itself', cure }],
    };
  }
  return finish(
    source,
    (path, atKey) => {
      const { line, col } = lines.linePos(offsetOf(document.contents, path, atKey));
      return { line, column: col };
    },
    fileName,
  );
};

const UNREADABLE = Symbol('unreadable');

/** The content as plain data; aliases that cannot be followed, or would never end, show only when they are followed. */
const contentOf = (document: Document): unknown => {
  try {
    const content: unknown = document.toJS({ maxAliasCount: 100 });
    JSON.stringify(content);
    return content;
  } catch {
    return UNREADABLE;
  }
};

/** Reads a policy from its parsed content, as stored with a run; the same content gives the same hash as its file. */
export const parsePolicyContent = (source: unknown): ParsedPolicy =>
  finish(source, () => ({ line: 0, column: 0 }), 'policy');

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

const finish = (
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

/** Offset of the node at `path`, or of the nearest parent that there is. */
const offsetOf = (root: unknown, path: readonly PathStep[], atKey: boolean): number => {
  let node: unknown = root;
  let offset = rangeOf(root);
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : item.key) === String(step));
      if (pair === undefined) return offset;
      const isLast = index === path.length - 1;
      offset = rangeOf(isLast && !atKey && isNodeLike(pair.value) ? pair.value : pair.key) || offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      if (item === undefined) return offset;
      offset = rangeOf(item) || offset;
      node = item;
    } else return offset;
  }
  return offset;
};

const isNodeLike = (value: unknown): value is Node => isScalar(value) || isMap(value) || isSeq(value);

const rangeOf = (node: unknown): number => (isNodeLike(node) ? (node.range?.[0] ?? 0) : 0);
