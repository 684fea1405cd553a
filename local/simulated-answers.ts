import { createHash } from 'node:crypto';
import PostalMime from 'postal-mime';
import { HONEYPOT_FIELD } from '#shared/application/pages/survey-pages.ts';
import type { DecisionFactor } from '#shared/domain/answer-rules.ts';
import type { StoredMail } from './mail-server.ts';

/** One customer who will answer, in the order of time. */
export interface PlannedAnswer {
  readonly invitationId: string;
  readonly link: string;
  /** Whole minutes after the mail was delivered, 3 to 12,960 (nine days). */
  readonly afterMinutes: number;
  readonly sentAt: string;
  readonly score: number;
  readonly comment: string;
  /** Absent where the customer leaves the question alone. */
  readonly factor?: DecisionFactor;
  /** A mail scanner that fills in every field, and not the customer. */
  readonly machine?: true;
}

/** Share of invited customers who answer in the simulation. */
const ANSWERING_SHARE = 0.34;

const COMMENTS: Readonly<Record<'en' | 'zh-CN', Readonly<Record<'low' | 'middle' | 'high', readonly string[]>>>> = {
  en: {
    low: [
      'Approval took far too long.',
      'Nobody called back after I asked twice.',
      'The price went up without a word.',
    ],
    middle: ['Fine on the whole, but the process is slow.', 'Good people, too much paper.'],
    high: ['Our account manager knows our business.', 'Quick and clear, thank you.'],
  },
  'zh-CN': {
    low: ['审批时间太长。', '问了两次都没有人回电。', '价格上调没有事先说明。'],
    middle: ['总体还可以，流程有点慢。', '人很好，材料太多。'],
    high: ['客户经理很了解我们的业务。', '办理很快，说明也清楚，谢谢。'],
  },
};

/** Share of answers that a scanner gives. */
const MACHINE_SHARE = 0.04;

/** Share of those who answer that name a decision factor. */
const NAMING_SHARE = 0.7;

/** What decides for customers of a mood, each as often as it stands here. */
const FACTORS: Readonly<Record<'low' | 'middle' | 'high', readonly DecisionFactor[]>> = {
  low: ['price', 'price', 'price', 'service', 'service', 'brand'],
  middle: ['price', 'price', 'brand', 'service', 'wordOfMouth'],
  high: ['service', 'service', 'service', 'wordOfMouth', 'wordOfMouth', 'brand', 'price'],
};

/**
 * Decides from the mails alone who of the invited answers, when and how: the same mails give the same answers, whatever
 * happened in between. About a third answer, within minutes to nine days; satisfied ones are more frequent. Most of them name
 * what decides for them. A few answers are a mail scanner's, which wait as suspect for a person.
 *
 * @param mails invitations, not reminders
 */
export const planAnswers = async (
  mails: readonly StoredMail[],
  scale: { readonly from: number; readonly to: number },
): Promise<readonly PlannedAnswer[]> => {
  const planned: PlannedAnswer[] = [];
  for (const mail of mails) {
    if (!willAnswer(mail.to)) continue;
    const draw = drawsOf(mail.to);
    const parsed = await PostalMime.parse(mail.raw);
    const link = answerLinkOf(parsed.text ?? '');
    if (link === undefined) continue;
    const high = draw(1) ** 0.35;
    const score = scale.from + Math.min(scale.to - scale.from, Math.floor(high * (scale.to - scale.from + 1)));
    const mood = (score - scale.from) / (scale.to - scale.from) < 0.65 ? 'low' : high < 0.85 ? 'middle' : 'high';
    const language = /lang=["']?zh/u.test(parsed.html ?? '') ? 'zh-CN' : 'en';
    const comments = COMMENTS[language][mood];
    const factor = draw(5) < NAMING_SHARE ? FACTORS[mood][Math.floor(draw(6) * FACTORS[mood].length)] : undefined;
    planned.push({
      invitationId: mail.tags['inv'] ?? '',
      link,
      sentAt: mail.sentAt,
      afterMinutes: 3 + Math.floor(draw(2) ** 2 * 12_957),
      score,
      comment: draw(3) < 0.4 ? (comments[Math.floor(draw(4) * comments.length)] ?? '') : '',
      ...(factor === undefined ? {} : { factor }),
      ...(draw(7) < MACHINE_SHARE ? { machine: true } : {}),
    });
  }
  return planned.sort((a, b) => dueAt(a) - dueAt(b) || (a.link < b.link ? -1 : 1));
};

/** When the customer answers, milliseconds since 1970 on the business clock. */
export const dueAt = (answer: PlannedAnswer): number => Date.parse(answer.sentAt) + answer.afterMinutes * 60_000;

/**
 * Opens the link as a browser would and posts the form.
 *
 * @param pagesUrl where the pages are now. A mail of an earlier start names the port of that time, on which nobody may listen
 *   any more, or somebody else
 * @returns the status of the answer to the POST, or of the page if it cannot be opened
 */
export const giveAnswer = async (answer: PlannedAnswer, pagesUrl: string): Promise<number> => {
  const target = new URL(new URL(answer.link).pathname, pagesUrl);
  const page = await fetch(target);
  await page.text();
  if (!page.ok) return page.status;
  const form = new URLSearchParams({ score: String(answer.score), comment: answer.comment });
  if (answer.factor !== undefined) form.set('factor', answer.factor);
  if (answer.machine === true) form.set(HONEYPOT_FIELD, 'x');
  const posted = await fetch(target, { method: 'POST', body: form, redirect: 'manual' });
  await posted.text();
  return posted.status;
};

/** Whether the simulated customer at the address answers surveys. */
export const willAnswer = (address: string): boolean => drawsOf(address)(0) < ANSWERING_SHARE;

/** The address of the answer page in the plain text of a mail. */
export const answerLinkOf = (text: string): string | undefined => /https?:\/\/\S+\/r\/[\w.-]+/u.exec(text)?.[0];

/** Uniform numbers in [0, 1) that depend on the address only. */
const drawsOf = (address: string): ((index: number) => number) => {
  const digest = createHash('sha256').update(`simulated customer ${address}`).digest();
  return (index) => digest.readUInt32BE(index * 4) / 2 ** 32;
};
