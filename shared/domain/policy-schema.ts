import * as z from 'zod/mini';
import { NOTE_SUBJECTS } from './facts.ts';
import { GROWTH_AGAINST } from './policy.ts';

/**
 * The written form of a policy, one level at a time: which keys there are and what kind of value each takes. Names, orders
 * and references between the parts are checked where the policy is resolved.
 */
const Text = z.string().check(z.minLength(1));
const Whole = z.int();
const Positive = z.number().check(z.positive());
const Share = z.number().check(z.gte(0), z.lte(1));
const Part = z.unknown();
const Labels = { en: z.optional(Text), zh: z.optional(Text) };

export const WrittenPolicy = z.strictObject({
  policy: Text,
  title: z.optional(Part),
  timeZone: Text,
  currency: Text,
  valueMetric: Text,
  mainDimension: z.optional(Text),
  metrics: Part,
  scores: Part,
  dimensions: Part,
  moves: z.optional(Part),
  flags: z.optional(Part),
  service: z.optional(Part),
  survey: z.optional(Part),
  brakes: z.optional(Part),
});

export const WrittenLabel = z.strictObject(Labels);

export const UNITS = ['money', 'days', 'count', 'ratio', 'number', 'text'] as const;
const TraitMetric = { ...Labels, unit: z.optional(z.enum(UNITS)) };
const Months = z.int().check(z.gte(1), z.lte(120));
const WindowDays = z.int().check(z.gte(1), z.lte(36_500));
const Texts = z.array(z.union([z.string(), z.number(), z.boolean()])).check(z.minLength(1));
const Where = z.record(z.string(), Texts);

export const PURCHASE_FIGURES = [
  'recencyDays',
  'orders',
  'spend',
  'tenureDays',
  'spendGrowth',
  'ordersGrowth',
  'attributeShare',
  'dominantAttribute',
] as const;

/** Metrics from traits, by the key that tells their kind. */
export const METRICS = {
  trait: z.strictObject({ ...TraitMetric, trait: Text }),
  traitChange: z.strictObject({ ...TraitMetric, traitChange: Text, months: Months, relative: z.optional(z.boolean()) }),
  traitMean: z.strictObject({ ...TraitMetric, traitMean: Text, months: Months }),
  traitRatio: z.strictObject({ ...TraitMetric, traitRatio: Text, dividedBy: Text }),
  traitAgeDays: z.strictObject({ ...Labels, traitAgeDays: Text }),
  purchases: z.strictObject({
    ...Labels,
    purchases: z.enum(PURCHASE_FIGURES),
    windowDays: z.optional(WindowDays),
    where: z.optional(Where),
    against: z.optional(z.enum(GROWTH_AGAINST)),
    attribute: z.optional(Text),
    values: z.optional(Texts),
    atLeastShare: z.optional(Share),
  }),
};

const Better = z.optional(z.enum(['high', 'low']));
const Partition = { within: z.optional(Text), smallestPartition: z.optional(z.int().check(z.gte(1))) };
const ScoreParts = { ...Labels, caps: z.optional(Part) };
const Missing = { missing: z.optional(z.int().check(z.gte(1), z.lte(1000))) };
const Ascending = z.array(z.number()).check(z.minLength(1));

/** Scores by the key that tells their kind. */
export const SCORES = {
  quantile: z.strictObject({
    ...ScoreParts,
    quantile: z.int().check(z.gte(2), z.lte(1000)),
    of: Text,
    better: Better,
    ...Partition,
    ...Missing,
  }),
  cumulativeShare: z.strictObject({ ...ScoreParts, cumulativeShare: Ascending, of: Text, ...Partition, ...Missing }),
  bands: z.strictObject({ ...ScoreParts, bands: Ascending, of: Text, better: Better, ...Missing }),
  weighted: z.strictObject({
    ...ScoreParts,
    weighted: z.record(z.string(), Part),
    needs: z.optional(z.int().check(z.gte(1))),
  }),
  lookup: z.strictObject({
    ...ScoreParts,
    lookup: z.record(z.string(), z.int().check(z.gte(1), z.lte(1000))),
    of: Text,
    otherwise: z.optional(z.int().check(z.gte(1), z.lte(1000))),
    ...Missing,
  }),
  satisfaction: z.strictObject({ ...ScoreParts, satisfaction: Part }),
  note: z.strictObject({ ...ScoreParts, note: Part }),
  shareOfTotal: z.strictObject({ ...ScoreParts, shareOfTotal: z.literal(true), of: Text, ...Partition }),
  expectedPurchases: z.strictObject({ ...ScoreParts, expectedPurchases: Part }),
};

export const WrittenSatisfaction = z.strictObject({
  halfLifeDays: z.optional(Positive),
  shrinkage: z.optional(Positive),
});

export const WrittenNote = z.strictObject({ about: z.enum(NOTE_SUBJECTS), halfLifeDays: z.optional(Positive) });

export const WrittenExpectation = z.strictObject({ horizonDays: z.int().check(z.gte(1), z.lte(3650)) });

export const WrittenCap = z.strictObject({ when: Where, atMost: Positive });

export const WrittenDimension = z.strictObject({
  ...Labels,
  ordered: z.optional(z.boolean()),
  segments: Part,
  matrix: z.optional(Part),
  rules: z.optional(z.array(Part).check(z.minLength(1))),
  rest: z.optional(Text),
});

export const WrittenMatrix = z.strictObject({
  rows: Text,
  columns: Text,
  cells: z.record(z.string(), z.array(Text)),
  missing: Text,
});

export const WrittenRule = z.strictObject({ segment: Text, when: z.record(z.string(), Part) });
export const WrittenRange = z.strictObject({ from: z.optional(z.number()), to: z.optional(z.number()) });
export const WrittenList = z.strictObject({ in: Texts });

export const WrittenMoves = z.strictObject({
  margin: z.optional(Share),
  downgradeAfterPeriods: z.optional(Whole.check(z.gte(1), z.lte(24))),
  coolingOffMonths: z.optional(Whole.check(z.gte(0), z.lte(60))),
});

const FlagParts = {
  from: z.array(Text).check(z.minLength(1)),
  perManager: z.optional(Whole.check(z.gte(1))),
  perBranch: z.optional(Whole.check(z.gte(1))),
  expiresDays: z.optional(Whole.check(z.gte(1))),
  decides: Text,
};
export const WrittenFlags = z.strictObject({ upgrade: z.optional(Part), exit: z.optional(Part) });
export const WrittenUpgrade = z.strictObject({
  ...FlagParts,
  rising: Text,
  shortBy: z.optional(Share),
  potential: z.optional(z.strictObject({ of: Text, atLeast: z.number() })),
  satisfaction: z.optional(z.strictObject({ atLeast: z.number().check(z.gte(0), z.lte(100)) })),
});
export const WrittenExit = z.strictObject({
  ...FlagParts,
  afterPeriods: z.optional(Whole.check(z.gte(1))),
  notIf: z.optional(z.array(z.enum(['openCase', 'pinned']))),
});

export const WrittenTerms = z.record(z.string(), z.union([Text, z.number(), WrittenLabel]));

export const WrittenSurvey = z.strictObject({
  ask: z.enum(['nps', 'csat', 'ces']),
  share: z.optional(z.record(z.string(), Share)),
  size: z.optional(z.record(z.string(), Whole.check(z.gte(1), z.lte(10_000_000)))),
  atLeast: z.optional(Whole.check(z.gte(0))),
  priority: z.optional(Whole.check(z.gte(0), z.lte(100))),
  answerDays: z.optional(Whole.check(z.gte(1), z.lte(365))),
  dailyQuotaShare: z.optional(z.number().check(z.gte(0.01), z.lte(1))),
  sendWithinDays: z.optional(Whole.check(z.gte(1), z.lte(180))),
  reminderDays: z.optional(Whole.check(z.gte(1))),
  closesAfterDays: z.optional(Whole.check(z.gte(1), z.lte(365))),
  contactEveryDays: z.optional(Whole.check(z.gte(1), z.lte(3650))),
  caseFor: z.optional(z.array(Text)),
  caseDueHours: z.optional(Positive),
  weightInScore: z.optional(z.number().check(z.gte(0), z.lte(0.25))),
});

export const WrittenBrakes = z.strictObject({
  movedShare: z.optional(Share),
  flagShare: z.optional(Share),
  inputDropShare: z.optional(Share),
  staleInputDays: z.optional(Whole.check(z.gte(1))),
  emptiedSegment: z.optional(z.enum(['hold', 'allow'])),
  quarantineShare: z.optional(Share),
});
