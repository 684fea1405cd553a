import { html } from 'hono/html';
import {
  type Answer,
  type CaseReason,
  caseReasonOf,
  DECISION_FACTORS,
  type DecisionFactor,
  NO_FACTOR,
  scaleRange,
  WISHES,
  type Wish,
} from '#shared/domain/answer-rules.ts';
import { LONGEST_COMMENT } from '#shared/domain/comment-text.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import { mailText } from '#shared/domain/mail-text.ts';
import { type CompanyIdentity, type LanguageSwitch, type Markup, page } from './page-layout.ts';
import { type PageTextKey, pageText } from './page-text.ts';

export interface PageFrame {
  readonly language: SurveyLanguage;
  readonly identity: CompanyIdentity;
  /** The token: the last part of the page's own path. */
  readonly token: string;
}

/** Name of the field that people do not see; machines fill in everything. */
export const HONEYPOT_FIELD = 'website';

const WISH_TEXT: Readonly<Record<Wish, PageTextKey>> = {
  call: 'wishCall',
  complaint: 'wishComplaint',
  notMe: 'wishNotMe',
};
const FACTOR_TEXT: Readonly<Record<FactorChoice, PageTextKey>> = {
  price: 'factorPrice',
  brand: 'factorBrand',
  wordOfMouth: 'factorWordOfMouth',
  service: 'factorService',
  [NO_FACTOR]: 'factorNone',
};
const NEXT: Readonly<Record<CaseReason, PageTextKey>> = {
  callMe: 'nextCall',
  complaint: 'nextComplaint',
  lowAnswer: 'nextLow',
  wrongPerson: 'nextNotMe',
};

/** What can be chosen under the decision factor. */
export const FACTOR_CHOICES = [...DECISION_FACTORS, NO_FACTOR] as const;
export type FactorChoice = DecisionFactor | typeof NO_FACTOR;

/** What is in the form when it is shown. */
export interface FormContent {
  readonly score: number | undefined;
  readonly comment: string;
  readonly wishes: readonly Wish[];
  readonly factor: FactorChoice | undefined;
  /** Whether the score comes from the link in the mail. */
  readonly fromMail: boolean;
  /** Whether an earlier answer has a comment, which an empty field would keep. */
  readonly keepsComment: boolean;
  readonly problem?: { readonly text: string; readonly field: 'score' | 'comment' | 'form' };
}

/** Where the pages lead, and the zone that their times are told in. */
export interface PageLinks {
  /** Token of the unsubscribe page. */
  readonly unsubscribe: string;
  readonly timeZone: string;
}

const readableTime = (language: SurveyLanguage, timeZone: string, ms: number): string =>
  new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    timeZone,
    dateStyle: 'long',
    timeStyle: 'short',
  }).format(new Date(ms));

/** The last moment at which an answer is taken: a survey that closes at midnight is open on the day before, as the mail says. */
const lastMoment = (language: SurveyLanguage, timeZone: string, closesAt: string): string =>
  readableTime(language, timeZone, Date.parse(closesAt) - 1);

const unsubscribeLine = (language: SurveyLanguage, links: PageLinks): Markup =>
  html`<p><a class="link" href="../u/${links.unsubscribe}?lang=${language}">${pageText(language, 'unsubscribe')}</a></p>`;

const FORM_ID = 'answer';

/**
 * The form: the mail's question and scale, comment, decision factor, wishes. It works without scripts and has none. It is sent as multipart,
 * since percent encoding would make a Chinese comment of allowed length three times as long, more than is read of a body.
 */
export const formPage = (frame: PageFrame, invitation: Invitation, content: FormContent, links: PageLinks): Markup => {
  const { language, identity, token } = frame;
  const say = (key: PageTextKey, values: Readonly<Record<string, string | number>> = {}): string =>
    pageText(language, key, { company: identity.company[language], ...values });
  const { question } = invitation;
  const { from, to } = scaleRange(question);
  const scale = mailText(language, 'survey.scale', {
    from: String(from),
    to: String(to),
    low: mailText(language, `survey.low.${question}`),
    high: mailText(language, `survey.high.${question}`),
  });
  const scores = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const { problem } = content;
  /** Chinese sentences follow each other without a space. */
  const gap = language === 'zh-CN' ? '' : ' ';
  const checked = (isChosen: boolean): Markup | '' => (isChosen ? html` checked` : '');
  const described = (field: 'score' | 'comment', hint: string): string =>
    problem?.field === field ? `problem ${hint}` : hint;
  return page(
    {
      language,
      identity,
      title: say('title'),
      tabTitle: problem === undefined ? say('title') : `${say('problemTab')}: ${say('title')}`,
      languageSwitch: { form: FORM_ID, action: token },
    },
    html`${problem === undefined ? '' : problemLine(problem, from)}
<form id="${FORM_ID}" method="post" action="${token}?lang=${language}" accept-charset="utf-8" enctype="multipart/form-data">
<fieldset aria-describedby="${described('score', 'scale')}">
<legend>${mailText(language, `survey.question.${question}`, { company: identity.company[language] })}</legend>
<p class="soft" id="scale">${scale}</p>
<div class="scale ${question}">
${scores.map(
  (score) =>
    html`<label><input type="radio" id="score-${score}" name="score" value="${score}" required${checked(score === content.score)}><span>${score}</span></label>`,
)}
</div>
${content.fromMail ? html`<p class="soft note">${say('chosen')}</p>` : ''}
</fieldset>
<p><label class="label" for="comment">${say('comment')}</label>
<textarea id="comment" name="comment" rows="4" maxlength="${LONGEST_COMMENT}" aria-describedby="${described('comment', 'comment-hint')}">${content.comment}</textarea>
<span class="soft" id="comment-hint">${say('commentHint')}${content.keepsComment ? `${gap}${say('commentKept')}` : ''}</span></p>
<fieldset>
<legend>${say('factor')}</legend>
${FACTOR_CHOICES.map(
  (factor) =>
    html`<label class="choice"><input type="radio" name="factor" value="${factor}"${checked(factor === content.factor)}>${say(FACTOR_TEXT[factor])}</label>`,
)}
</fieldset>
<fieldset>
<legend>${say('wishes')}</legend>
${WISHES.filter((wish) => wish !== 'notMe').map(
  (wish) =>
    html`<label class="choice"><input type="checkbox" name="wish" value="${wish}"${checked(content.wishes.includes(wish))}>${say(WISH_TEXT[wish])}</label>`,
)}
</fieldset>
<div class="away" aria-hidden="true"><label for="${HONEYPOT_FIELD}">${say('honeypot')}</label><input id="${HONEYPOT_FIELD}" name="${HONEYPOT_FIELD}" type="text" tabindex="-1" autocomplete="off"></div>
<p class="soft">${[say('linked'), say('closes', { date: lastMoment(language, links.timeZone, invitation.closesAt) }), say('neverAsk')].join(gap)}</p>
<p><button type="submit">${say('send')}</button></p>
<p><button class="quiet" type="submit" name="wish" value="notMe" formnovalidate aria-describedby="not-me-hint">${say(WISH_TEXT.notMe)}</button>
<span class="soft" id="not-me-hint">${say('notMeHint')}</span></p>
</form>
${unsubscribeLine(language, links)}`,
  );
};

/** What is wrong, as a link to the field where it can be put right. */
const problemLine = ({ text, field }: NonNullable<FormContent['problem']>, firstScore: number): Markup => {
  const target = { score: `#score-${firstScore}`, comment: '#comment', form: undefined }[field];
  return html`<p class="problem" role="alert" id="problem">${target === undefined ? text : html`<a href="${target}">${text}</a>`}</p>`;
};

/** What was recorded, what happens with it and by when, how to change it, and how to hear no more. */
export const thanksPage = (
  { language, identity, token }: PageFrame,
  answer: Answer,
  invitation: Invitation,
  links: PageLinks,
): Markup => {
  const say = (key: PageTextKey, values: Readonly<Record<string, string | number>> = {}): string =>
    pageText(language, key, { company: identity.company[language], ...values });
  const due = Date.parse(answer.at) + invitation.caseDueHours * HOUR_MS;
  return page(
    { language, identity, title: say('thanksTitle') },
    html`<p role="status">${answer.score === null ? say('thanksNotMe') : say('thanks', { score: answer.score, to: scaleRange(answer.question).to })}</p>
${answer.comment === '' ? '' : html`<p class="label">${say('thanksComment')}</p><p class="said">${answer.comment}</p>`}
<h2>${say('nextTitle')}</h2>
<p>${say(nextOf(answer, invitation), { date: readableTime(language, links.timeZone, due) })}</p>
<p>${say('canChange', { date: lastMoment(language, links.timeZone, invitation.closesAt) })}<br><a class="link" href="${token}?lang=${language}">${say('change')}</a></p>
${unsubscribeLine(language, links)}`,
  );
};

const HOUR_MS = 3_600_000;

const nextOf = (answer: Answer, invitation: Invitation): PageTextKey => {
  const reason = caseReasonOf(answer, invitation.caseForEveryLow);
  if (reason !== undefined) return NEXT[reason];
  return answer.suspect ? 'nextSuspect' : 'next';
};

/** Asks before it unsubscribes, or says that it is done already; opening it changes nothing. */
export const unsubscribePage = (frame: PageFrame, isUnsubscribed: boolean): Markup =>
  isUnsubscribed
    ? unsubscribedPage(frame, false, { link: frame.token })
    : page(
        {
          language: frame.language,
          identity: frame.identity,
          title: pageText(frame.language, 'unsubTitle'),
          languageSwitch: { link: frame.token },
        },
        html`<p>${pageText(frame.language, 'unsubScope', { company: frame.identity.company[frame.language] })}</p>
<p>${pageText(frame.language, 'unsubKeepsAnswer')}</p>
${actionForm(frame, 'unsubscribe', 'unsubButton')}`,
      );

/** What was done, and a way back. */
export const unsubscribedPage = (frame: PageFrame, undone: boolean, languageSwitch?: LanguageSwitch): Markup => {
  const { language, identity } = frame;
  return page(
    { language, identity, title: pageText(language, undone ? 'undoneTitle' : 'unsubDoneTitle'), languageSwitch },
    html`<p role="status">${pageText(language, undone ? 'undone' : 'unsubDone', { company: identity.company[language] })}</p>
${undone ? actionForm(frame, 'unsubscribe', 'unsubButton', 'quiet') : actionForm(frame, 'resubscribe', 'undoButton', 'quiet')}`,
  );
};

const actionForm = (
  { language, token }: PageFrame,
  action: 'unsubscribe' | 'resubscribe',
  label: PageTextKey,
  look = '',
): Markup =>
  html`<form method="post" action="${token}?lang=${language}"><input type="hidden" name="action" value="${action}"><button class="${look}" type="submit">${pageText(language, label)}</button></form>`;

/** The survey is over. Surveys can still be stopped from here. */
export const closedPage = ({ language, identity, token }: PageFrame, links: PageLinks): Markup =>
  page(
    { language, identity, title: pageText(language, 'closedTitle'), languageSwitch: { link: token } },
    html`<p>${pageText(language, 'closed', { contact: identity.replyToAddress })}</p>
${unsubscribeLine(language, links)}`,
  );

/** A page that says what is wrong and what to do. Without a language both are shown, so that it tells nothing of the token. */
export const messagePage = (
  identity: CompanyIdentity,
  language: SurveyLanguage | undefined,
  title: PageTextKey,
  text: PageTextKey,
  values: Readonly<Record<string, string | number>> = {},
): Markup => {
  const all = { contact: identity.replyToAddress, ...values };
  if (language !== undefined) {
    return page(
      { language, identity, title: pageText(language, title) },
      html`<p>${pageText(language, text, all)}</p>`,
    );
  }
  return page(
    {
      language: 'en',
      identity,
      title: pageText('en', title),
      tabTitle: `${pageText('en', title)} / ${pageText('zh-CN', title)}`,
    },
    html`<p>${pageText('en', text, all)}</p>
<div lang="zh-CN"><h2>${pageText('zh-CN', title)}</h2><p>${pageText('zh-CN', text, all)}</p></div>`,
  );
};
