import type { WaveStatus } from '#shared/contracts/survey.ts';
import type { Language } from './format-value.ts';
import type { WaveCounts } from './summary-text.ts';
import { pauseReason } from './wave-pause-text.ts';

/** A wave's ledger as the few counts that summaries and reports show. `skipped` counts those drawn and those not. */
export const waveCounts = (status: WaveStatus, language: Language = 'en'): WaveCounts => {
  const skipped: Record<string, number> = { ...status.notDrawn };
  for (const [reason, count] of Object.entries(status.skipped)) skipped[reason] = (skipped[reason] ?? 0) + count;
  return {
    waveId: status.waveId,
    planned: status.drawn,
    sent: status.sent,
    delivered: status.delivered,
    answered: status.answered,
    uncertain: status.uncertain,
    rejected: status.rejected,
    notYet: status.planned,
    skipped,
    ...(status.days === undefined || status.days.length < 2 ? {} : { days: status.days.length }),
    ...(status.pause === null ? {} : { rests: pauseReason(status, language) }),
  };
};
