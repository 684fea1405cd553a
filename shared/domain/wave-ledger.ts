import { SKIP_REASONS } from './contact-policy.ts';
import type { Invitation } from './invitation.ts';

/** What a customer who was drawn can have come to, besides the reasons to get no mail. */
export const MAIL_OUTCOMES = [
  'planned',
  'deferred',
  'claimed',
  'sent',
  'delivered',
  'bounced',
  'complained',
  'answered',
  'expired',
  'rejected',
  'uncertain',
] as const;

/**
 * The states of a wave's ledger: each customer of the population is in exactly one. First the reasons to get no mail, then
 * what became of the mail.
 */
export const LEDGER_STATES = [...SKIP_REASONS, ...MAIL_OUTCOMES] as const;
export type LedgerState = (typeof LEDGER_STATES)[number];

/** What the ledger has to know of a wave. */
export interface LedgerWave {
  readonly cancelled: boolean;
  /** Answers are refused: the wave's last day is over. */
  readonly over: boolean;
  /** Whether all invitations of the audience were made; an absent one then belongs to somebody who was erased. */
  readonly audienceMade: boolean;
}

/**
 * The one state of a drawn customer. The surest and latest finding wins: an answer that counts, a complaint, a bounce, the end
 * of the wave, the delivery, the sending. `deferred` is planned, and put off until the contact budget is free; `claimed` is a mail that is under way, or was when a worker died.
 *
 * @param invitation undefined where it was never made, or erased
 * @param claimed whether somebody holds a claim on the invitation's mail; only asked where its line is still planned
 * @param answered whether an answer counts
 */
export const ledgerStateOf = (
  invitation: Invitation | undefined,
  { claimed, answered }: { readonly claimed: boolean; readonly answered: boolean },
  wave: LedgerWave,
): LedgerState => {
  const unsent = wave.cancelled ? 'waveCancelled' : wave.over ? 'waveClosed' : 'planned';
  if (invitation === undefined) return wave.audienceMade ? 'erased' : unsent;
  if (answered) return 'answered';
  if (invitation.complainedAt !== undefined) return 'complained';
  if (invitation.bouncedAt !== undefined) return 'bounced';
  const { state, reason } = invitation.invitation;
  switch (state) {
    case 'planned':
      if (claimed) return 'claimed';
      return unsent === 'planned' && invitation.invitation.notBefore !== undefined ? 'deferred' : unsent;
    case 'skipped':
      return SKIP_REASONS.find((one) => one === reason) ?? 'erased';
    case 'rejected':
    case 'uncertain':
      return state;
    case 'sent':
      if (wave.over) return 'expired';
      return invitation.deliveredAt === undefined ? 'sent' : 'delivered';
  }
};
