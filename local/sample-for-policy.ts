import type { Period } from '#shared/domain/calendar.ts';
import { referencedTraits } from '#shared/domain/metrics.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { PermanentError } from '#shared/errors.ts';
import { CUSTOMER_COLUMNS, PURCHASE_COLUMNS, sampleCompanies } from './sample-companies.ts';
import { GUEST_COLUMNS, STAY_COLUMNS, sampleGuests } from './sample-guests.ts';

export const SAMPLE_NAMES = ['companies', 'guests'] as const;
export type SampleName = (typeof SAMPLE_NAMES)[number];

export interface SampleFiles {
  readonly customersCsv: string;
  readonly purchasesCsv: string;
}

export interface Sample {
  /** What the customers are. */
  readonly called: string;
  /** All months with the history before them, and what one month adds. */
  make(options: { readonly count: number; readonly months: readonly Period[] }): SampleFiles & {
    monthRows(period: Period): SampleFiles;
  };
}

export const SAMPLES: Readonly<Record<SampleName, Sample>> = {
  companies: { called: 'companies', make: (options) => sampleCompanies({ seed: 20_071_006, ...options }) },
  guests: { called: 'hotel guests', make: (options) => sampleGuests({ seed: 20_240_312, ...options }) },
};

const TRAITS: Readonly<Record<SampleName, readonly string[]>> = { companies: CUSTOMER_COLUMNS, guests: GUEST_COLUMNS };
const ATTRIBUTES: Readonly<Record<SampleName, readonly string[]>> = {
  companies: PURCHASE_COLUMNS,
  guests: STAY_COLUMNS,
};

/**
 * The sample that has everything a policy reads: its traits and the attributes of its purchases. A policy that needs neither,
 * such as one of recency, frequency and money, takes the companies, whose fees are purchases.
 *
 * @throws PermanentError `sample-lacks-input` with what each sample lacks
 */
export const sampleForPolicy = (policy: Policy): SampleName => {
  const { traits, attributes } = inputsOf(policy);
  const lacking = (name: SampleName): readonly string[] => [
    ...traits.filter((trait) => !TRAITS[name].includes(trait)).map((trait) => `the trait ${trait}`),
    ...attributes
      .filter((attribute) => !ATTRIBUTES[name].includes(attribute))
      .map((attribute) => `purchases with ${attribute}`),
  ];
  const found = SAMPLE_NAMES.find((name) => lacking(name).length === 0);
  if (found !== undefined) return found;
  throw new PermanentError(
    'sample-lacks-input',
    `no sample has what the policy ${policy.name} reads: ${SAMPLE_NAMES.map((name) => `the ${name} lack ${lacking(name).join(', ')}`).join('; ')}`,
    { hint: 'give your own data: --purchases FILE, or import it with npx resegment import' },
  );
};

const inputsOf = (policy: Policy): { readonly traits: readonly string[]; readonly attributes: readonly string[] } => {
  const metrics = Object.values(policy.metrics);
  const traits = metrics.flatMap((metric) => [
    ...('trait' in metric ? [metric.trait] : []),
    ...('dividedBy' in metric ? [metric.dividedBy] : []),
  ]);
  const attributes = metrics.flatMap((metric) => [
    ...('attribute' in metric ? [metric.attribute] : []),
    ...('where' in metric && metric.where !== undefined ? Object.keys(metric.where) : []),
  ]);
  return { traits: [...new Set([...traits, ...referencedTraits(policy)])], attributes: [...new Set(attributes)] };
};
