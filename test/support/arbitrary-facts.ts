import fc from 'fast-check';
import {
  ANSWER_SCALES,
  CUSTOMER_STATUSES,
  type CustomerFacts,
  NOTE_SUBJECTS,
  type OrderDay,
} from '#shared/domain/facts.ts';

const instant = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const date = instant.map((text) => text.slice(0, 10));
const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
/** Names of traits and attributes; `__proto__` is no name. */
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/);

/** Orders ascending by day, of batches 0..batches-1. */
export const arbitraryOrders = (batches: number, maxLength = 20): fc.Arbitrary<OrderDay[]> =>
  fc
    .array(
      fc.record(
        {
          day: fc.integer({ min: -5_000, max: 40_000 }),
          count: fc.integer({ min: 0, max: 1_000 }),
          amountMinor: fc.maxSafeInteger(),
          attributes: fc.dictionary(name, word, { maxKeys: 2, noNullPrototype: true }),
          batch: fc.integer({ min: 0, max: batches - 1 }),
          id: word,
        },
        { requiredKeys: ['day', 'count', 'amountMinor', 'attributes', 'batch'], noNullPrototype: true },
      ),
      { maxLength },
    )
    .map((orders) =>
      orders.map((order) => ({ ...order, amountMinor: order.amountMinor + 0 })).sort((a, b) => a.day - b.day),
    );

/** Facts of one customer with everything that can be stored. */
export const arbitraryFacts = (customerId: string, subject: string): fc.Arbitrary<CustomerFacts> =>
  fc.integer({ min: 1, max: 3 }).chain((batchCount) =>
    fc.record(
      {
        customerId: fc.constant(customerId),
        subject: fc.constant(subject),
        factsRev: fc.integer({ min: 1, max: 1_000 }),
        changedAt: instant,
        batches: fc.array(
          fc.record(
            { batchId: word, recordedAt: instant, chunks: fc.array(fc.nat({ max: 400 }), { maxLength: 3 }) },
            { noNullPrototype: true },
          ),
          { minLength: batchCount, maxLength: batchCount },
        ),
        orders: arbitraryOrders(batchCount),
        snapshots: fc
          .array(
            fc.record(
              {
                date,
                recordedAt: instant,
                traits: fc.dictionary(
                  name,
                  fc.oneof(
                    word,
                    fc.boolean(),
                    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
                  ),
                  {
                    maxKeys: 3,
                    noNullPrototype: true,
                  },
                ),
              },
              { noNullPrototype: true },
            ),
            { maxLength: 3 },
          )
          .map((all) => all.sort((a, b) => (a.date < b.date ? -1 : 1))),
        statuses: fc.array(
          fc.record(
            { status: fc.constantFrom(...CUSTOMER_STATUSES), date, recordedAt: instant },
            { noNullPrototype: true },
          ),
          { maxLength: 2 },
        ),
        answers: fc
          .uniqueArray(
            fc.record(
              {
                answerId: word,
                version: fc.integer({ min: 1, max: 9 }),
                value: fc.double({ min: 0, max: 1, noNaN: true }).map((n) => n + 0),
                scale: fc.constantFrom(...ANSWER_SCALES),
                date,
                recordedAt: instant,
                suspect: fc.boolean(),
              },
              { noNullPrototype: true },
            ),
            { maxLength: 3, selector: (answer) => answer.answerId },
          )
          .map((all) =>
            Object.fromEntries(all.filter((one) => one.answerId !== '__proto__').map((one) => [one.answerId, one])),
          ),
        pins: fc.array(
          fc.record(
            {
              dimension: word,
              segment: word,
              by: word,
              reason: word,
              setAt: instant,
              until: fc.constantFrom('2026-01-31', '2027-12-31'),
              cleared: fc.record({ at: instant, by: word, reason: word }, { noNullPrototype: true }),
            },
            {
              requiredKeys: ['dimension', 'segment', 'by', 'reason', 'setAt', 'until'],
              noNullPrototype: true,
            },
          ),
          { maxLength: 2 },
        ),
        decisions: fc.array(
          fc.record(
            {
              kind: fc.constantFrom('upgrade' as const, 'exit' as const),
              decision: fc.constantFrom('approved' as const, 'refused' as const),
              by: word,
              reason: word,
              decidedAt: instant,
            },
            { noNullPrototype: true },
          ),
          { maxLength: 2 },
        ),
        notes: fc.array(
          fc.record(
            {
              noteId: word,
              about: fc.constantFrom(...NOTE_SUBJECTS),
              rating: fc.integer({ min: 1, max: 5 }),
              date,
              recordedAt: instant,
              by: word,
              reason: word,
              withdrawn: fc.record({ at: instant, by: word, reason: word }, { noNullPrototype: true }),
            },
            {
              requiredKeys: ['noteId', 'about', 'rating', 'date', 'recordedAt', 'by', 'reason'],
              noNullPrototype: true,
            },
          ),
          { minLength: 1, maxLength: 2 },
        ),
        openCase: word,
        contactKey: word,
        consent: fc.record({ given: fc.boolean(), source: word, at: instant }, { noNullPrototype: true }),
        branch: word,
        manager: word,
      },
      {
        requiredKeys: [
          'customerId',
          'subject',
          'factsRev',
          'changedAt',
          'batches',
          'orders',
          'snapshots',
          'statuses',
          'answers',
          'pins',
          'decisions',
        ],
        noNullPrototype: true,
      },
    ),
  );
