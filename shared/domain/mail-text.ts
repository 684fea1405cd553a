import { PermanentError } from '#shared/errors.ts';

/** Languages that mails are written in. */
export const MAIL_LANGUAGES = ['en', 'zh-CN'] as const;
export type MailLanguage = (typeof MAIL_LANGUAGES)[number];

/**
 * All sentences of the mails. `{name}` stands for a value; both languages have the same keys and the same values, which a
 * test proves. Nothing here praises or offers anything: a survey that advertises is advertising by law.
 */
const EN = {
  'survey.subject.invitation': '{company}: one question about our service',
  'survey.subject.reminder': 'Reminder: one question from {company}, open until {date}',
  'survey.preheader': 'It takes about {minutes} and is open until {date}. No login.',
  'survey.greeting': 'Dear {name},',
  'survey.greeting.noName': 'Hello,',
  'survey.intro.invitation':
    'You are a customer of {company}, and we would like to know how our service has been for you. It is one question and takes about {minutes}.',
  'survey.intro.reminder':
    'Some days ago we asked you one question about our service and have no answer from you yet. It takes about {minutes}. We send no further reminder.',
  'survey.question.nps': 'How likely are you to recommend {company} to a friend or colleague?',
  'survey.question.csat': 'How satisfied are you with the service of {company}?',
  'survey.question.ces': 'How far do you agree: “{company} makes it easy for me to get things done”?',
  'survey.low.nps': 'not at all likely',
  'survey.high.nps': 'extremely likely',
  'survey.low.csat': 'very dissatisfied',
  'survey.high.csat': 'very satisfied',
  'survey.low.ces': 'strongly disagree',
  'survey.high.ces': 'strongly agree',
  'survey.scoreName': '{score}, on a scale from {from} ({low}) to {to} ({high})',
  'survey.confirm':
    'A number opens a page on which you confirm it and may add a comment. Nothing is stored before that.',
  'survey.confirm.text':
    'There you choose a number from {from} to {to} and may add a comment. Nothing is stored before you press “Send”.',
  'survey.page': 'Or open the page without choosing a number',
  'survey.page.text': 'Answer on this page:',
  'survey.inThisLanguage': 'Answer in English',
  'survey.inThisLanguage.text': 'Answer in English:',
  'survey.scale': '{from} is {low}, {to} is {high}.',
  'survey.closing': 'You can answer, and change your answer, until {date}.',
  'survey.use.title': 'What happens with your answer',
  'survey.use.linked': 'Your answer is linked to your account; it is not anonymous.',
  'survey.use.seen':
    'It is seen by the people at {company} who look after you and by those responsible for service quality.',
  'survey.use.affects':
    'We use it to improve our service, to call you back where something went wrong, and as one part of planning how we look after you. An answer alone never ends a business relationship.',
  'survey.trust.title': 'Is this mail genuine?',
  'survey.trust.never': 'We never ask for passwords, codes or payments, neither here nor on the page.',
  'survey.trust.personal':
    'The links are for you alone. If you forward this mail, remove them first: whoever opens them can answer in your name.',
  'survey.trust.reply': 'You can also reply to this mail; people read what arrives at {replyTo}.',
  'survey.sign': 'Kind regards',
  'survey.sign.manager': 'your account manager',
  'survey.purpose': 'You receive this mail as a customer of {company}, only to ask for your opinion of our service.',
  'survey.unsubscribe': 'Stop surveys to this address',
  'survey.unsubscribe.text': 'Stop surveys to this address:',
  'unit.minute': '1 minute',
  'unit.minutes': '{count} minutes',
  'notice.subject.runHeld': '[Resegment] Run {id} is held',
  'notice.subject.runFailed': '[Resegment] Run {id} failed',
  'notice.subject.runDegraded': '[Resegment] Run {id} is published, with records left out',
  'notice.subject.waveHeld': '[Resegment] Survey wave {id} stopped sending',
  'notice.subject.staffReturned': '[Resegment] Mail to the staff comes back',
  'notice.intro.runHeld': 'Run {id} (data as of {date}) stopped before writing anything. No segment has changed.',
  'notice.intro.runFailed': 'Run {id} (data as of {date}) failed. The segments published before are still in force.',
  'notice.intro.runDegraded':
    'Run {id} (data as of {date}) is published, but more records than allowed are in quarantine.',
  'notice.intro.waveHeld':
    'Survey wave {id} stopped sending on {date}. Links in the mails sent so far go on taking answers. It does not go on by itself.',
  'notice.intro.staffReturned':
    'Mail to {id} came back for good on {date}, or was called spam: nothing more reaches the address in the staff directory. Mails about cases go to the next in line until "import staff" brings another address; an action list is not sent again. What else comes back on this day is not told by mail: "case list" and "run show" say it.',
  'notice.brake': 'Brake',
  'notice.actual': 'Actual',
  'notice.limit': 'Limit',
  'notice.what': 'What it says',
  'notice.next': 'What you can do',
  'notice.command.look': 'Look at it',
  'notice.command.goOn': 'Go on',
  'notice.command.discard': 'Discard it',
  'notice.report': 'Report',
  'notice.until': 'You can go on until',
  'notice.footer': 'Sent by Resegment of {company} to its operators.',
  'brake.movedShare': 'customers who would move',
  'brake.flagShare': 'customers who would be flagged',
  'brake.inputDropShare': 'drop in input against last time',
  'brake.staleInputDays': 'age of the newest input, in days',
  'brake.emptiedSegment': 'segment that would be emptied',
  'brake.quarantineShare': 'records in quarantine',
  'brake.bounceShare': 'mails that bounced',
  'brake.complaintShare': 'mails reported as spam',
  'brake.dailyQuota': 'daily quota of the mail account',
  'brake.paused': 'mail account paused',
} as const;

export type MailTextKey = keyof typeof EN;

const ZH: Readonly<Record<MailTextKey, string>> = {
  'survey.subject.invitation': '{company}：请用一个问题评价我们的服务',
  'survey.subject.reminder': '提醒：{company}的一个问题，{date}截止',
  'survey.preheader': '约需{minutes}，请于{date}前（含当日）作答，无需登录。',
  'survey.greeting': '尊敬的{name}：',
  'survey.greeting.noName': '您好：',
  'survey.intro.invitation': '您是{company}的客户，我们想了解您对我们服务的感受。只有一个问题，约需{minutes}。',
  'survey.intro.reminder':
    '几天前我们向您提出了一个关于服务的问题，尚未收到您的回答。约需{minutes}。我们不会再次提醒。',
  'survey.question.nps': '您有多大可能向朋友或同事推荐{company}？',
  'survey.question.csat': '您对{company}的服务满意吗？',
  'survey.question.ces': '“在{company}办事很方便”，您在多大程度上同意这一说法？',
  'survey.low.nps': '完全不可能',
  'survey.high.nps': '非常可能',
  'survey.low.csat': '非常不满意',
  'survey.high.csat': '非常满意',
  'survey.low.ces': '完全不同意',
  'survey.high.ces': '完全同意',
  'survey.scoreName': '{score}分，评分范围从{from}分（{low}）到{to}分（{high}）',
  'survey.confirm': '点选分数会打开一个页面，由您确认后提交，也可以留言。确认之前不会保存任何内容。',
  'survey.confirm.text': '在页面上选择{from}到{to}之间的分数，也可以留言。按下“提交”之前不会保存任何内容。',
  'survey.page': '也可以不选分数，直接打开页面',
  'survey.page.text': '请在此页面回答：',
  'survey.inThisLanguage': '用中文回答',
  'survey.inThisLanguage.text': '用中文回答：',
  'survey.scale': '{from}分表示{low}，{to}分表示{high}。',
  'survey.closing': '{date}前（含当日）可以回答，也可以修改您的回答。',
  'survey.use.title': '您的回答如何使用',
  'survey.use.linked': '您的回答会与您的账户关联，不是匿名的。',
  'survey.use.seen': '{company}负责为您服务的人员和负责服务质量的人员可以看到您的回答。',
  'survey.use.affects':
    '我们用它来改进服务，在出现问题时与您联系，并作为安排对您服务方式的参考之一。仅凭一次回答绝不会终止业务关系。',
  'survey.trust.title': '如何确认这封邮件是真实的',
  'survey.trust.never': '无论在邮件还是页面中，我们绝不会索要密码、验证码或要求付款。',
  'survey.trust.personal': '邮件中的链接仅供您本人使用。转发前请先删除链接，否则他人可以用您的名义作答。',
  'survey.trust.reply': '您也可以直接回复本邮件，发往 {replyTo} 的邮件有专人查看。',
  'survey.sign': '顺颂商祺',
  'survey.sign.manager': '您的客户经理',
  'survey.purpose': '您作为{company}的客户收到此邮件，目的仅为征求您对我们服务的意见。',
  'survey.unsubscribe': '此地址不再接收调查邮件',
  'survey.unsubscribe.text': '此地址不再接收调查邮件，请打开：',
  'unit.minute': '1分钟',
  'unit.minutes': '{count}分钟',
  'notice.subject.runHeld': '[Resegment] 运行 {id} 已暂停',
  'notice.subject.runFailed': '[Resegment] 运行 {id} 失败',
  'notice.subject.runDegraded': '[Resegment] 运行 {id} 已发布，但有记录被隔离',
  'notice.subject.waveHeld': '[Resegment] 调查批次 {id} 已停止发送',
  'notice.subject.staffReturned': '[Resegment] 发给员工的邮件被退回',
  'notice.intro.runHeld': '运行 {id}（数据截至{date}）在写入之前已停止，没有任何客户分类发生变化。',
  'notice.intro.runFailed': '运行 {id}（数据截至{date}）失败，此前发布的客户分类继续有效。',
  'notice.intro.runDegraded': '运行 {id}（数据截至{date}）已发布，但被隔离的记录超过允许的数量。',
  'notice.intro.waveHeld': '调查批次 {id} 已于{date}停止发送。已发出邮件中的链接仍可答复。不会自动恢复。',
  'notice.intro.staffReturned':
    '发给 {id} 的邮件已于{date}被永久退回或被标为垃圾邮件：员工名录中的邮箱不再能收到邮件。在通过 import staff 更正邮箱之前，个案邮件改发给下一位负责人；优先联系名单不会重发。当日其余退信不再另行通知，请用 case list 和 run show 查看。',
  'notice.brake': '制动项',
  'notice.actual': '实际值',
  'notice.limit': '上限',
  'notice.what': '说明',
  'notice.next': '您可以这样处理',
  'notice.command.look': '查看',
  'notice.command.goOn': '继续',
  'notice.command.discard': '放弃',
  'notice.report': '报告',
  'notice.until': '可继续执行的截止时间',
  'notice.footer': '由{company}的 Resegment 发送给运营人员。',
  'brake.movedShare': '将变动的客户',
  'brake.flagShare': '将被标记的客户',
  'brake.inputDropShare': '输入数据比上次减少',
  'brake.staleInputDays': '最新输入数据的天数',
  'brake.emptiedSegment': '将被清空的类别',
  'brake.quarantineShare': '被隔离的记录',
  'brake.bounceShare': '退回的邮件',
  'brake.complaintShare': '被投诉为垃圾邮件的邮件',
  'brake.dailyQuota': '邮件账户的每日限额',
  'brake.paused': '邮件账户已被暂停',
};

/** The catalogue of a language. */
export const MAIL_TEXTS: Readonly<Record<MailLanguage, Readonly<Record<MailTextKey, string>>>> = {
  en: EN,
  'zh-CN': ZH,
};

const PLACEHOLDER = /\{(\w+)\}/gu;

/** Names of the values that a sentence needs, sorted, each once. */
export const placeholdersOf = (sentence: string): readonly string[] =>
  [...new Set([...sentence.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ''))].sort();

/**
 * Fills a sentence. Values are inserted once and never read as sentences themselves, so braces in a name are harmless.
 *
 * @throws PermanentError `mail-text-value-missing` where a value is not given
 */
export const mailText = (
  language: MailLanguage,
  key: MailTextKey,
  values: Readonly<Record<string, string>> = {},
): string =>
  MAIL_TEXTS[language][key].replaceAll(PLACEHOLDER, (_whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) {
      throw new PermanentError('mail-text-value-missing', `the sentence ${key} needs a value for {${name}}`);
    }
    return value;
  });
