import { html } from 'hono/html';
import { type Answer, caseReasonOf, scaleRange, WISHES, type Wish } from '#shared/domain/answer-rules.ts';
import { LONGEST_COMMENT } from '#shared/domain/comment-text.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import type { QuestionKind } from '#shared/domain/policy.ts';
import { type CompanyIdentity, type Markup, page } from './page-layout.ts';
import { type PageTextKey, pageText } from './page-text.ts';

export interface PageFrame {
  readonly language: SurveyLanguage;
  readonly identity: CompanyIdentity;
  /** The token: the last part of the page's own path. */
  readonly token: string;
}

/** Name of the field that people do not see; machines fill in everything. */
export const HONEYPOT_FIELD = 'website';

const QUESTION: Readonly<Record<QuestionKind, PageTextKey>> = {
  nps: 'questionNps',
  csat: 'questionCsat',
  ces: 'questionCes',
};
const SCALE: Readonly<Record<QuestionKind, PageTextKey>> = { nps: 'scaleNps', csat: 'scaleCsat', ces: 'scaleCes' };
const WISH_TEXT: Readonly<Record<Wish, PageTextKey>> = {
  call: 'wishCall',
  complaint: 'wishComplaint',
  notMe: 'wishNotMe',
};

/** What is in the form when it is shown. */
export interface FormContent {
  readonly score: number | undefined;
  readonly comment: string;
  readonly wishes: readonly Wish[];
  /** Whether the score comes from the link in the mail. */
  readonly fromMail: boolean;
  readonly problem?: string;
}

const closingDate = (language: SurveyLanguage, timeZone: string, closesAt: string): string =>
  new Intl.DateTimeFormat(language, { timeZone, dateStyle: 'long', timeStyle: 'short' }).format(new Date(closesAt));

/**
 * The form: question, scale, comment, wishes. It works without scripts and has none. It is sent as multipart, since percent
 * encoding would make a Chinese comment of allowed length three times as long, more than is read of a body.
 */
export const formPage = (
  frame: PageFrame,
  invitation: Invitation,
  content: FormContent,
  links: { readonly unsubscribe: string; readonly timeZone: string },
): Markup => {
  const { language, identity, token } = frame;
  const say = (key: PageTextKey, values: Readonly<Record<string, string | number>> = {}): string =>
    pageText(language, key, { company: identity.company[language], ...values });
  const { from, to } = scaleRange(invitation.question);
  const scores = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const question = say(QUESTION[invitation.question]);
  return page(
    { language, identity, title: say('title'), self: content.fromMail ? `${token}?a=${content.score}` : token },
    html`${content.problem === undefined ? '' : html`<p class="problem" role="alert">${content.problem}</p>`}
<form method="post" action="${token}?lang=${language}" accept-charset="utf-8" enctype="multipart/form-data">
<fieldset>
<legend>${question}</legend>
<p class="soft" id="scale">${say(SCALE[invitation.question])}</p>
<div class="scale" role="radiogroup" aria-label="${question}" aria-describedby="scale">
${scores.map(
  (score) =>
    html`<label><input type="radio" name="score" value="${score}" required${score === content.score ? html` checked` : ''}><span>${score}</span></label>`,
)}
</div>
</fieldset>
${content.fromMail ? html`<p class="soft">${say('chosen')}</p>` : ''}
<p><label class="label" for="comment">${say('comment')}</label>
<textarea id="comment" name="comment" rows="4" maxlength="${LONGEST_COMMENT}" aria-describedby="comment-hint">${content.comment}</textarea>
<span class="soft" id="comment-hint">${say('commentHint')}</span></p>
<fieldset>
<legend>${say('wishes')}</legend>
${WISHES.map(
  (wish) =>
    html`<label class="wish"><input type="checkbox" name="wish" value="${wish}"${content.wishes.includes(wish) ? html` checked` : ''}>${say(WISH_TEXT[wish])}</label>`,
)}
</fieldset>
<div class="away" aria-hidden="true"><label for="${HONEYPOT_FIELD}">${say('honeypot')}</label><input id="${HONEYPOT_FIELD}" name="${HONEYPOT_FIELD}" type="text" tabindex="-1" autocomplete="off"></div>
<p><button type="submit">${say('send')}</button></p>
</form>
<p class="soft">${say('linked')} ${say('closes', { date: closingDate(language, links.timeZone, invitation.closesAt) })} ${say('neverAsk')}</p>
<p><a class="link" href="../u/${links.unsubscribe}?lang=${language}">${say('unsubscribe')}</a></p>`,
  );
};

/** What was recorded, what happens with it, and how to change it. */
export const thanksPage = (
  { language, identity, token }: PageFrame,
  answer: Answer,
  invitation: Invitation,
  timeZone: string,
): Markup => {
  const reason = caseReasonOf(answer, invitation.caseForEveryLow);
  const next: PageTextKey =
    reason === 'wrongPerson' ? 'nextNotMe' : reason === 'complaint' || reason === 'callMe' ? 'nextCase' : 'next';
  return page(
    { language, identity, title: pageText(language, 'thanksTitle') },
    html`<p role="status">${pageText(language, 'thanks', { score: answer.score })}</p>
<p>${pageText(language, next)}</p>
<p>${pageText(language, 'canChange', { date: closingDate(language, timeZone, invitation.closesAt) })} <a class="link" href="${token}?lang=${language}">${pageText(language, 'change')}</a></p>`,
  );
};

/** Asks before it unsubscribes; opening it changes nothing. */
export const unsubscribePage = ({ language, identity, token }: PageFrame): Markup =>
  page(
    { language, identity, title: pageText(language, 'unsubTitle'), self: token },
    html`<p>${pageText(language, 'unsubScope', { company: identity.company[language] })}</p>
<form method="post" action="${token}?lang=${language}"><input type="hidden" name="action" value="unsubscribe"><button type="submit">${pageText(language, 'unsubButton')}</button></form>`,
  );

/** What was done, and a way back. */
export const unsubscribedPage = ({ language, identity, token }: PageFrame, undone: boolean): Markup => {
  const action = undone ? 'unsubscribe' : 'resubscribe';
  return page(
    { language, identity, title: pageText(language, undone ? 'undoneTitle' : 'unsubDoneTitle') },
    html`<p role="status">${pageText(language, undone ? 'undone' : 'unsubDone', { company: identity.company[language] })}</p>
<form method="post" action="${token}?lang=${language}"><input type="hidden" name="action" value="${action}"><button class="quiet" type="submit">${pageText(language, undone ? 'unsubButton' : 'undoButton')}</button></form>`,
  );
};

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
    { language: 'en', identity, title: pageText('en', title) },
    html`<p>${pageText('en', text, all)}</p><h1 lang="zh-CN">${pageText('zh-CN', title)}</h1><p lang="zh-CN">${pageText('zh-CN', text, all)}</p>`,
  );
};
