import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoStaff, staffOver } from '#shared/adapters/dynamo-staff.ts';
import type { StaffMember } from '#shared/domain/staff.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import { memoryRecords, memoryStaff } from '#test/support/memory-stores.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';

const LI: StaffMember = {
  name: 'Li Wei',
  email: 'li@bank.example.com',
  superior: null,
  branch: 'Pudong',
  role: 'manager',
  language: 'zh-CN',
};

let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const engines: Readonly<Record<string, () => StaffStore>> = {
  memory: () => memoryStaff(),
  dynamo: () => dynamoStaff(tables.client, 'runs'),
};

describe.each(Object.keys(engines))('the staff directory on %s', (engine) => {
  let staff: StaffStore;
  beforeEach(async () => {
    staff = engines[engine]?.() ?? memoryStaff();
    for (const one of await staff.list()) await staff.remove(one.name);
  });

  it('says whether an entry is new, changed or the same, and gives it back whole', async () => {
    expect(await staff.put(LI)).toBe('new');
    expect(await staff.put({ ...LI })).toBe('unchanged');
    expect(await staff.put({ ...LI, superior: '王芳' })).toBe('changed');
    expect(await staff.put({ ...LI, name: 'An Yi' })).toBe('new');

    expect(await staff.list()).toEqual([
      { ...LI, name: 'An Yi' },
      { ...LI, superior: '王芳' },
    ]);
  });

  it('forgets an entry for good, once', async () => {
    await staff.put(LI);

    expect(await staff.remove('Li Wei')).toBe('removed');
    expect(await staff.remove('Li Wei')).toBe('unknown');
    expect(await staff.list()).toEqual([]);
    expect(await staff.put(LI)).toBe('new');
  });

  it('keeps one entry of a name that many import at once', async () => {
    const emails = Array.from({ length: 6 }, (_, index) => `li${index}@bank.example.com`);

    const outcomes = await Promise.all(emails.map((email) => staff.put({ ...LI, email })));

    expect(outcomes.filter((one) => one === 'new')).toHaveLength(1);
    expect(await staff.list()).toHaveLength(1);
  });
});

it('R20 names no employee in the keys of the directory', async () => {
  const keys: string[] = [];
  const records = memoryRecords<StaffMember>();
  const noting = {
    ...records,
    create: (id: string, record: StaffMember) => {
      keys.push(id);
      return records.create(id, record);
    },
  };
  await staffOver(noting, async () => undefined).put(LI);

  expect(keys[0]).toMatch(/^[\w-]{22}$/u);
});
