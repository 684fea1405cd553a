import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type AnswerState, answerState } from '../domain/answer-judgement.ts';
import { answerEvents } from '../domain/document-events.ts';
import { type Expiry, expiryOf, RETENTION_DAYS } from '../domain/retention.ts';
import type { AnswerStore, StoredAnswer } from '../ports/answer-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DocumentTable } from '../ports/document-table.ts';
import type { Outbox } from '../ports/outbox.ts';
import { changeDocument, dynamoDocuments } from './dynamo-documents.ts';

/** Answers in the table `answers`; those that have yet to be projected are in its sparse index `pending`. */
export const dynamoAnswers = (client: DynamoDBClient, table: string, clock?: Clock): AnswerStore & Outbox =>
  answersOver(
    dynamoDocuments(client, {
      table,
      key: 'answerId',
      isDocument: isStoredAnswer,
      expiry: answerExpiry(clock),
      hasOutbox: true,
      index: {
        name: 'pending',
        partitionKey: 'pending',
        sortKey: 'pendingSince',
        partition: 'pending',
        sortValueOf: (stored) => (stored.pending ? stored.answer.at : undefined),
      },
    }),
  );

/** Without a clock nothing ends. */
export const answerExpiry = (clock: Clock | undefined): Expiry<StoredAnswer> | undefined =>
  clock && { of: ({ answer }) => expiryOf(answer.at, RETENTION_DAYS.answers), now: () => clock.now() };

const isStoredAnswer = (value: unknown): value is StoredAnswer =>
  typeof value === 'object' && value !== null && 'answer' in value && 'pending' in value && 'subject' in value;

/** Answers over any table of documents. The document's revision moves with every write, the answer's version with every change. */
export const answersOver = (documents: DocumentTable<StoredAnswer>): AnswerStore & Outbox => ({
  waiting: () => documents.waiting(),
  get: async (answerId) => (await documents.get(answerId))?.document,
  getMany: (answerIds) => documents.getMany(answerIds),
  put: async (stored, expectedVersion) => {
    const { answerId } = stored.answer;
    const found = await documents.get(answerId);
    if ((found?.document.answer.version ?? 0) !== expectedVersion) return 'conflict';
    return documents.put(answerId, stored, found?.rev ?? null, answerEvents(found?.document, stored));
  },
  clearPending: async (answerId, version) => {
    await changeDocument(documents, answerId, (stored) =>
      stored === undefined || stored.answer.version !== version || !stored.pending
        ? stored
        : { ...stored, pending: false },
    );
  },
  listPending: (limit) => documents.listIndexed(limit),
  ofCustomer: async (customerId) =>
    (await documents.search(JSON.stringify(customerId))).filter((one) => one.answer.customerId === customerId),
  list: async (state) =>
    (await documents.search(TEXT_OF_STATE[state]))
      .filter(({ answer }) => state === 'all' || answerState(answer) === state)
      .sort((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1)),
  remove: (answerId) => documents.remove(answerId),
});

/** What a document in a state contains, whatever else; the state itself is computed. */
const TEXT_OF_STATE: Readonly<Record<AnswerState | 'all', string>> = {
  all: '"answerId"',
  counted: '"suspect":false',
  suspect: '"suspect":true',
  confirmed: '"decision":"confirmed"',
  discarded: '"decision":"discarded"',
};

const sortKey = ({ answer }: StoredAnswer): string => `${answer.at} ${answer.answerId}`;
