import { createHash } from 'node:crypto';
import type { CustomerStore } from '#shared/ports/customer-store.ts';

const GIVEN = [
  'Ada',
  'Ben',
  'Chen',
  'Dora',
  'Emil',
  'Fang',
  'Gina',
  'Hao',
  'Iris',
  'Jun',
  'Kim',
  'Lena',
  'Ming',
  'Nora',
  'Otto',
  'Ping',
];
const GIVEN_ZH = [
  '安娜',
  '本杰明',
  '晨',
  '多拉',
  '建国',
  '芳',
  '桂英',
  '浩',
  '洁',
  '军',
  '静',
  '丽',
  '明',
  '娜',
  '强',
  '平',
];

/**
 * Invents an address at example.com, a name and a language for every customer: half English, half Simplified Chinese, all
 * with recorded consent. The same customers get the same contacts.
 *
 * @param date business date of the contacts
 * @returns CSV with the columns id, email, name, language, region, date, consent
 */
export const demoContactsCsv = async (customers: CustomerStore, date: string): Promise<string> => {
  const lines: string[] = [];
  for (let bucket = 0; bucket < customers.buckets; bucket += 1) {
    for await (const read of customers.readBucket(bucket)) {
      if (read.kind === 'customer') lines.push(contactLine(read.facts.customerId, date));
    }
  }
  return ['id,email,name,language,region,date,consent', ...lines.sort(), ''].join('\n');
};

const contactLine = (customerId: string, date: string): string => {
  const digest = createHash('sha256').update(`demo contact ${customerId}`).digest();
  const chinese = digest.readUInt8(0) % 2 === 0;
  const name = (chinese ? GIVEN_ZH : GIVEN)[digest.readUInt8(1) % GIVEN.length] ?? '';
  const email = `customer-${digest.toString('hex').slice(0, 12)}@example.com`;
  const id = /[",\r\n]/u.test(customerId) ? `"${customerId.replaceAll('"', '""')}"` : customerId;
  return [id, email, name, chinese ? 'zh-CN' : 'en', chinese ? 'CN' : 'GB', date, 'true'].join(',');
};
