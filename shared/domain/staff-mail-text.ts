import type { MailLanguage } from './mail-text.ts';

/** The sentences of mails to the staff. `{name}` stands for a value. */
const EN = {
  'case.subject.opened': '[Resegment] A customer needs you by {due}',
  'case.subject.overdue': '[Resegment] Overdue since {due}: a customer waits',
  'case.subject.escalated': '[Resegment] Escalated to you: a customer has waited since {opened}',
  'case.intro.opened': 'A customer gave an answer that a person has to look at. The case is yours.',
  'case.intro.overdue': 'This case is overdue, and nobody has closed it. It is yours.',
  'case.intro.escalated':
    'This case was open for twice the time it was given, and nobody has closed it. It was with {owner}; now it comes to you as well.',
  'case.passOn':
    'It belongs to {owner}, whom no mail reaches: the staff directory has no address, or mail to it came back. Please see to it that it is taken.',
  'case.customer': 'Customer',
  'case.segment': 'Segment',
  'case.branch': 'Branch',
  'case.manager': 'Account manager',
  'case.reason': 'Why',
  'case.score': 'Score',
  'case.score.of': '{score} on a scale from {from} to {to}',
  'case.priority': 'Priority',
  'case.opened': 'Since',
  'case.due': 'Due',
  'case.taken': 'Taken by',
  'case.reason.complaint': 'a complaint',
  'case.reason.callMe': 'wishes to be called',
  'case.reason.lowAnswer': 'a low answer',
  'case.reason.wrongPerson': 'the mail reached somebody else',
  'case.priority.high': 'high',
  'case.priority.normal': 'normal',
  'case.desk.branch': 'branch {name}',
  'case.desk.central': 'the central queue',
  'case.next': 'What to do',
  'case.command.look': 'Read it, with what the customer wrote',
  'case.command.take': 'Take it, so that nobody else does the same',
  'case.command.close': 'Close it when it is done',
  'case.privacy': 'What the customer wrote is not in this mail; it stays in the tool.',
  'actions.subject': '[Resegment] Whom to call first: {count} of your customers, data as of {date}',
  'actions.subject.branch': '[Resegment] Whom to call first in branch {name}: {count} customers, data as of {date}',
  'actions.subject.central':
    '[Resegment] Whom to call first in the central queue: {count} customers, data as of {date}',
  'actions.intro':
    'After run {run}, these customers need you, the most urgent first. The attached file has all of them, with the service plan of each.',
  'actions.cases': 'Open cases',
  'actions.proposals': 'Proposals to decide or prepare',
  'actions.falling': 'Falling, or likely to',
  'actions.rising': 'Rising',
  'actions.others': 'Others who moved',
  'actions.count': '{section} ({count})',
  'actions.more': '{count} more in the attached file or the tool',
  'actions.due': 'due {due}',
  'actions.plans': 'What their service plans say',
  'actions.command.list': 'The list as it is now',
  'actions.command.explain': 'Why one of them is where it is',
  'actions.command.flag': 'The proposals',
  footer:
    'You receive this as an employee of {company}, at the address of its staff directory. Please do not pass it on outside the company.',
} as const;

export type StaffMailKey = keyof typeof EN;

const ZH: Readonly<Record<StaffMailKey, string>> = {
  'case.subject.opened': '[Resegment] 有客户需要您在{due}前处理',
  'case.subject.overdue': '[Resegment] 已于{due}超时：客户仍在等待',
  'case.subject.escalated': '[Resegment] 已上报给您：客户自{opened}起一直在等待',
  'case.intro.opened': '有客户的答复需要专人跟进。该个案由您负责。',
  'case.intro.overdue': '该个案已超时，尚无人结案。该个案由您负责。',
  'case.intro.escalated': '该个案已超过规定时间的两倍，仍无人结案。原负责人：{owner}。现同时上报给您。',
  'case.passOn': '该个案属于{owner}，但邮件无法送达：员工名录中没有其邮箱，或邮件已被退回。请安排人员接手。',
  'case.customer': '客户',
  'case.segment': '类别',
  'case.branch': '网点',
  'case.manager': '客户经理',
  'case.reason': '原因',
  'case.score': '评分',
  'case.score.of': '{score}（{from} 至 {to} 分）',
  'case.priority': '优先级',
  'case.opened': '立案时间',
  'case.due': '时限',
  'case.taken': '接手人',
  'case.reason.complaint': '投诉',
  'case.reason.callMe': '希望回电',
  'case.reason.lowAnswer': '评分偏低',
  'case.reason.wrongPerson': '邮件发给了他人',
  'case.priority.high': '高',
  'case.priority.normal': '普通',
  'case.desk.branch': '{name}网点',
  'case.desk.central': '中心队列',
  'case.next': '如何处理',
  'case.command.look': '查看个案及客户留言',
  'case.command.take': '接手，以免他人重复处理',
  'case.command.close': '处理完毕后结案',
  'case.privacy': '本邮件不含客户留言；留言只在工具中查看。',
  'actions.subject': '[Resegment] 优先联系名单：您的 {count} 户客户，数据截至{date}',
  'actions.subject.branch': '[Resegment] {name}网点优先联系名单：{count} 户客户，数据截至{date}',
  'actions.subject.central': '[Resegment] 中心队列优先联系名单：{count} 户客户，数据截至{date}',
  'actions.intro': '运行 {run} 之后，以下客户需要您跟进，最紧急的在前。附件含全部客户及其服务方案。',
  'actions.cases': '未结个案',
  'actions.proposals': '待决定或准备的建议',
  'actions.falling': '下降或可能下降',
  'actions.rising': '上升',
  'actions.others': '其他变动',
  'actions.count': '{section}（{count} 户）',
  'actions.more': '另有 {count} 户，见附件或工具',
  'actions.due': '时限 {due}',
  'actions.plans': '各类别的服务方案',
  'actions.command.list': '查看最新名单',
  'actions.command.explain': '查看某客户为何在该类别',
  'actions.command.flag': '查看建议',
  footer: '您作为{company}的员工，按员工名录中的邮箱收到本邮件。请勿转发到公司以外。',
};

const TEXTS: Readonly<Record<MailLanguage, Readonly<Record<StaffMailKey, string>>>> = { en: EN, 'zh-CN': ZH };

/** The sentence in the language, with its values put in. A value that the sentence does not name is left out. */
export const staffMailText = (
  language: MailLanguage,
  key: StaffMailKey,
  values: Readonly<Record<string, string>> = {},
): string => TEXTS[language][key].replace(/\{(\w+)\}/gu, (_whole, name: string) => values[name] ?? '');

/** All keys, for tests. */
export const STAFF_MAIL_KEYS: readonly string[] = Object.keys(EN);
