import { type Instant, minuteIn } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { type Language, labelIn } from './format-value.ts';

/** What a text needs of its reader's place: the stage's clock, and what the policy calls a segment. */
export interface ReaderFrame {
  /** IANA name; instants are shown as clocks there show them. */
  readonly timeZone: string;
  /** A segment in the reader's words; its machine name where there are none. */
  readonly segmentName: (segment: string) => string;
}

/** A reader who goes by UTC and knows machine names. */
export const PLAIN_FRAME: ReaderFrame = { timeZone: 'UTC', segmentName: (segment) => segment };

/** `2026-10-05 17:00 Asia/Shanghai`: an instant to the minute, with the clock that shows it. */
export const momentText = (instant: Instant, timeZone: string): string => `${minuteIn(timeZone, instant)} ${timeZone}`;

/** What a policy calls the segments of a dimension; machine names where it has no such dimension or segment. */
export const segmentNames =
  (policy: Pick<Policy, 'dimensions'> | undefined, dimension: string, language: Language) =>
  (segment: string): string => {
    const label = policy?.dimensions[dimension]?.segments[segment]?.label;
    return label === undefined ? segment : labelIn(label, language);
  };
