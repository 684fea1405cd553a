import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';

const EN = {
  otherLanguage: '中文',
  title: 'Your opinion',
  chosen: 'We have marked the number you chose in the mail. Nothing is sent until you press “Send”.',
  comment: 'What is the main reason? (optional)',
  commentHint: 'Up to 1,000 characters. Please write no passwords or account numbers.',
  commentKept: 'Your earlier comment is kept unless you write another.',
  factor: 'What decides most when you choose a company like {company}? (optional)',
  factorPrice: 'Price',
  factorBrand: 'Brand and reputation',
  factorWordOfMouth: 'What others say about it',
  factorService: 'Service',
  factorNone: 'None of these, or I would rather not say',
  wishes: 'Would you like something else? (optional)',
  wishCall: 'Please call me',
  wishComplaint: 'This is a complaint',
  wishNotMe: 'This mail was not meant for me',
  notMeHint: 'You need not choose a number. We will check our records, and nothing is counted.',
  honeypot: 'Leave this field empty',
  send: 'Send',
  linked:
    'Your answer is linked to your customer account. Your account manager and branch see it, and it helps us decide how we serve you.',
  closes: 'You can answer and change your answer until {date}.',
  neverAsk: 'We never ask for passwords.',
  unsubscribe: 'No more surveys',
  thanksTitle: 'Thank you',
  thanks: 'We have recorded your answer: {score} out of {to}.',
  thanksNotMe: 'We have recorded that this mail was not meant for you.',
  thanksComment: 'Your comment:',
  nextTitle: 'What happens next',
  next: 'Your answer goes to the people who look after you, and into the next monthly review of our service. If you would like a call, change the answer and choose “Please call me”.',
  nextCall: 'You asked for a call. Somebody at {company} will call you by {date}.',
  nextComplaint: 'We have taken up your complaint. Somebody at {company} will get in touch with you by {date}.',
  nextLow:
    'We are sorry that we have not done better. Somebody at {company} will look into it and get in touch with you by {date}.',
  nextNotMe:
    'We have noted that the mail was not meant for you, and will check our records by {date}. Your answer is not counted.',
  nextSuspect:
    'It looks as if a program sent this answer, so it is not counted yet. If it was you, choose “Change the answer” and press “Send” once more.',
  change: 'Change the answer',
  canChange: 'You can change your answer until {date}.',
  closedTitle: 'This survey has closed',
  closed:
    'Answers are no longer taken; one that you gave before counts. If you would like to tell us something, please write to {contact}.',
  expiredTitle: 'This link has expired',
  expired:
    'It worked for 13 months after the survey. If you would like to tell us something, please write to {contact}.',
  notFoundTitle: 'This link does not work',
  notFound: 'Please open the link in the mail again, or copy all of it. If it still fails, write to {contact}.',
  unsubTitle: 'No more surveys?',
  unsubScope:
    'We will send no more survey mails from {company} to the address this mail went to. Mails about your accounts and contracts are not affected.',
  unsubButton: 'Send me no more surveys',
  unsubDoneTitle: 'You will get no more surveys',
  unsubKeepsAnswer: 'An answer that you have given stays with us. You can undo this later with the same link.',
  unsubDone: 'We have noted it for all surveys of {company}. Mails about your accounts and contracts are not affected.',
  undoButton: 'Undo: surveys may come again',
  undoneTitle: 'Surveys may come again',
  undone: 'We have taken your unsubscription back.',
  problemTitle: 'Please check your answer',
  problemTab: 'Please check',
  problemScore: 'Choose one number from {from} to {to}, then press “Send”.',
  problemComment: 'The comment is longer than 1,000 characters. Shorten it, then press “Send”.',
  problemFields:
    'The form was not complete or had fields that do not belong to it. Open the link in the mail again and use the form there.',
  problemSize:
    'The form was too large, and nothing was stored. Open the link in the mail again and write a shorter comment.',
  problemType: 'This page takes only its own form. Open the link in the mail again and use the form there.',
  problemMethod: 'This page can only be opened or sent as a form.',
  problemBusyTitle: 'Please try again',
  problemBusy:
    'Your answer could not be stored just now. It is still in the form below: press “Send” again in a minute.',
  unavailable:
    'This page is not available just now, and nothing was stored. Open the link in the mail again in a minute.',
};

export type PageTextKey = keyof typeof EN;

const ZH: Readonly<Record<PageTextKey, string>> = {
  otherLanguage: 'English',
  title: '您的意见',
  chosen: '已为您选中邮件中点击的分数。按下“提交”之前不会发送任何内容。',
  comment: '主要原因是什么？（选填）',
  commentHint: '最多 1000 字。请勿填写密码或账号。',
  commentKept: '如不重新填写，将保留您之前的意见。',
  factor: '选择{company}这样的公司时，您最看重什么？（选填）',
  factorPrice: '价格',
  factorBrand: '品牌和声誉',
  factorWordOfMouth: '他人的口碑',
  factorService: '服务',
  factorNone: '以上都不是，或不愿说明',
  wishes: '您还有其他需要吗？（选填）',
  wishCall: '请给我回电',
  wishComplaint: '我要投诉',
  wishNotMe: '这封邮件不是给我的',
  notMeHint: '无需选择分数。我们会核对资料，您的回复不计入统计。',
  honeypot: '此栏请留空',
  send: '提交',
  linked: '您的回答与您的客户账户关联。您的客户经理和所属机构可以看到，我们据此改进对您的服务。',
  closes: '{date}之前您可以作答，也可以修改。',
  neverAsk: '我们绝不会索要密码。',
  unsubscribe: '不再接收调查',
  thanksTitle: '谢谢您',
  thanks: '您的回答已记录：{score} 分（满分 {to} 分）。',
  thanksNotMe: '我们已记下这封邮件不是给您的。',
  thanksComment: '您的意见：',
  nextTitle: '接下来会怎样',
  next: '您的回答会转给负责您的工作人员，并用于我们下一次月度服务评估。如需回电，请修改回答并选择“请给我回电”。',
  nextCall: '您希望我们回电。{company}的工作人员会在{date}之前给您打电话。',
  nextComplaint: '我们已受理您的投诉。{company}的工作人员会在{date}之前与您联系。',
  nextLow: '很抱歉我们没有做好。{company}的工作人员会了解情况，并在{date}之前与您联系。',
  nextNotMe: '我们已记下这封邮件不是给您的，并会在{date}之前核对资料。您的回答不计入统计。',
  nextSuspect: '这份回答看起来像是由程序提交的，暂不计入。如果确实是您本人，请点击“修改回答”，再按一次“提交”。',
  change: '修改回答',
  canChange: '{date}之前可以修改您的回答。',
  closedTitle: '调查已结束',
  closed: '现已停止接收回答，您此前提交的回答仍然有效。如有意见，请写信至 {contact}。',
  expiredTitle: '链接已过期',
  expired: '此链接在调查结束后 13 个月内有效。如有意见，请写信至 {contact}。',
  notFoundTitle: '链接无效',
  notFound: '请重新打开邮件中的链接，或完整复制链接。如仍无法打开，请写信至 {contact}。',
  unsubTitle: '不再接收调查？',
  unsubScope: '我们将不再向收到此邮件的地址发送{company}的调查邮件。与您的账户和合同有关的邮件不受影响。',
  unsubButton: '不再给我发送调查',
  unsubDoneTitle: '您将不再收到调查',
  unsubKeepsAnswer: '您已提交的回答会保留。以后可通过同一链接撤销。',
  unsubDone: '已为{company}的所有调查登记退订。与您的账户和合同有关的邮件不受影响。',
  undoButton: '撤销：可以再发送调查',
  undoneTitle: '可以再发送调查',
  undone: '您的退订已撤销。',
  problemTitle: '请检查您的回答',
  problemTab: '请检查',
  problemScore: '请在 {from} 到 {to} 中选择一个分数，然后按“提交”。',
  problemComment: '意见超过 1000 字。请缩短后再按“提交”。',
  problemFields: '表单不完整，或包含不属于本页的内容。请重新打开邮件中的链接，使用页面上的表单。',
  problemSize: '提交的内容过大，未作保存。请重新打开邮件中的链接，并缩短意见。',
  problemType: '本页只接收自己的表单。请重新打开邮件中的链接，使用页面上的表单。',
  problemMethod: '本页只能打开，或以表单方式提交。',
  problemBusyTitle: '请再试一次',
  problemBusy: '暂时无法保存您的回答，内容仍保留在下面的表单中。请在一分钟后再次按“提交”。',
  unavailable: '本页暂时无法使用，未作任何保存。请在一分钟后重新打开邮件中的链接。',
};

const TEXTS: Readonly<Record<SurveyLanguage, Readonly<Record<PageTextKey, string>>>> = { en: EN, 'zh-CN': ZH };

/** A text of the pages with its placeholders filled in; plain text, not yet escaped. */
export const pageText = (
  language: SurveyLanguage,
  key: PageTextKey,
  values: Readonly<Record<string, string | number>> = {},
): string => TEXTS[language][key].replace(/\{(\w+)\}/gu, (whole, name: string) => String(values[name] ?? whole));

export const PAGE_TEXT_KEYS = Object.keys(EN);
/** Placeholders of a text, sorted; both languages must have the same. */
export const placeholdersOf = (language: SurveyLanguage, key: string): string =>
  [...(new Map(Object.entries(TEXTS[language])).get(key) ?? '').matchAll(/\{(\w+)\}/gu)]
    .map((match) => match[1])
    .sort()
    .join();
