import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { presetNames, readPolicyText } from '#shared/adapters/policy-files.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { describePolicy } from '#shared/domain/policy-sentences.ts';

const texts = presetNames().map((name) => readPolicyText(name).text);
const replacement = fc.constantFrom<unknown>(null, -1, 0, 1.5, 1e308, '', 'nothing', true, [], {}, [null], '__proto__');

/** Every error has a place and a cure; a valid policy can be put into words. */
const judge = (text: string): void => {
  const parsed = parsePolicy(text, 'mutated.yaml');
  if (parsed.ok) {
    expect(describePolicy(parsed.policy, 'en').length).toBeGreaterThan(0);
    return;
  }
  expect(parsed.errors.length).toBeGreaterThan(0);
  for (const { line, column, problem, cure, path } of parsed.errors) {
    expect(line, path).toBeGreaterThanOrEqual(1);
    expect(column, path).toBeGreaterThanOrEqual(1);
    expect(problem, path).not.toBe('');
    expect(cure, `${path}: ${problem}`).not.toBe('');
  }
};

describe('a damaged preset', () => {
  it('never throws and gets errors with place and cure where an entry is gone or replaced', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.option(replacement), (text, at, instead) => {
        const document = parseDocument(text);
        const pairs: { remove: () => void; replace: (value: unknown) => void }[] = [];
        visit(document, {
          Pair: (_key, pair, path) => {
            const parent = path.at(-1);
            if (isMap(parent) && isScalar(pair.key)) {
              pairs.push({
                remove: () => void parent.delete(pair.key),
                replace: (value) => parent.set(pair.key, document.createNode(value)),
              });
            }
          },
        });
        const chosen = pairs[at % pairs.length];
        if (instead === null) chosen?.remove();
        else chosen?.replace(instead);
        judge(String(document));
      }),
      { numRuns: 60 },
    );
  });

  it('never throws where characters are overwritten', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.string({ unit: 'binary', maxLength: 8 }),
        (text, at, noise) => {
          const start = at % text.length;
          judge(text.slice(0, start) + noise + text.slice(start + noise.length));
        },
      ),
      { numRuns: 60 },
    );
  });
});
