import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignRow } from '#shared/domain/assign.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import { servicePlanOf, serviceTermNames } from '#shared/domain/service-plan.ts';
import { termInWords, termNameInWords } from '#shared/domain/service-words.ts';
import { frameRow, policyFrom, preset, runOf } from './support.ts';

const PRESETS = ['bank-three-class', 'retail-rfm', 'hotel-needs'] as const;
/** What METHOD's service plan must say of every customer, whatever its segments. */
const WHOLE = ['price', 'approvals', 'products', 'channel', 'contactDays', 'valueProposition', 'benefits'];

const policyWith = (service: string): string => `policy: own
timeZone: UTC
currency: EUR
valueMetric: worth
mainDimension: value
metrics: { worth: { trait: worth }, kind: { trait: kind, unit: text } }
scores: { size: { bands: [40], of: worth } }
dimensions:
  value: { segments: { big: {}, small: {} }, rules: [{ segment: big, when: { size: [2, 2] } }], rest: small }
  need: { segments: { work: {}, fun: {} }, rules: [{ segment: work, when: { kind: { in: [work] } } }], rest: fun }
service:
${service}
`;
const problemsOf = (service: string): string => {
  const parsed = parsePolicy(policyWith(service), 'own.yaml');
  return parsed.ok ? '' : parsed.errors.map((one) => `${one.path}: ${one.problem}; ${one.cure}`).join('\n');
};

/** Every combination of one segment of each dimension. */
const combinations = (name: (typeof PRESETS)[number]): readonly Record<string, string>[] =>
  Object.entries(preset(name).dimensions).reduce<readonly Record<string, string>[]>(
    (all, [dimension, { segmentOrder }]) =>
      all.flatMap((one) => segmentOrder.map((segment) => ({ ...one, [dimension]: segment }))),
    [{}],
  );

describe.each(PRESETS)('the service plans of %s', (name) => {
  const policy = preset(name);

  it('say everything for every combination of segments, in both languages', () => {
    for (const segments of combinations(name)) {
      const plan = servicePlanOf(policy, segments);
      for (const term of WHOLE) expect(plan[term], `${JSON.stringify(segments)} ${term}`).toBeDefined();
      for (const [term, value] of Object.entries(plan)) {
        expect(termNameInWords(term, 'zh'), term).toMatch(/\p{Script=Han}/u);
        if (typeof value === 'number') continue;
        expect(termInWords(value, 'zh'), `${term} ${JSON.stringify(value)}`).toMatch(/\p{Script=Han}/u);
        expect(termInWords(value, 'en'), term).not.toMatch(/\p{Script=Han}/u);
      }
    }
  });

  it('give customers with the same ratings, traits and metrics behind rules the same terms', () => {
    const metricsOf = fc.record(
      Object.fromEntries(
        Object.entries(policy.metrics).map(([metric, { unit }]) => [
          metric,
          fc.option<string | number>(
            unit === 'text'
              ? fc.constantFrom('business', 'family', 'mixed', 'city', 'resort')
              : fc.integer({ min: -100, max: 100_000 }),
          ),
        ]),
      ),
    );
    const row = fc.record({
      metrics: metricsOf,
      branch: fc.constantFrom('A', 'B', null),
      traits: fc.record({ industry: fc.constantFrom('steel', 'food', null) }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (given) => {
        const rows = given.flatMap((one, index) => [
          frameRow({ ...one, subject: `a${index}` }),
          frameRow({ ...one, subject: `b${index}`, manager: 'somebody else' }),
        ]);
        const calibration = calibrate(policy, rows);
        const terms = new Map<string, string>();
        for (const one of rows) {
          const plan = assignRow(one, policy, calibration, runOf('2026-05'));
          const segments = Object.fromEntries(
            Object.entries(plan.next.placements).map(([dimension, { actual }]) => [dimension, actual]),
          );
          const same = JSON.stringify([plan.next.ratings, one.metrics, one.traits]);
          const got = JSON.stringify(servicePlanOf(policy, segments));
          expect(terms.get(same) ?? got).toBe(got);
          terms.set(same, got);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a service plan', () => {
  it('is put together from the segments of several dimensions', () => {
    const policy = policyFrom(
      policyWith(`  value: { big: { price: preferential, contactDays: 30 }, small: { price: market } }
  need: { work: { products: { en: desk, zh: 办公桌 } } }`),
    );

    expect(servicePlanOf(policy, { value: 'big', need: 'work' })).toEqual({
      price: 'preferential',
      contactDays: 30,
      products: { en: 'desk', zh: '办公桌' },
    });
    expect(servicePlanOf(policy, { value: 'small', need: 'fun' })).toEqual({ price: 'market' });
    expect(servicePlanOf(policy, {})).toEqual({});
    expect(serviceTermNames(policy.service)).toEqual(['price', 'contactDays', 'products']);
  });

  it('belongs to the main dimension where no dimension is named', () => {
    const policy = policyFrom(policyWith('  big: { price: preferential }'));

    expect(policy.service).toEqual({ value: { big: { price: 'preferential' } } });
  });

  it('rejects a term that two dimensions state, since a customer would get two', () => {
    expect(problemsOf('  value: { big: { price: high } }\n  need: { work: { price: market } }')).toMatch(
      /service\.need: the term price is stated by the dimensions value and need.*state price in one of them/u,
    );
  });

  it('rejects segments and dimensions that there are not, and empty texts', () => {
    expect(problemsOf('  bgi: { price: high }')).toMatch(
      /service\.bgi: there is no segment "bgi"; did you mean big\?/u,
    );
    expect(problemsOf('  value: { big: { price: high } }\n  needs: { work: { channel: mail } }')).toMatch(
      /there is no dimension "needs"; did you mean need\?/u,
    );
    expect(problemsOf('  need: { wrok: { price: high } }')).toMatch(/service\.need\.wrok.*did you mean work\?/u);
    expect(problemsOf('  big: { price: {} }')).toMatch(/service\.big\.price: the text is empty/u);
    expect(problemsOf('  big: [high]')).not.toBe('');
    expect(problemsOf('  need: high')).not.toBe('');
  });

  it('shows words of the catalogue in the language asked for, and what it lacks as written', () => {
    expect(termInWords('managerTeam', 'zh')).toBe('客户经理团队');
    expect(termInWords('carrier pigeon', 'zh')).toBe('carrier pigeon');
    expect(termInWords('constructor', 'en')).toBe('constructor');
    expect(termNameInWords('toString', 'zh')).toBe('toString');
    expect(termInWords(30, 'zh')).toBe('30');
  });
});
