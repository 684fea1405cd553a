import PostalMime from 'postal-mime';
import { satisfactionNow } from '#shared/application/satisfaction-now.ts';
import { answerState } from '#shared/domain/answer-judgement.ts';
import { type Answer, judgementOf } from '#shared/domain/answer-rules.ts';
import { satisfactionText } from '#shared/domain/figure-text.ts';
import { answerLinkOf, willAnswer } from './simulated-answers.ts';
import type { Stack } from './stack.ts';

/** The customer whose invitation is left for whoever started the loop. */
export interface Reader {
  readonly customerId: string;
  readonly invitationId: string;
  readonly to: string;
  readonly mailUrl: string;
  readonly link: string;
}

/** The first invitation of the wave, in the reader's language if there is one, that no simulated customer will answer. */
export const findReader = async (
  stack: Stack,
  waveId: string,
  language: 'en' | 'zh-CN',
): Promise<Reader | undefined> => {
  let other: Reader | undefined;
  for (const mail of stack.mail.mails({ tags: { run: waveId, kind: 'invitation' } })) {
    const invitationId = mail.tags['inv'];
    if (willAnswer(mail.to) || invitationId === undefined) continue;
    const invitation = await stack.tool.invitations.get(invitationId);
    const { raw } = await stack.mail.read(mail.id);
    const link = answerLinkOf((await PostalMime.parse(raw)).text ?? '');
    if (invitation === undefined || link === undefined) continue;
    const reader = {
      customerId: invitation.customerId,
      invitationId,
      to: mail.to,
      mailUrl: stack.mail.mailUrl(mail.id),
      link: new URL(new URL(link).pathname, stack.addresses.pages).href,
    };
    if (invitation.language === language) return reader;
    other ??= reader;
  }
  return other;
};

/** What is known of the reader's satisfaction and case now, as lines of text. */
export const showReader = async (stack: Stack, reader: Reader): Promise<string> => `
One invitation is left for you: you are customer ${reader.customerId} (${reader.to}).
Open this mail and answer it: ${reader.mailUrl}
  ${(await readerState(stack, reader)).replaceAll('\n', '\n  ')}
`;

const readerState = async (stack: Stack, reader: Reader): Promise<string> => {
  const facts = await stack.run.customers.get(reader.customerId);
  if (facts === undefined) return 'This customer is not known any more.';
  const figure = await satisfactionNow(reader.customerId, { ...stack.run, timeZone: stack.timeZone });
  if (figure === undefined) return 'No run is published.';
  const open = facts.openCase === undefined ? undefined : await stack.tool.cases.get(facts.openCase);
  return [
    `Satisfaction: ${satisfactionText(figure.satisfaction, 'en')}`,
    open === undefined
      ? 'Case: none'
      : `Case: ${open.state}, for ${open.owner.name}, due ${open.dueAt.slice(0, 16).replace('T', ' ')} UTC (${open.reason})`,
  ].join('\n');
};

/** Looks for the reader's answer and tells what it did, each time it changes. */
export const watchReader = (stack: Stack, reader: Reader, tell: (text: string) => void): void => {
  let seen = 0;
  const look = async (): Promise<void> => {
    const stored = await stack.tool.answers.get(reader.invitationId);
    if (stored === undefined || stored.answer.version === seen || stored.pending) return;
    seen = stored.answer.version;
    const state = (await readerState(stack, reader)).replaceAll('\n', '\n  ');
    tell(`\n${whatCame(stored.answer)}\n  ${state}\n`);
  };
  setInterval(() => void look().catch(() => undefined), 1_000).unref();
};

const whatCame = (answer: Answer): string => {
  const { answerId } = answer;
  const score = answer.score ?? 'without a score';
  switch (answerState(answer)) {
    case 'counted':
      return `Your answer arrived: ${score}.`;
    case 'suspect':
      return `Your answer arrived: ${score}. It looks like a machine's and counts for nothing until a person confirms it:\n  npx resegment answer confirm --reason "it was me" --as NAME -- ${answerId}`;
    case 'confirmed':
      return `Your answer, ${score}, was confirmed by ${judgementOf(answer)?.by ?? '?'}.`;
    case 'discarded':
      return `Your answer, ${score}, was discarded by ${judgementOf(answer)?.by ?? '?'} and counts for nothing.`;
  }
};
