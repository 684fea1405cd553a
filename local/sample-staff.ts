import { readCsv } from '#shared/application/import/csv-rows.ts';
import { csv } from './sample-draws.ts';

export const STAFF_COLUMNS = ['name', 'email', 'superior', 'branch', 'role', 'language'] as const;

/** Heads of branches; no sample has customers of theirs. */
const HEADS = [
  'Ouyang Qing',
  'Shangguan Rui',
  'Situ Hong',
  'Zhuge Ping',
  'Huangfu Xin',
  'Dongfang Yu',
  'Murong Zhen',
  'Xiahou Ning',
  'Linghu Song',
  'Gongsun Mei',
  'Taishi Kun',
  'Zhangsun Lu',
  'Weisheng An',
  'Zhongli Fei',
] as const;
const CENTRAL = 'Duanmu Hua';

/**
 * Makes up the employees of a sample, as CSV: its account managers under the heads of their branches, and those under one person
 * at the central queue. Every other one reads Chinese. Addresses are at bank.example.com.
 *
 * @param customersCsv with columns `branch` and `manager`
 */
export const sampleStaff = async (customersCsv: string): Promise<string> => {
  const { header, rows } = await readCsv(textChunks(customersCsv), { name: 'sample' });
  const [branchAt, managerAt] = [header.indexOf('branch'), header.indexOf('manager')];
  const branchOf = new Map<string, string>();
  for await (const { fields } of rows) {
    const manager = fields[managerAt];
    if (manager !== undefined && manager !== '') branchOf.set(manager, fields[branchAt] ?? '');
  }
  const branches = [...new Set(branchOf.values())].filter((branch) => branch !== '').sort();
  const headOf = new Map(
    branches.map((branch, index) => [branch, HEADS[index] ?? `${HEADS[index % HEADS.length]} ${index}`]),
  );
  const line = (
    index: number,
    name: string,
    superior: string,
    branch: string,
    role: 'manager' | 'branchHead' | 'central',
  ): string =>
    [
      name,
      `${name.toLowerCase().replaceAll(' ', '.')}@bank.example.com`,
      superior,
      branch,
      role,
      index % 2 === 0 ? 'en' : 'zh-CN',
    ].join(',');
  const managers = [...branchOf].sort(([a], [b]) => (a < b ? -1 : 1));
  return csv(STAFF_COLUMNS, [
    line(0, CENTRAL, '', '', 'central'),
    ...branches.map((branch, index) => line(index, headOf.get(branch) ?? CENTRAL, CENTRAL, branch, 'branchHead')),
    ...managers.map(([manager, branch], index) =>
      line(index, manager, headOf.get(branch) ?? CENTRAL, branch, 'manager'),
    ),
  ]);
};

async function* textChunks(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
