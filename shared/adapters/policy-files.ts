import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Policy } from '#shared/domain/policy.ts';
import { formatPolicyErrors, type ParsedPolicy } from '#shared/domain/policy-content.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { PermanentError } from '#shared/errors.ts';

const PRESETS = join(import.meta.dirname, '..', '..', 'policies');

/** Names of the policies that come with the product. */
export const presetNames = (): readonly string[] =>
  readdirSync(PRESETS)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

export interface PolicyText {
  /** Where it was read, for messages. */
  readonly file: string;
  readonly text: string;
}

/** Where a policy was read, for the audit: `preset`, or the name of a file without its folder. */
export const policySource = (nameOrFile: string): string =>
  presetNames().includes(nameOrFile) ? 'preset' : basename(nameOrFile);

/** A preset by name, or else a file. @throws PermanentError `policy-not-found` */
export const readPolicyText = (nameOrFile: string): PolicyText => {
  const presets = presetNames();
  if (presets.includes(nameOrFile)) {
    return { file: `policies/${nameOrFile}.yaml`, text: readFileSync(join(PRESETS, `${nameOrFile}.yaml`), 'utf8') };
  }
  try {
    return { file: nameOrFile, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(nameOrFile)) };
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new PermanentError(
      missing ? 'policy-not-found' : 'policy-unreadable',
      missing
        ? `${JSON.stringify(nameOrFile)} is neither a policy that comes with the product nor a file`
        : `${nameOrFile} cannot be read as UTF-8 text`,
      { hint: `policies here: ${presets.join(', ')}` },
    );
  }
};

export const parsePolicyText = ({ file, text }: PolicyText): ParsedPolicy => parsePolicy(text, file);

/** The policy of a name or file. @throws PermanentError `policy-invalid` with every error, as `file:line:col path: problem; cure` */
export const readPolicy = (nameOrFile: string): Policy => {
  const source = readPolicyText(nameOrFile);
  const parsed = parsePolicyText(source);
  if (parsed.ok) return parsed.policy;
  const [first] = parsed.errors;
  throw new PermanentError('policy-invalid', formatPolicyErrors(parsed.errors, source.file), {
    path:
      first === undefined
        ? source.file
        : `${source.file}:${first.line}:${first.column}${first.path === '' ? '' : ` ${first.path}`}`,
    hint: `resegment policy check ${nameOrFile} shows the same without running anything`,
  });
};
