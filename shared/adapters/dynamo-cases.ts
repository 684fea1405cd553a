import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { caseEvents } from '../domain/document-events.ts';
import { type Expiry, expiryOf, RETENTION_DAYS } from '../domain/retention.ts';
import type { CaseArchive, CaseStore, CustomerCase } from '../ports/case-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DocumentTable } from '../ports/document-table.ts';
import type { Outbox } from '../ports/outbox.ts';
import { changeDocument, dynamoDocuments } from './dynamo-documents.ts';

/** Most open cases that are listed. */
const MOST_LISTED = 100_000;

/** Cases in the table `cases`; open and taken ones are in its sparse index `open`, ascending by due time. */
export const dynamoCases = (client: DynamoDBClient, table: string, clock?: Clock): CaseStore & CaseArchive & Outbox =>
  casesOver(
    dynamoDocuments(client, {
      table,
      key: 'caseId',
      isDocument: isCase,
      expiry: caseExpiry(clock),
      hasOutbox: true,
      index: {
        name: 'open',
        partitionKey: 'open',
        sortKey: 'due',
        partition: 'open',
        sortValueOf: (known) => (known.state === 'closed' ? undefined : known.dueAt),
      },
    }),
  );

/** Without a clock nothing ends. */
export const caseExpiry = (clock: Clock | undefined): Expiry<CustomerCase> | undefined =>
  clock && {
    of: ({ state, history, openedAt }) =>
      state === 'closed' ? expiryOf(history.at(-1)?.at ?? openedAt, RETENTION_DAYS.closedCases) : undefined,
    now: () => clock.now(),
  };

const isCase = (value: unknown): value is CustomerCase =>
  typeof value === 'object' && value !== null && 'caseId' in value && 'owner' in value && 'dueAt' in value;

/** Cases over any table of documents. Whatever the history of a case gains is told other systems. */
export const casesOver = (documents: DocumentTable<CustomerCase>): CaseStore & CaseArchive & Outbox => ({
  waiting: () => documents.waiting(),
  createIfAbsent: async (opened) =>
    (await documents.put(opened.caseId, opened, null, caseEvents(undefined, opened))) === 'stored'
      ? 'created'
      : 'exists',
  get: async (caseId) => (await documents.get(caseId))?.document,
  update: (caseId, change) =>
    changeDocument(documents, caseId, (known) => (known === undefined ? undefined : change(known)), caseEvents),
  listOpen: () => documents.listIndexed(MOST_LISTED),
  ofCustomer: async (customerId) =>
    (await documents.search(JSON.stringify(customerId))).filter((one) => one.customerId === customerId),
  all: () => documents.search('"caseId"'),
  remove: (caseId) => documents.remove(caseId),
});
