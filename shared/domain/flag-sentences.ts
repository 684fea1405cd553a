import type { FlagCause, FlagEvent, RaisedFlag } from './flags.ts';

/**
 * Why something happened to a proposal: a person's own words as they are, and what the product did in the language.
 * Empty where nothing is to be said.
 */
export const flagReason = ({ cause, reason }: Pick<FlagEvent, 'cause' | 'reason'>, lang: 'en' | 'zh'): string => {
  if (cause === undefined) return reason ?? '';
  const en = lang === 'en';
  switch (cause.code) {
    case 'undecided':
      return en ? `nobody decided until ${cause.until}` : `至 ${cause.until} 无人决定`;
    case 'rollback':
      return en ? `rollback: ${cause.why}` : `运行已回滚：${cause.why}`;
    case 'runAbandoned':
      return en ? `run ${cause.runId} was abandoned` : `运行 ${cause.runId} 已放弃`;
  }
};

interface CausedEvent {
  readonly cause: FlagCause;
  readonly reason: string;
}

/** What closes a proposal that nobody decided in time. */
export const undecided = ({ expiresOn }: Pick<RaisedFlag, 'expiresOn'>): CausedEvent =>
  causedBy({ code: 'undecided', until: expiresOn });

/** A cause with its sentence in English, as the history of a proposal keeps both. */
export const causedBy = (cause: FlagCause): CausedEvent => ({
  cause,
  reason: flagReason({ cause }, 'en'),
});
