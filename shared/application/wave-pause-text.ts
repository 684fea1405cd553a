import type { WaveStatus } from '#shared/contracts/survey.ts';
import { mailBrakeText } from '#shared/domain/mail-brake.ts';
import type { Language } from './format-value.ts';
import { preflightReason } from './preflight-text.ts';

/**
 * Why a wave rests, in the language: the figures of its bounces and complaints, what the pre-flight found, else what an operator
 * or the mail service wrote. Empty where it does not rest.
 */
export const pauseReason = (
  { pause, braked, preflight }: Pick<WaveStatus, 'pause' | 'braked' | 'preflight'>,
  language: Language,
): string => {
  if (pause === null) return '';
  if (pause.by === 'reputation' && braked !== undefined) return mailBrakeText(braked.hits, braked, language);
  const isOfPreflight =
    pause.by === 'brake' && preflight !== undefined && pause.reason === preflightReason(preflight, 'en');
  return isOfPreflight ? preflightReason(preflight, language) : pause.reason;
};
