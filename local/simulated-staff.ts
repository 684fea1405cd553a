import { createHash } from 'node:crypto';
import { decideFlag } from '#shared/application/decide-flag.ts';
import { closeCase } from '#shared/application/work-case.ts';
import type { CaseOutcome } from '#shared/domain/case-outcomes.ts';
import type { Flag } from '#shared/domain/flags.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import type { Stack } from './stack.ts';

/** How a simulated employee ends a case. */
export interface PlannedClosing {
  readonly caseId: string;
  readonly at: string;
  readonly outcome: CaseOutcome;
  readonly note: string;
}

const HOUR_MS = 3_600_000;
/** Share of the cases that are closed within their time, at the latest two hours before it ends. */
const IN_TIME_SHARE = 0.6;
/** Share of those that are closed late: after up to three times their time. The others stay open. */
const LATE_SHARE = 0.2;

const ENDS: readonly (readonly [CaseOutcome, string])[] = [
  ['solved', 'called back, and it is settled (simulated)'],
  ['goodwill', 'fee waived once (simulated)'],
  ['noFault', 'explained how it works (simulated)'],
  ['unreachable', 'called three times, nobody answered (simulated)'],
];

/** Decides from the case alone when and how it ends; undefined: nobody ends it. */
export const planClosing = ({ caseId, openedAt, dueAt }: CustomerCase): PlannedClosing | undefined => {
  const draw = drawsOf(`case ${caseId}`);
  const opened = Date.parse(openedAt);
  const given = Math.max(4 * HOUR_MS, Date.parse(dueAt) - opened);
  const [outcome, note] = ENDS[Math.floor(draw(2) * ENDS.length)] ?? ['solved', 'settled (simulated)'];
  const after =
    draw(0) < IN_TIME_SHARE
      ? HOUR_MS + draw(1) * (given - 3 * HOUR_MS)
      : draw(0) < IN_TIME_SHARE + LATE_SHARE
        ? given * (1.05 + 1.9 * draw(1))
        : undefined;
  return after === undefined
    ? undefined
    : { caseId, at: new Date(opened + Math.floor(after)).toISOString(), outcome, note };
};

/** Moves the clock to each closing that comes up to `until`, and closes. What is closed already stays so. */
export const closeCasesUntil = async (stack: Stack, until: string): Promise<void> => {
  const planned = (await stack.tool.cases.listOpen())
    .flatMap((known) => {
      const closing = planClosing(known);
      return closing === undefined || closing.at > until ? [] : [{ known, closing }];
    })
    .sort((a, b) => (a.closing.at < b.closing.at ? -1 : 1));
  for (const { known, closing } of planned) {
    await stack.clock.moveAtLeastTo(closing.at);
    // Whoever hears of a case at its due time hears of it before it is closed late.
    await stack.sweepCases();
    await closeCase(
      closing.caseId,
      { by: `${known.owner.name} (simulated)`, outcome: closing.outcome, note: closing.note },
      { cases: stack.tool.cases, customers: stack.run.customers, clock: stack.clock },
    );
  }
};

/** Shares of the customers whose proposal is approved or refused, whenever it comes; the others wait for a person. */
const DECIDED_SHARES = { exit: [0.15, 0.2], upgrade: [0.25, 0.15] } as const;

/** Decides from customer and kind alone; undefined: nobody decides. */
export const planDecision = ({ subject, kind }: Pick<Flag, 'subject' | 'kind'>): 'approved' | 'refused' | undefined => {
  const [approved, refused] = DECIDED_SHARES[kind];
  const drawn = drawsOf(`flag ${kind} ${subject}`)(0);
  return drawn < approved ? 'approved' : drawn < approved + refused ? 'refused' : undefined;
};

const REASONS = { approved: 'agreed in the monthly round (simulated)', refused: 'we know better here (simulated)' };

/** Decides those open proposals that the simulated staff decide, so that outcomes have decided ones to tell of. */
export const decideProposals = async (stack: Stack): Promise<void> => {
  for (const flag of await stack.run.flags.listOpen()) {
    const decision = planDecision(flag);
    if (decision === undefined) continue;
    const by = flag.kind === 'exit' ? 'Credit committee (simulated)' : 'Branch manager (simulated)';
    await decideFlag(
      { customerId: flag.customerId, kind: flag.kind },
      { decision, by, reason: REASONS[decision] },
      { flags: stack.run.flags, customers: stack.run.customers, clock: stack.clock, timeZone: stack.timeZone },
    );
  }
};

/** Uniform numbers in [0, 1) that depend on the text only. */
const drawsOf = (text: string): ((index: number) => number) => {
  const digest = createHash('sha256').update(`simulated staff ${text}`).digest();
  return (index) => digest.readUInt32BE(index * 4) / 2 ** 32;
};
