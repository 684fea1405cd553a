import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusinessEvent, EVENT_TYPES } from '#shared/domain/business-event.ts';
import { answerEvents, caseEvents, flagEvents, moveEvent } from '#shared/domain/document-events.ts';
import type { Flag } from '#shared/domain/flags.ts';
import type { CustomerCase } from '#shared/ports/case-store.ts';
import { storedAnswer } from '#test/survey/memory.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'events.md'), 'utf8');
const EXAMPLES: readonly unknown[] = [...PAGE.matchAll(/```json\n(.*?)\n```/gsu)]
  .map(([, text]) => JSON.parse(text ?? ''))
  .filter((document) => 'schema' in document);

/** Texts of people that a document may hold, and none of which may leave. */
const SECRET = 'Wang Xiaoming 13800000000';
const AT = '2026-05-31T08:00:00.000Z';

const caseWith = (events: readonly CustomerCase['history'][number]['event'][]): CustomerCase => ({
  caseId: 'i1',
  customerId: 'C-1',
  subject: SECRET,
  waveId: 'w1',
  segment: 'core',
  branch: null,
  manager: SECRET,
  owner: { kind: 'manager', name: SECRET },
  reason: 'complaint',
  score: 0,
  question: 'nps',
  priority: 'high',
  openedAt: AT,
  dueAt: AT,
  state: 'open',
  history: events.map((event) => ({ event, at: AT, by: SECRET, note: SECRET })),
});

const FLAG_EVENTS = ['raised', 'confirmed', 'withdrawn', 'expired', 'reopened', 'approved', 'refused'] as const;
const flagWith = (events: readonly Flag['history'][number]['event'][]): Flag => ({
  kind: 'exit',
  subject: SECRET,
  customerId: 'C-1',
  runId: '2026-05-monthly',
  period: '2026-05',
  segment: 'core',
  branch: null,
  manager: SECRET,
  stake: 0,
  evidence: { periods: 3 },
  raisedAt: AT,
  expiresOn: '2026-08-31',
  state: 'open',
  ...{ decides: 'committee' },
  history: events.map((event) => ({ event, at: AT, by: SECRET, reason: SECRET })),
});

describe('the page about events', () => {
  it('has an example of each type, and every example is an event', () => {
    expect(EXAMPLES.map((example) => BusinessEvent.parse(example).type)).toEqual(EVENT_TYPES);
  });

  it('names each type in its text', () => {
    expect(EVENT_TYPES.filter((type) => !PAGE.includes(`\`${type}\``))).toEqual([]);
  });
});

describe('an event', () => {
  it('holds no name, no note, no comment and no pseudonym', () => {
    const { answer, ...rest } = storedAnswer('i1', 1);
    const spoken = { ...rest, manager: SECRET, subject: SECRET, answer: { ...answer, comment: SECRET } };
    const events = [
      ...caseEvents(undefined, caseWith(['opened', 'taken', 'updated', 'escalated', 'closed', 'reopened'])),
      ...flagEvents(undefined, flagWith(FLAG_EVENTS), 'r'),
      ...answerEvents(undefined, spoken),
    ].map(({ event }) => event);
    const moved = moveEvent(
      { runId: 'r', seq: 1, period: '2026-05', asOf: '2026-05-31' },
      { subject: SECRET, customerId: 'C-1', branch: null },
      { dimension: 'class', from: null, to: 'core', kind: 'new' },
      'run',
      AT,
    );

    expect(JSON.stringify([...events, moved])).not.toContain('Wang');
    for (const event of [...events, moved]) expect(BusinessEvent.safeParse(event).success).toBe(true);
  });

  it('is refused with a field that the schema does not know, so that nothing slips in', () => {
    const [{ event } = { event: undefined }] = caseEvents(undefined, caseWith(['opened']));

    expect(BusinessEvent.safeParse({ ...event, name: 'Wang' }).success).toBe(false);
    expect(BusinessEvent.safeParse({ ...event, data: { ...event?.data, comment: 'slow' } }).success).toBe(false);
  });

  it('has an id of its own for each thing that happens, however the changes are cut into writes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FLAG_EVENTS), { minLength: 1, maxLength: 8 }), fc.nat(), (all, cut) => {
        const at = cut % (all.length + 1);
        const first = at === 0 ? [] : flagEvents(undefined, flagWith(all.slice(0, at)), undefined);
        const second = flagEvents(at === 0 ? undefined : flagWith(all.slice(0, at)), flagWith(all), undefined);
        const ids = [...first, ...second].map(({ event }) => event.id);

        expect(new Set(ids).size).toBe(all.length);
        expect(ids).toEqual(flagEvents(undefined, flagWith(all), undefined).map(({ event }) => event.id));
      }),
    );
  });

  it('of a rollback is the move the other way, later than the move itself', () => {
    const run = { runId: 'r', seq: 7, period: '2026-05', asOf: '2026-05-31' };
    const customer = { subject: 's', customerId: 'C-1', branch: null };
    const move = { dimension: 'class', from: 'core', to: 'prime', kind: 'up' } as const;

    const made = moveEvent(run, customer, move, 'run', AT);
    const back = moveEvent(run, customer, move, 'rollback', AT);

    expect(back).toMatchObject({ about: made.about, data: { from: 'prime', to: 'core', kind: 'down' } });
    expect(back.sequence).toBeGreaterThan(made.sequence);
    expect(back.id).not.toBe(made.id);
  });

  it('of a judged answer says so, with the version that the judgement made', () => {
    const before = storedAnswer('i1', 1);
    const judgement = { version: 2, decision: 'discarded', by: 'Ann', at: AT, reason: 'a robot' } as const;
    const after = { ...before, answer: { ...before.answer, version: 2, suspect: true, judgements: [judgement] } };

    expect(answerEvents(before, before)).toEqual([]);
    expect(answerEvents(before, after).map(({ event }) => [event.type, event.sequence])).toEqual([
      ['answer.discarded', 2],
    ]);
  });
});
