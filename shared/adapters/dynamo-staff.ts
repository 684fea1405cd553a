import { DeleteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { STAFF_LANGUAGES, STAFF_ROLES, type StaffMember, staffKey } from '../domain/staff.ts';
import { RetryableError } from '../errors.ts';
import type { StaffStore } from '../ports/staff-store.ts';
import type { RecordStore } from '../ports/standing-store.ts';
import { attempt } from './dynamo-client.ts';
import { dynamoRecords } from './dynamo-records.ts';

const StoredMember = z.object({
  name: z.string(),
  email: z.string(),
  superior: z.nullable(z.string()),
  branch: z.nullable(z.string()),
  role: z.enum(STAFF_ROLES),
  language: z.enum(STAFF_LANGUAGES),
});

const TRIES = 10;

/** The directory as records of kind `STAFF` in table `runs`. @param table its physical name */
export const dynamoStaff = (client: DynamoDBClient, table: string): StaffStore =>
  staffOver(dynamoRecords({ client, table, kind: 'STAFF', schema: StoredMember }), async (id) => {
    await attempt(`delete STAFF ${id}`, () =>
      client.send(new DeleteItemCommand({ TableName: table, Key: { kind: { S: 'STAFF' }, id: { S: id } } })),
    );
  });

/** The directory over any records. @param removeRecord removing what is not there is no error */
export const staffOver = (
  records: RecordStore<StaffMember>,
  removeRecord: (id: string) => Promise<void>,
): StaffStore => ({
  list: async () => {
    const members = (await records.list()).map(({ record }) => record);
    return members.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  },
  put: async (member) => {
    const id = staffKey(member.name);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const known = await records.get(id);
      if (known === undefined) {
        if ((await records.create(id, member)) === 'created') return 'new';
      } else if (isSame(known.record, member)) return 'unchanged';
      else if ((await records.replace(id, member, known.rev)) === 'stored') return 'changed';
    }
    throw new RetryableError('staff-busy', `an entry of the staff directory kept changing under ${TRIES} attempts`);
  },
  remove: async (name) => {
    const id = staffKey(name);
    if ((await records.get(id)) === undefined) return 'unknown';
    await removeRecord(id);
    return 'removed';
  },
});

const isSame = (a: StaffMember, b: StaffMember): boolean =>
  a.name === b.name &&
  a.email === b.email &&
  a.superior === b.superior &&
  a.branch === b.branch &&
  a.role === b.role &&
  a.language === b.language;
