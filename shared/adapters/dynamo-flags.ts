import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { flagEvents } from '../domain/document-events.ts';
import {
  byClosed,
  closedAt,
  FLAG_STATES,
  type Flag,
  type FlagKind,
  raised,
  settled,
  undone,
  withdrawn,
} from '../domain/flags.ts';
import { PermanentError, RetryableError } from '../errors.ts';
import type { FlagEraser, FlagStore } from '../ports/flag-store.ts';
import type { Outbox } from '../ports/outbox.ts';
import { attempt, type Item } from './dynamo-client.ts';
import { waitingEvents, writeWithEvents } from './dynamo-outbox.ts';
import { closedFlags, OPEN_FLAGS } from './table-keys.ts';

const FlagContent = z.object({
  kind: z.enum(['upgrade', 'exit']),
  subject: z.string(),
  customerId: z.string(),
  runId: z.string(),
  period: z.string(),
  segment: z.string(),
  branch: z.nullable(z.string()),
  manager: z.nullable(z.string()),
  stake: z.number(),
  evidence: z.record(z.string(), z.union([z.string(), z.number()])),
  raisedAt: z.string(),
  expiresOn: z.string(),
  decides: z.optional(z.string()),
  proposedBy: z.optional(z.string()),
  state: z.enum(FLAG_STATES),
  history: z.array(
    z.object({
      event: z.enum(['raised', 'confirmed', 'approved', 'refused', 'expired', 'withdrawn', 'reopened']),
      at: z.string(),
      by: z.string(),
      reason: z.optional(z.string()),
      cause: z.optional(
        z.discriminatedUnion('code', [
          z.object({ code: z.literal('undecided'), until: z.string() }),
          z.object({ code: z.literal('rollback'), why: z.string() }),
          z.object({ code: z.literal('runAbandoned'), runId: z.string() }),
        ]),
      ),
    }),
  ),
});

const TRIES = 10;

/** Proposals of table `flags`: key (subject, kind), in the index `open` while they are open and, by month, once they are closed. */
export const dynamoFlags = ({
  client,
  table,
}: {
  readonly client: DynamoDBClient;
  readonly table: string;
}): FlagStore & FlagEraser & Outbox => {
  const read = async (
    subject: string,
    kind: FlagKind,
  ): Promise<{ readonly flag: Flag | undefined; readonly rev: number }> => {
    const { Item } = await attempt('read a flag', () =>
      client.send(
        new GetItemCommand({
          TableName: table,
          Key: { subject: { S: subject }, kind: { S: kind } },
          ConsistentRead: true,
        }),
      ),
    );
    return Item === undefined ? { flag: undefined, rev: 0 } : { flag: decode(Item), rev: Number(Item['rev']?.N) };
  };

  const write = (before: Flag | undefined, next: Flag, rev: number, runId: string | undefined): Promise<boolean> =>
    writeWithEvents(client, {
      table,
      key: { subject: { S: next.subject }, kind: { S: next.kind } },
      set: {
        rev: { N: String(rev + 1) },
        flag: { S: JSON.stringify(next) },
        ...indexed(next),
      },
      remove: [],
      condition:
        rev === 0
          ? {
              ConditionExpression: 'attribute_not_exists(#subject)',
              ExpressionAttributeNames: { '#subject': 'subject' },
            }
          : {
              ConditionExpression: '#rev = :rev',
              ExpressionAttributeNames: { '#rev': 'rev' },
              ExpressionAttributeValues: { ':rev': { N: String(rev) } },
            },
      entries: flagEvents(before, next, runId),
    });

  /**
   * Applies a change under the item's revision; undefined changes nothing.
   *
   * @param runId whose doing it is, or whose is taken back; undefined for a person's and the calendar's
   */
  const change = async <R extends { readonly next: Flag }>(
    subject: string,
    kind: FlagKind,
    runId: string | undefined,
    decide: (stored: Flag | undefined) => R | undefined,
  ): Promise<R | undefined> => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { flag, rev } = await read(subject, kind);
      const decision = decide(flag);
      if (decision === undefined || (await write(flag, decision.next, rev, runId))) return decision;
    }
    throw new RetryableError(
      'flag-busy',
      `the flag ${kind} of ${subject} kept changing under ${TRIES} attempts to write it`,
    );
  };

  const query = async (partition: string): Promise<Flag[]> => {
    const flags: Flag[] = [];
    let startKey: Item | undefined;
    do {
      const page = await attempt('list flags', () =>
        client.send(
          new QueryCommand({
            TableName: table,
            IndexName: 'open',
            KeyConditionExpression: '#open = :open',
            ExpressionAttributeNames: { '#open': 'open' },
            ExpressionAttributeValues: { ':open': { S: partition } },
            ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
          }),
        ),
      );
      for (const item of page.Items ?? []) flags.push(decode(item));
      startKey = page.LastEvaluatedKey;
    } while (startKey !== undefined);
    return flags;
  };

  const asDecision = (next: Flag | undefined): { readonly next: Flag } | undefined =>
    next === undefined ? undefined : { next };

  return {
    raise: async (proposal) =>
      (await change(proposal.subject, proposal.kind, proposal.runId, (stored) => raised(stored, proposal)))?.outcome ??
      'unchanged',
    withdraw: async (subject, kind, runId, at) =>
      (await change(subject, kind, runId, (stored) => asDecision(withdrawn(stored, runId, at)))) === undefined
        ? 'notOpen'
        : 'withdrawn',
    settle: async (subject, kind, settlement) =>
      (await change(subject, kind, undefined, (stored) => asDecision(settled(stored, settlement)))) === undefined
        ? 'notOpen'
        : 'settled',
    undo: async (subject, kind, runId, rollback) =>
      (await change(subject, kind, runId, (stored) => undone(stored, runId, rollback)))?.outcome ?? 'unchanged',
    waiting: () => waitingEvents(client, table, ['subject', 'kind']),
    get: async (subject, kind) => (await read(subject, kind)).flag,
    remove: async (subject, kind) => {
      await attempt('erase a flag', () =>
        client.send(new DeleteItemCommand({ TableName: table, Key: { subject: { S: subject }, kind: { S: kind } } })),
      );
    },
    listOpen: async () => (await query(OPEN_FLAGS)).sort(byRaised),
    listClosed: async (month) => (await query(closedFlags(month))).sort(byClosed),
  };
};

/** Keys of the index `open`: open proposals together, closed ones by the month in which they were closed. */
const indexed = (flag: Flag): Item => {
  const at = closedAt(flag);
  return at === undefined
    ? { open: { S: OPEN_FLAGS }, raised: { S: flag.raisedAt } }
    : { open: { S: closedFlags(at.slice(0, 7)) }, raised: { S: at } };
};

/** Ascending by `raisedAt`, then subject and kind, so that the order is the same everywhere. */
export const byRaised = (a: Flag, b: Flag): number => {
  const [left, right] = [a, b].map((flag) => `${flag.raisedAt} ${flag.subject} ${flag.kind}`);
  return String(left) < String(right) ? -1 : 1;
};

const decode = (item: Item): Flag => {
  const parsed = z.safeParse(FlagContent, JSON.parse(item['flag']?.S ?? 'null'));
  if (!parsed.success) {
    throw new PermanentError('flag-unreadable', `the flag ${item['kind']?.S} of ${item['subject']?.S} cannot be read`, {
      cause: parsed.error,
    });
  }
  const { history, decides, proposedBy, ...rest } = parsed.data;
  return {
    ...rest,
    ...(decides === undefined ? {} : { decides }),
    ...(proposedBy === undefined ? {} : { proposedBy }),
    history: history.map(({ reason, cause, ...event }) => ({
      ...event,
      ...(reason === undefined ? {} : { reason }),
      ...(cause === undefined ? {} : { cause }),
    })),
  };
};
