import { type ComposedMail, composeSurveyMail, type SurveyMailInput } from '#shared/application/compose-mail.ts';
import type { MailLanguage } from '#shared/domain/mail-text.ts';
import type { QuestionKind } from '#shared/domain/policy.ts';

export const TOKEN =
  'https://survey.bank.example.com/r/k1.Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4';

/** A survey mail with all that a mail can have. */
export const survey = (over: Partial<SurveyMailInput> = {}): SurveyMailInput => ({
  kind: 'invitation',
  language: 'zh-CN',
  question: 'nps',
  recipient: { name: '王小明', address: 'wang@example.com' },
  sender: { company: '示例银行', address: 'survey@bank.example.com', postalAddress: '上海市示例路1号\n邮编200000' },
  signatory: { manager: '李静', branch: '浦东支行' },
  replyTo: 'care@bank.example.com',
  closingDate: '2026-06-14',
  links: {
    score: (score) => `${TOKEN}?score=${score}`,
    page: TOKEN,
    otherLanguage: `${TOKEN}?lang=en`,
    unsubscribe: TOKEN.replace('/r/', '/u/'),
  },
  howToVerify: '请致电955xx核实。',
  ...over,
});

/** The mail as a customer of the language gets it. */
export const composedFor = (language: MailLanguage, question: QuestionKind = 'nps'): Promise<ComposedMail> =>
  composeSurveyMail(
    survey(
      language === 'zh-CN'
        ? { question }
        : {
            language,
            question,
            recipient: { name: 'Ann Miller', address: 'ann@example.com' },
            sender: {
              company: 'Example Bank',
              address: 'survey@bank.example.com',
              postalAddress: '1 Example Road\nShanghai 200000, China',
            },
            links: { ...survey().links, otherLanguage: `${TOKEN}?lang=zh-CN` },
            signatory: { manager: 'Li Jing', branch: 'Pudong branch' },
            howToVerify: 'Ask your account manager, or call the number on your account statement.',
          },
    ),
  );
