/** How a case can end. */
export const CASE_OUTCOMES = ['solved', 'goodwill', 'noFault', 'unreachable', 'wrongPerson'] as const;
export type CaseOutcome = (typeof CASE_OUTCOMES)[number];

export const isCaseOutcome = (text: string): text is CaseOutcome => CASE_OUTCOMES.some((one) => one === text);
