import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { presetNames, readPolicy, readPolicyText } from '#shared/adapters/policy-files.ts';
import { describeDifference } from '#shared/application/policy-difference.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';

const policyOf = (text: string): Policy => {
  const parsed = parsePolicy(text, 'tried.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.policy;
};

const bank = readPolicyText('bank-three-class').text;
const changed = (from: string, to: string): Policy => {
  if (!bank.includes(from)) throw new Error(`the preset has no ${from}`);
  return policyOf(bank.replace(from, to));
};

describe('the difference of two policies', () => {
  it.each([
    ['bands: [1.7, 2.4]', 'bands: [1.7, 2.3]', 'Cut points of Quality rating: 1.7, 2.4 → 1.7, 2.3.'],
    [
      'high: [cultivate, cultivate, priority]',
      'high: [cultivate, priority, priority]',
      'Cell of Customer class (Quality rating high, Contribution rating medium): Prudent support: cultivate → Priority support.',
    ],
    ['movedShare: 0.15', 'movedShare: 0.2', 'Brakes, movedShare: 0.15 → 0.2.'],
    ['timeZone: Asia/Shanghai', 'timeZone: UTC', 'Time zone: Asia/Shanghai → UTC.'],
  ])('is one sentence for one change: %s', (from, to, sentence) => {
    expect(describeDifference(policyOf(bank), changed(from, to), 'en')).toEqual([sentence]);
  });

  it('is none for another layout and other comments', () => {
    const other = policyOf(`# ours\n${bank.replaceAll(/ #.*$/gmu, '')}`);

    expect(describeDifference(policyOf(bank), other, 'en')).toEqual([]);
    expect(other.hash).toBe(policyOf(bank).hash);
  });

  it('tells a service plan of a dimension that only one has in one sentence', () => {
    const lines = describeDifference(readPolicy('bank-three-class'), readPolicy('retail-rfm'), 'en');

    expect(lines.filter((line) => line.includes('ervice plans of'))).toEqual([
      'The service plans of Customer class are gone.',
      'New service plans of Customer segment.',
    ]);
    expect(lines.filter((line) => line.startsWith('Service,'))).toEqual([]);
  });
});

describe('random changes of a preset', () => {
  const texts = presetNames().map((name) => readPolicyText(name).text);
  const replacement = fc.constantFrom<unknown>(1, 2, 0.5, 10, 'market', 'none', true, [1, 2], [0.5]);

  it('are told in both languages, in full sentences, from both sides', () => {
    let told = 0;
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.option(replacement), (text, at, instead) => {
        const document = parseDocument(text);
        const changes: (() => void)[] = [];
        visit(document, {
          Pair: (_key, pair, path) => {
            const parent = path.at(-1);
            if (!isMap(parent) || !isScalar(pair.key)) return;
            changes.push(
              instead === null
                ? () => void parent.delete(pair.key)
                : () => parent.set(pair.key, document.createNode(instead)),
            );
          },
        });
        changes[at % changes.length]?.();
        const [a, other] = [policyOf(text), parsePolicy(document.toString(), 'changed.yaml')];
        if (!other.ok || other.policy.hash === a.hash) return;
        const b = other.policy;
        for (const lines of [
          describeDifference(a, b, 'en'),
          describeDifference(b, a, 'en'),
          describeDifference(a, b, 'zh'),
        ]) {
          for (const line of lines) expect(line).not.toMatch(/undefined|null|NaN|\[object/u);
          expect(lines.every((line) => /[.。]$/u.test(line))).toBe(true);
          if (
            JSON.stringify({ ...a, source: 0, hash: 0, version: 0, scoreOrder: 0 }) !==
            JSON.stringify({ ...b, source: 0, hash: 0, version: 0, scoreOrder: 0 })
          ) {
            expect(lines.length, document.toString()).toBeGreaterThan(0);
            told += 1;
          }
        }
      }),
      { numRuns: 100 },
    );
    expect(told).toBeGreaterThan(20);
  });
});
