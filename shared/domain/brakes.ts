import { toDayNumber } from './calendar.ts';
import type { BrakeName, Brakes } from './policy.ts';

/** What the brakes look at; counts of customers unless the name says otherwise. */
export interface BrakeFigures {
  readonly asOf: string;
  /** Placed in a segment: read, readable and still customers. */
  readonly population: number;
  readonly quarantined: number;
  /** Population of the last published run for everybody; null if there is none, or for a run limited to some customers. */
  readonly previousPopulation: number | null;
  /** Customers with a standing before. */
  readonly known: number;
  /** Of those, how many change their actual segment of the main dimension. */
  readonly moved: number;
  readonly flagged: { readonly upgrade: number; readonly exit: number };
  readonly segments: Readonly<Record<string, number>>;
  readonly previousSegments: Readonly<Record<string, number>>;
  readonly newestFact: string | null;
}

export interface BrakeFinding {
  readonly brake: BrakeName;
  readonly limit: number | string;
  readonly actual: number | string;
  readonly message: string;
}

/** A segment with fewer customers than this may empty by itself. */
const SMALLEST_WATCHED_SEGMENT = 10;
/** So many proposals of a kind a person can look at whatever share of a small population they are. */
const FEW_FLAGS = 5;

const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;

/** A share above its limit, with as many digits, one to six, as show it above. */
const percentAbove = (limit: number, share: number): string => {
  let digits = 1;
  while (digits < 6 && share > limit && percent(share, digits) === percent(limit, digits)) digits += 1;
  return percent(share, digits);
};

/**
 * The brakes that would stop the run, in a fixed order; empty if none. Each limit is inclusive: a share equal to the limit
 * passes. A first run has nothing to compare with, so only quarantine, stale input and flags can stop it.
 */
export const findBrakes = (figures: BrakeFigures, brakes: Brakes): readonly BrakeFinding[] => {
  const findings: BrakeFinding[] = [];
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const check = (brake: BrakeName, limit: number, actual: number, message: string): void => {
    if (actual > limit) findings.push({ brake, limit, actual: Math.round(actual * 1e6) / 1e6, message });
  };

  const moved = share(figures.moved, figures.known);
  check(
    'movedShare',
    brakes.movedShare,
    moved,
    `${figures.moved} of ${figures.known} customers (${percentAbove(brakes.movedShare, moved)}) would change their segment; the limit is ${percent(brakes.movedShare)}`,
  );
  for (const kind of ['upgrade', 'exit'] as const) {
    if (figures.flagged[kind] <= FEW_FLAGS) continue;
    const flagged = share(figures.flagged[kind], figures.population);
    check(
      'flagShare',
      brakes.flagShare,
      flagged,
      `${figures.flagged[kind]} customers (${percentAbove(brakes.flagShare, flagged)}) would be flagged for ${kind}; the limit is ${percent(brakes.flagShare)}`,
    );
  }
  if (figures.previousPopulation !== null) {
    const drop = share(figures.previousPopulation - figures.population, figures.previousPopulation);
    check(
      'inputDropShare',
      brakes.inputDropShare,
      drop,
      `${figures.population} customers have a segment after ${figures.previousPopulation} last time (${percentAbove(brakes.inputDropShare, drop)} fewer); the limit is ${percent(brakes.inputDropShare)}`,
    );
  }
  const ageDays = figures.newestFact === null ? null : toDayNumber(figures.asOf) - toDayNumber(figures.newestFact);
  if (ageDays === null || ageDays > brakes.staleInputDays) {
    findings.push({
      brake: 'staleInputDays',
      limit: brakes.staleInputDays,
      actual: ageDays ?? 'no input',
      message:
        ageDays === null
          ? `there is no fact dated up to ${figures.asOf}; import purchases or customers first`
          : `the newest fact is ${ageDays} days old (${figures.newestFact}); the limit is ${brakes.staleInputDays} days`,
    });
  }
  if (brakes.emptiedSegment === 'hold') {
    for (const [segment, before] of Object.entries(figures.previousSegments)) {
      if (before >= SMALLEST_WATCHED_SEGMENT && (figures.segments[segment] ?? 0) === 0) {
        findings.push({
          brake: 'emptiedSegment',
          limit: 'hold',
          actual: segment,
          message: `segment ${segment} had ${before} customers and would have none`,
        });
      }
    }
  }
  const poison = share(figures.quarantined, figures.population + figures.quarantined);
  check(
    'quarantineShare',
    brakes.quarantineShare,
    poison,
    `${figures.quarantined} records (${percentAbove(brakes.quarantineShare, poison)}) could not be read; the limit is ${percent(brakes.quarantineShare)}`,
  );
  return findings;
};
