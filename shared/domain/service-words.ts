import type { ServiceTerm } from './policy.ts';

type Words = readonly [en: string, zh: string];

/** What the terms of a service plan are called. */
const TERMS: Readonly<Record<string, Words>> = {
  price: ['Price', '价格政策'],
  approvals: ['Approval levels', '审批层级'],
  products: ['Products', '产品'],
  channel: ['Channel', '服务渠道'],
  contactDays: ['Contact every (days)', '联系间隔（天）'],
  newCredit: ['New credit', '新增授信'],
  valueProposition: ['Value proposition', '价值主张'],
  benefits: ['Loyalty benefits', '忠诚权益'],
};

/** Values that plans share; a plan may also write a text of its own, or a text per language. */
const VALUES: Readonly<Record<string, Words>> = {
  preferential: ['preferential', '优惠价（优质优价）'],
  market: ['market average', '市场平均价，不优惠'],
  high: ['high', '高价'],
  individual: ['individual', '量身定制'],
  standard: ['standard', '标准产品'],
  mass: ['mass-market', '大众标准产品'],
  managerTeam: ['account-manager team', '客户经理团队'],
  manager: ['account manager', '客户经理'],
  branch: ['branch counter', '网点柜台'],
  selfService: ['self-service', '自助渠道'],
  mail: ['e-mail', '电子邮件'],
  phone: ['telephone', '电话'],
  none: ['none', '无'],
};

/** The name of a term in words; one that the catalogue lacks is shown as the policy has it. */
export const termNameInWords = (name: string, lang: 'en' | 'zh'): string => inWords(TERMS, name, lang);

/** The value of a term in words: a text of the policy's own in the language asked for, or a word of the catalogue. */
export const termInWords = (term: ServiceTerm, lang: 'en' | 'zh'): string => {
  if (typeof term === 'object') return term[lang];
  return typeof term === 'number' ? String(term) : inWords(VALUES, term, lang);
};

const inWords = (catalogue: Readonly<Record<string, Words>>, key: string, lang: 'en' | 'zh'): string => {
  const words = Object.hasOwn(catalogue, key) ? catalogue[key] : undefined;
  return words === undefined ? key : words[lang === 'en' ? 0 : 1];
};
