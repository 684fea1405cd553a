import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLParseError,
} from 'yaml';
import { type ParsedPolicy, readContent } from './policy-content.ts';
import type { PathStep } from './policy-resolve.ts';

/**
 * Reads a policy from YAML 1.2 or JSON. All errors are reported, in the order of the file. Comments and layout do not count
 * for the version; the order of dimensions and segments does, since it has a meaning.
 *
 * @param fileName only for warnings
 */
export const parsePolicy = (text: string, fileName: string): ParsedPolicy => {
  const odd = notText(text);
  if (odd !== null) return refused(odd, 'give a text file in UTF-8: YAML 1.2 or JSON');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    // What follows a first error is mostly its consequence, save for keys written twice.
    const [first, ...rest] = document.errors;
    const told = [first, ...rest.filter((error) => error.code === 'DUPLICATE_KEY')];
    return {
      ok: false,
      errors: told.flatMap((error) =>
        error === undefined ? [] : [{ ...at(error.pos[0]), ...explainSyntax(error, text) }],
      ),
    };
  }
  const [tag] = document.warnings;
  if (tag !== undefined) {
    const written = text.slice(tag.pos[0], tag.pos[1]);
    const problem = `the tag ${written} means nothing here`;
    return {
      ok: false,
      errors: [{ path: '', ...at(tag.pos[0]), problem, cure: 'remove it; write plain texts, numbers and lists' }],
    };
  }
  const source = contentOf(document);
  if (typeof source === 'symbol') {
    const problem =
      source === TOO_MANY_ALIASES ? 'the aliases repeat too much' : 'an alias points nowhere or to itself';
    const cure =
      source === TOO_MANY_ALIASES
        ? `write out what the aliases (*name) stand for; at most ${MAX_ALIASES} values may come from aliases`
        : 'write every alias (*name) after its anchor (&name), outside of the anchored part, or write the text in quotes';
    return { ok: false, errors: [{ path: '', line: 1, column: 1, problem, cure }] };
  }
  if (source === null)
    return refused('the file is empty', 'write a policy; policy new --from PRESET starts from one that works');
  if (typeof source !== 'object' || Array.isArray(source)) {
    const problem = `the file is ${Array.isArray(source) ? 'a list' : 'a single value'} and no policy`;
    return refused(problem, 'begin with lines such as policy: NAME; policy new --from PRESET shows a whole one');
  }
  return readContent(source, (path, atKey) => at(offsetOf(document.contents, path, atKey)), fileName);
};

const refused = (problem: string, cure: string): ParsedPolicy => ({
  ok: false,
  errors: [{ path: '', line: 1, column: 1, problem, cure }],
});

/** Far more than a policy of hundreds of rules needs. */
const MAX_CHARACTERS = 2_000_000;

/** Why this is not a text to read; null if it is one. */
const notText = (text: string): string | null => {
  if (text.length > MAX_CHARACTERS)
    return `the file has ${text.length} characters, and a policy has at most ${MAX_CHARACTERS}`;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isControl = code < 32 && code !== 9 && code !== 10 && code !== 13;
    if (isControl || code === 0xfffd) return 'the file is no text: it holds bytes that no text has';
  }
  return null;
};

/** Errors of the YAML reader in words of ours, where its own do not say what to do. */
const explainSyntax = (
  error: YAMLParseError,
  text: string,
): { readonly path: string; readonly problem: string; readonly cure: string } => {
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = /^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      return {
        path: key,
        problem: `the key ${key} is written twice in one block`,
        cure: 'keep one of them, or rename it',
      };
    }
    case 'TAB_AS_INDENT':
      return { path: '', problem: 'a tab indents this line', cure: 'indent with spaces; YAML allows no tabs there' };
    case 'MULTIPLE_DOCS':
      return {
        path: '',
        problem: 'a second policy begins here',
        cure: 'keep one policy per file; remove the line ---',
      };
    default:
      if (error.message.includes('call stack'))
        return { path: '', problem: 'brackets are nested too deeply', cure: 'a policy nests less than ten deep' };
      return {
        path: '',
        problem: error.message,
        cure: 'correct the YAML here; indentation, colons and brackets are the usual causes',
      };
  }
};

const UNREADABLE = Symbol('unreadable');
const TOO_MANY_ALIASES = Symbol('too many aliases');
const MAX_ALIASES = 100;

/** The content as plain data; aliases that cannot be followed, or would never end, show only when they are followed. */
const contentOf = (document: Document): unknown => {
  try {
    const content: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    JSON.stringify(content);
    return content;
  } catch (error) {
    return error instanceof Error && error.message.includes('Excessive alias count') ? TOO_MANY_ALIASES : UNREADABLE;
  }
};

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
