import { type Context, Hono } from 'hono';
import { type Answer, isOnScale, scaleRange, WISHES, type Wish } from '#shared/domain/answer-rules.ts';
import { cleanComment, isCommentShortEnough } from '#shared/domain/comment-text.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import { checkLinkToken, type LinkKeys, type LinkPurpose } from '#shared/domain/link-token.ts';
import { type AnswerForm, type RecordAnswerPorts, type RecordResult, recordAnswer } from '../record-answer.ts';
import { unsubscribeLink } from '../survey-links.ts';
import { type UnsubscribePorts, unsubscribe } from '../unsubscribe.ts';
import { type CompanyIdentity, LANGUAGE_FIELD, type Markup, PAGE_HEADERS } from './page-layout.ts';
import { type PageTextKey, pageText } from './page-text.ts';
import {
  closedPage,
  FACTOR_CHOICES,
  type FactorChoice,
  type FormContent,
  formPage,
  HONEYPOT_FIELD,
  messagePage,
  type PageFrame,
  type PageLinks,
  thanksPage,
  unsubscribedPage,
  unsubscribePage,
} from './survey-pages.ts';

export interface SurveyAppPorts extends RecordAnswerPorts, UnsubscribePorts {
  readonly linkKeys: LinkKeys;
  readonly identity: CompanyIdentity;
  /** Told of failures that a customer saw as "please try again". Gets the route, never the path. */
  readonly onFailure: (route: string, error: unknown) => void;
}

/** Largest body that is read, in bytes. */
const MOST_BYTES = 8192;
const ANSWER_ROUTE = 'r';
const MULTIPART_TYPE = 'multipart/form-data';
const FORM_TYPES: readonly string[] = ['application/x-www-form-urlencoded', MULTIPART_TYPE];

/** Status, page, and what only some responses have. */
interface Reply {
  readonly status: 200 | 400 | 404 | 405 | 410 | 413 | 415 | 503;
  readonly body: Markup | '';
  readonly allow?: string;
}

/**
 * The survey's pages: `/r/:token` to answer, `/u/:token` to unsubscribe. GET and HEAD never write. Forged, cut and unknown
 * tokens get the same page. The same app serves Lambda and Node.
 */
export const surveyApp = (ports: SurveyAppPorts): Hono => {
  const app = new Hono();
  const { identity } = ports;
  const route = (name: string, purpose: LinkPurpose, open: Opener, post: Poster): void => {
    app.all(`/${name}/:token`, async (context) => {
      try {
        return await send(context, await answer(context, purpose, open, post));
      } catch (error) {
        ports.onFailure(`/${name}/:token`, error);
        return send(context, {
          status: 503,
          body: messagePage(identity, undefined, 'problemBusyTitle', 'unavailable'),
        });
      }
    });
  };

  const answer = async (context: Context, purpose: LinkPurpose, open: Opener, post: Poster): Promise<Reply> => {
    const { method } = context.req;
    if (!['GET', 'HEAD', 'POST'].includes(method)) {
      return {
        status: 405,
        body: messagePage(identity, undefined, 'notFoundTitle', 'problemMethod'),
        allow: 'GET, HEAD, POST',
      };
    }
    const token = context.req.param('token') ?? '';
    const check = checkLinkToken(ports.linkKeys, purpose, token, ports.clock.now());
    const invitation = check.kind === 'refused' ? undefined : await ports.invitations.get(check.invitationId);
    if (invitation === undefined) return { status: 404, body: notFound() };
    const language = languageOf(context, invitation);
    const frame: PageFrame = { language, identity, token };
    if (check.kind === 'expired') {
      return purpose === 'answer'
        ? closed(frame, invitation)
        : { status: 410, body: messagePage(identity, language, 'expiredTitle', 'expired') };
    }
    if (method !== 'POST') return open(frame, invitation, context);
    const form = await readForm(context);
    if (form === 'tooLarge')
      return { status: 413, body: messagePage(identity, language, 'problemTitle', 'problemSize') };
    if (form === 'wrongType')
      return { status: 415, body: messagePage(identity, language, 'problemTitle', 'problemType') };
    if (form === 'malformed')
      return { status: 400, body: messagePage(identity, language, 'problemTitle', 'problemFields') };
    return post(frame, invitation, form);
  };
  const notFound = (): Markup => messagePage(identity, undefined, 'notFoundTitle', 'notFound');

  const linksOf = (invitation: Invitation): PageLinks => ({
    unsubscribe: unsubscribeLink(
      { publicBaseUrl: '', linkKeys: ports.linkKeys },
      invitation.invitationId,
      invitation.closesAt,
    ).slice('/u/'.length),
    timeZone: ports.businessTimeZone,
  });
  const formReply = (
    status: 200 | 400 | 503,
    frame: PageFrame,
    invitation: Invitation,
    content: FormContent,
  ): Reply => ({
    status,
    body: formPage(frame, invitation, content, linksOf(invitation)),
  });
  const closed = (frame: PageFrame, invitation: Invitation): Reply => ({
    status: 410,
    body: closedPage(frame, linksOf(invitation)),
  });
  const knownAnswer = async (invitation: Invitation): Promise<Answer | undefined> =>
    (await ports.answers.get(invitation.invitationId))?.answer;

  const openForm: Opener = async (frame, invitation, context) => {
    if (ports.clock.now() >= invitation.closesAt) return closed(frame, invitation);
    const known = await knownAnswer(invitation);
    const linked = context.req.query('a');
    const fromMail =
      linked !== undefined && /^\d{1,2}$/u.test(linked) && isOnScale(invitation.question, Number(linked));
    return formReply(200, frame, invitation, {
      score: fromMail ? Number(linked) : (known?.score ?? undefined),
      comment: known?.comment ?? '',
      wishes: known?.wishes ?? [],
      factor: known?.factor,
      fromMail,
      keepsComment: (known?.comment ?? '') !== '',
    });
  };

  const postForm: Poster = async (frame, invitation, form) => {
    if (ports.clock.now() >= invitation.closesAt) return closed(frame, invitation);
    const wanted = form.get(LANGUAGE_FIELD);
    if (wanted !== null) form.delete(LANGUAGE_FIELD);
    const parsed = parseAnswer(form, invitation);
    if (isSurveyLanguage(wanted)) {
      const keepsComment = ((await knownAnswer(invitation))?.comment ?? '') !== '';
      return formReply(200, { ...frame, language: wanted }, invitation, {
        ...parsed.content,
        fromMail: false,
        keepsComment,
      });
    }
    const problem = wanted === null ? parsed.problem : 'problemFields';
    if (problem !== undefined || parsed.answer === undefined) {
      const { from, to } = scaleRange(invitation.question);
      const key = problem ?? 'problemFields';
      return formReply(400, frame, invitation, {
        ...parsed.content,
        fromMail: false,
        keepsComment: false,
        problem: { text: pageText(frame.language, key, { from, to }), field: FIELD_OF_PROBLEM[key] ?? 'form' },
      });
    }
    let result: RecordResult;
    try {
      result = await recordAnswer({ invitationId: invitation.invitationId, ...parsed.answer }, ports);
    } catch (error) {
      ports.onFailure(`/${ANSWER_ROUTE}/:token`, error);
      return formReply(503, frame, invitation, {
        ...parsed.content,
        fromMail: false,
        keepsComment: false,
        problem: { text: pageText(frame.language, 'problemBusy'), field: 'form' },
      });
    }
    if (result.kind === 'closed') return closed(frame, invitation);
    if (result.kind === 'unknown') return { status: 404, body: notFound() };
    return { status: 200, body: thanksPage(frame, result.answer, invitation, linksOf(invitation)) };
  };

  const openUnsubscribe: Opener = async (frame, invitation) => {
    const contact = await ports.contacts.get(invitation.addressKey);
    return { status: 200, body: unsubscribePage(frame, contact?.unsubscribed !== undefined) };
  };

  const postUnsubscribe: Poster = async (frame, invitation, form) => {
    const entries = [...form.entries()];
    const [name, value] = entries[0] ?? [];
    const oneClick = name === 'List-Unsubscribe' && value === 'One-Click';
    const byPage = name === 'action' && (value === 'unsubscribe' || value === 'resubscribe');
    if (entries.length !== 1 || (!oneClick && !byPage)) {
      return { status: 400, body: messagePage(identity, frame.language, 'problemTitle', 'problemFields') };
    }
    const undo = value === 'resubscribe';
    if ((await unsubscribe({ invitationId: invitation.invitationId, undo }, ports)) === 'unknown') {
      return { status: 404, body: notFound() };
    }
    return { status: 200, body: oneClick ? '' : unsubscribedPage(frame, undo) };
  };

  route(ANSWER_ROUTE, 'answer', openForm, postForm);
  route('u', 'unsub', openUnsubscribe, postUnsubscribe);
  app.all('*', (context) => send(context, { status: 404, body: notFound() }));
  return app;
};

type Opener = (frame: PageFrame, invitation: Invitation, context: Context) => Promise<Reply>;
type Poster = (frame: PageFrame, invitation: Invitation, form: URLSearchParams) => Promise<Reply>;

const send = async (context: Context, reply: Reply): Promise<Response> => {
  const headers = new Headers(PAGE_HEADERS);
  if (reply.allow !== undefined) headers.set('Allow', reply.allow);
  if (reply.body !== '') headers.set('Content-Type', 'text/html; charset=utf-8');
  const body = context.req.method === 'HEAD' || reply.body === '' ? null : String(await reply.body);
  return new Response(body, { status: reply.status, headers });
};

const languageOf = (context: Context, invitation: Invitation): SurveyLanguage => {
  const wanted = context.req.query('lang');
  return isSurveyLanguage(wanted) ? wanted : invitation.language;
};

const isSurveyLanguage = (text: string | null | undefined): text is SurveyLanguage => text === 'en' || text === 'zh-CN';

/** Reads a small form. What is too large is not read to its end. */
const readForm = async (context: Context): Promise<URLSearchParams | 'tooLarge' | 'wrongType' | 'malformed'> => {
  const type = context.req.header('content-type') ?? '';
  if (!FORM_TYPES.includes(type.split(';')[0]?.trim().toLowerCase() ?? '')) return 'wrongType';
  if (Number(context.req.header('content-length') ?? 0) > MOST_BYTES) return 'tooLarge';
  const bytes = await readAtMost(context.req.raw.body, MOST_BYTES);
  if (bytes === undefined) return 'tooLarge';
  if (!type.toLowerCase().startsWith(MULTIPART_TYPE)) {
    try {
      return new URLSearchParams(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      return 'malformed';
    }
  }
  try {
    const fields = await new Response(bytes, { headers: { 'Content-Type': type } }).formData();
    const form = new URLSearchParams();
    for (const [name, value] of fields) form.append(name, typeof value === 'string' ? value : 'file');
    return form;
  } catch {
    return 'malformed';
  }
};

const readAtMost = async (
  body: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
};

const isWish = (text: string): text is Wish => WISHES.some((wish) => wish === text);
const isFactorChoice = (text: string | null): text is FactorChoice => FACTOR_CHOICES.some((one) => one === text);
const SINGLE_FIELDS: readonly string[] = ['score', 'comment', 'factor', HONEYPOT_FIELD];
const FIELDS: readonly string[] = [...SINGLE_FIELDS, 'wish'];
const FIELD_OF_PROBLEM: Partial<Record<PageTextKey, 'score' | 'comment'>> = {
  problemScore: 'score',
  problemComment: 'comment',
};

interface ParsedForm {
  /** What of it can be shown again. */
  readonly content: Pick<FormContent, 'score' | 'comment' | 'wishes' | 'factor'>;
  /** Absent where there is a problem. */
  readonly answer?: Omit<AnswerForm, 'invitationId'>;
  readonly problem?: PageTextKey;
}

/** The answer in a form, or what is wrong with it. */
const parseAnswer = (form: URLSearchParams, invitation: Invitation): ParsedForm => {
  const text = form.get('score') ?? '';
  const score = /^\d{1,2}$/u.test(text) ? Number(text) : undefined;
  const onScale = score !== undefined && isOnScale(invitation.question, score);
  const comment = cleanComment(form.get('comment') ?? '');
  const given = form.getAll('wish');
  const wishes = given.filter(isWish);
  const named = form.get('factor');
  const factor = isFactorChoice(named) ? named : undefined;
  const content = { score: onScale ? score : undefined, comment, wishes, factor };
  const strange = [...form.keys()].some((name) => !FIELDS.includes(name));
  const repeated = SINGLE_FIELDS.some((name) => form.getAll(name).length > 1);
  const unknown = wishes.length !== given.length || (named !== null && factor === undefined);
  if (strange || repeated || unknown) return { problem: 'problemFields', content };
  // Whom the mail does not concern has nothing to say on the scale.
  const needsNone = text === '' && wishes.includes('notMe');
  if (!onScale && !needsNone) return { problem: 'problemScore', content };
  if (!isCommentShortEnough(comment)) return { problem: 'problemComment', content };
  const honeypot = (form.get(HONEYPOT_FIELD) ?? '') !== '';
  return {
    answer: { score: score ?? null, comment, wishes, honeypot, ...(factor === undefined ? {} : { factor }) },
    content,
  };
};
