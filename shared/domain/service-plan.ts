import type { Policy, ServicePlans, ServiceTerms } from './policy.ts';

/** A customer's segment in each dimension; a dimension without one has no say. */
export type SegmentOfDimension = Readonly<Record<string, string | undefined>>;

/**
 * What a customer gets: the terms of its segment in each dimension, put together. A term belongs to one dimension only
 * (validation sees to it), so no order decides, and the result depends on the segments alone: same ratings, same terms.
 * Empty where the policy has no plan for these segments.
 */
export const servicePlanOf = (policy: Pick<Policy, 'service'>, segments: SegmentOfDimension): ServiceTerms =>
  Object.assign(
    {},
    ...Object.entries(policy.service).map(([dimension, plans]) => {
      const segment = segments[dimension];
      return segment === undefined || !Object.hasOwn(plans, segment) ? {} : plans[segment];
    }),
  );

/** The terms that any plan states, each once, in the order of the file. */
export const serviceTermNames = (service: ServicePlans): readonly string[] => [
  ...new Set(Object.values(service).flatMap((plans) => Object.values(plans).flatMap((terms) => Object.keys(terms)))),
];
