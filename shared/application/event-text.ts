import type { BusinessEvent } from '#shared/domain/business-event.ts';
import type { Language } from './format-value.ts';
import { pad, printable } from './text-table.ts';

const KIND_WORDS = {
  en: { new: 'new', up: 'up', down: 'down', sideways: 'sideways', left: 'left' },
  'zh-CN': { new: '新增', up: '上调', down: '下调', sideways: '平移', left: '离开' },
} as const;
const WORDS = {
  en: { takenBack: 'taken back', until: 'decide until', score: 'score', due: 'due', suspect: 'suspect', none: '–' },
  'zh-CN': {
    takenBack: '已撤回',
    until: '决定期限',
    score: '评分',
    due: '截止',
    suspect: '可疑',
    none: '–',
  },
} as const;
const TYPE_WIDTH = 18;
const CUSTOMER_WIDTH = 12;

/** One event as one line: when, what, who, and the figures that tell it from others. */
export const eventLine = (event: BusinessEvent, language: Language): string =>
  printable(
    [
      event.at.slice(0, 19).replace('T', ' '),
      pad(event.type, TYPE_WIDTH),
      pad(event.customerId, CUSTOMER_WIDTH),
      detailOf(event, language),
    ].join('  '),
  );

const detailOf = (event: BusinessEvent, language: Language): string => {
  const words = WORDS[language];
  switch (event.type) {
    case 'segment.moved': {
      const { dimension, from, to, kind, runId, cause } = event.data;
      const back = cause === 'rollback' ? `, ${words.takenBack}` : '';
      return `${dimension}: ${from ?? words.none} → ${to ?? words.none} (${KIND_WORDS[language][kind]}${back}) ${runId}`;
    }
    case 'flag.raised':
    case 'flag.confirmed':
    case 'flag.withdrawn':
    case 'flag.expired':
    case 'flag.reopened':
    case 'decision.approved':
    case 'decision.refused':
      return `${event.data.flag} ${event.data.segment}, ${words.until} ${event.data.expiresOn}, ${event.data.runId}`;
    case 'case.opened':
    case 'case.taken':
    case 'case.updated':
    case 'case.escalated':
    case 'case.closed':
    case 'case.reopened': {
      const { caseId, reason, score, dueAt, outcome } = event.data;
      return `${caseId} ${reason}, ${words.score} ${score ?? words.none}, ${outcome ?? `${words.due} ${dueAt.slice(0, 16).replace('T', ' ')}`}`;
    }
    case 'answer.stored':
    case 'answer.changed':
    case 'answer.confirmed':
    case 'answer.discarded': {
      const { question, score, suspect, answerId } = event.data;
      return `${answerId} ${question} ${score}${suspect ? `, ${words.suspect}` : ''}`;
    }
  }
};
