import type { PlanRow } from './standing.ts';

/** 0..100 with what it rests on: number of answers, whole days since the newest, confidence 0..1. */
export type Satisfaction = NonNullable<PlanRow['satisfaction']>;

export const CONFIDENCE_LEVELS = ['low', 'medium', 'high'] as const;
export type ConfidenceLevel = (typeof CONFIDENCE_LEVELS)[number];

/** Below: the mean that a customer's answers are drawn to weighs more than they do. */
const MEDIUM_FROM = 0.5;
/** From here on the customer's answers weigh three times as much as that mean. */
const HIGH_FROM = 0.75;

/** A confidence 0..1 as a word. Low is a confidence below one half: then the score says more of others than of the customer. */
export const confidenceLevel = (confidence: number): ConfidenceLevel =>
  confidence < MEDIUM_FROM ? 'low' : confidence < HIGH_FROM ? 'medium' : 'high';

type Evidence = Readonly<Record<string, string | number>>;

/** Names of satisfaction's figures in the evidence of a proposal. No score can have a dot in its name. */
const KEYS = {
  score: 'satisfaction.score',
  answers: 'satisfaction.answers',
  ageDays: 'satisfaction.ageDays',
  confidence: 'satisfaction.confidence',
} as const;

/** Satisfaction as evidence of a proposal: said, never a reason; nothing where it is not known. */
export const satisfactionEvidence = (satisfaction: Satisfaction | null): Evidence =>
  satisfaction === null
    ? {}
    : {
        [KEYS.score]: satisfaction.score,
        [KEYS.answers]: satisfaction.answers,
        [KEYS.ageDays]: satisfaction.ageDays,
        [KEYS.confidence]: satisfaction.confidence,
      };

/** The satisfaction that evidence tells of; null where it tells of none. */
export const satisfactionInEvidence = (evidence: Evidence): Satisfaction | null => {
  const [score, answers, ageDays, confidence] = Object.values(KEYS).map((key) => evidence[key]);
  return typeof score === 'number' &&
    typeof answers === 'number' &&
    typeof ageDays === 'number' &&
    typeof confidence === 'number'
    ? { score, answers, ageDays, confidence }
    : null;
};

/** Evidence without satisfaction: what a proposal rests on. */
export const withoutSatisfaction = (evidence: Evidence): Evidence =>
  Object.fromEntries(Object.entries(evidence).filter(([name]) => !Object.values<string>(KEYS).includes(name)));
