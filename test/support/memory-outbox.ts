import type { OutboxEntry } from '#shared/domain/business-event.ts';
import type { OutboxStore, WaitingEvents } from '#shared/ports/outbox.ts';

/** Outboxes in memory, under the contract suite of the real ones. */

export const keepEvents = (outboxes: Map<string, OutboxEntry[]>, id: string, entries: readonly OutboxEntry[]): void => {
  if (entries.length > 0) outboxes.set(id, [...(outboxes.get(id) ?? []), ...structuredClone([...entries])]);
};

export async function* waitingIn(outboxes: Map<string, OutboxEntry[]>): AsyncIterable<WaitingEvents> {
  const since = ([, entries]: [string, OutboxEntry[]]): string => entries[0]?.event.at ?? '';
  for (const [id, entries] of [...outboxes].sort((a, b) => (since(a) < since(b) ? -1 : 1))) {
    yield {
      entries: structuredClone(entries),
      settle: async (count) => {
        const last = entries[count - 1]?.event.id;
        const now = outboxes.get(id) ?? [];
        const rest = now.slice(now.findIndex(({ event }) => event.id === last) + 1);
        if (rest.length === 0) outboxes.delete(id);
        else outboxes.set(id, rest);
      },
    };
  }
}

export const memoryOutbox = (): OutboxStore => {
  const outboxes = new Map<string, OutboxEntry[]>();
  return {
    put: async (entry) => {
      if (outboxes.has(entry.event.id)) return 'exists';
      keepEvents(outboxes, entry.event.id, [entry]);
      return 'stored';
    },
    waiting: () => waitingIn(outboxes),
  };
};
