import { brakeSentence } from './brake-sentences.ts';
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
  /** The counts and dates behind `actual`, from which `brakeSentence` speaks. */
  readonly figures?: Readonly<Record<string, number | string>>;
  /** The sentence in English, as kept with the run. */
  readonly message: string;
}

/** A segment with fewer customers than this may empty by itself. */
const SMALLEST_WATCHED_SEGMENT = 10;
/** So many proposals of a kind a person can look at whatever share of a small population they are. */
const FEW_FLAGS = 5;

/**
 * The brakes that would stop the run, in a fixed order; empty if none. Each limit is inclusive: a share equal to the limit
 * passes. A first run has nothing to compare with, so only quarantine, stale input and flags can stop it.
 */
export const findBrakes = (figures: BrakeFigures, brakes: Brakes): readonly BrakeFinding[] => {
  const findings: BrakeFinding[] = [];
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const found = (
    brake: BrakeName,
    limit: number | string,
    actual: number | string,
    behind: NonNullable<BrakeFinding['figures']>,
  ): void => {
    const hit = { brake, limit, actual, figures: behind };
    findings.push({ ...hit, message: brakeSentence(hit, 'en') ?? brake });
  };
  const check = (
    brake: BrakeName,
    limit: number,
    actual: number,
    behind: NonNullable<BrakeFinding['figures']>,
  ): void => {
    if (actual > limit) found(brake, limit, Math.round(actual * 1e6) / 1e6, behind);
  };

  const { moved, known, population, previousPopulation: previous, quarantined, asOf, newestFact } = figures;
  check('movedShare', brakes.movedShare, share(moved, known), { moved, known });
  for (const kind of ['upgrade', 'exit'] as const) {
    const flagged = figures.flagged[kind];
    if (flagged <= FEW_FLAGS) continue;
    check('flagShare', brakes.flagShare, share(flagged, population), { kind, flagged, population });
  }
  if (previous !== null) {
    check('inputDropShare', brakes.inputDropShare, share(previous - population, previous), { population, previous });
  }
  const ageDays = newestFact === null ? null : toDayNumber(asOf) - toDayNumber(newestFact);
  if (newestFact === null || ageDays === null || ageDays > brakes.staleInputDays) {
    found('staleInputDays', brakes.staleInputDays, ageDays ?? 'no input', {
      asOf,
      ...(newestFact === null ? {} : { newestFact }),
    });
  }
  if (brakes.emptiedSegment === 'hold') {
    for (const [segment, before] of Object.entries(figures.previousSegments)) {
      if (before >= SMALLEST_WATCHED_SEGMENT && (figures.segments[segment] ?? 0) === 0) {
        found('emptiedSegment', 'hold', segment, { before });
      }
    }
  }
  check('quarantineShare', brakes.quarantineShare, share(quarantined, population + quarantined), {
    quarantined,
    population,
  });
  return findings;
};
