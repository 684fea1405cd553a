import { decodeCustomer } from '#shared/adapters/customer-codec.ts';
import type { Item } from '#shared/adapters/dynamo-client.ts';
import { readPolicy } from '#shared/adapters/policy-files.ts';
import { measureFacts } from '#shared/application/run/measure-shard.ts';
import { assignRow } from '#shared/domain/assign.ts';
import { calibrate } from '#shared/domain/calibrate.ts';
import type { FrameRow } from '#shared/domain/standing.ts';
import { type Bench, paired } from './measurement.ts';
import { benchItem, FIRST_AS_OF } from './population.ts';

const NOBODY = {
  published: null,
  previous: null,
  abandonedSeqs: [],
  lastSeq: 0,
  applying: null,
  rev: 0,
} as const;

/** What a customer costs in the handlers, measured against parsing the same bytes as JSON. */
export const customerCpu: Bench = async ({ customers, pairs }, progress) => {
  progress('making items');
  const policy = readPolicy('bank-three-class');
  const texts = Array.from({ length: customers }, (_, index) => JSON.stringify(benchItem(index, false, 256)));
  const items: readonly Item[] = texts.map((text) => JSON.parse(text));
  const when = { asOf: FIRST_AS_OF, frozenAt: '2026-12-01T00:00:00.000Z' };
  const decodeAll = () => items.map((item) => decodeCustomer(item, []));
  const facts = decodeAll();
  const measureAll = (): FrameRow[] =>
    facts.flatMap((one) => {
      const measured = measureFacts(0, one, undefined, NOBODY, policy, when);
      return measured === undefined ? [] : [measured.row];
    });
  const rows = measureAll();
  const calibration = calibrate(policy, rows);
  const run = {
    runId: 'bench',
    seq: 1,
    asOf: FIRST_AS_OF,
    period: FIRST_AS_OF.slice(0, 7),
    closesPeriod: true,
    frozenAt: when.frozenAt,
  };
  const assignAll = () => rows.map((row) => assignRow(row, policy, calibration, run));
  const parseAll = () => {
    for (const text of texts) JSON.parse(text);
  };
  const bytes = texts.reduce((sum, text) => sum + text.length, 0) / texts.length;
  progress('decoding, measuring, assigning');
  const decode = await paired(pairs, decodeAll, parseAll);
  const measure = await paired(pairs, measureAll, parseAll);
  const assign = await paired(pairs, assignAll, parseAll);
  return [
    { name: 'decode a customer / JSON.parse', actual: decode.ratio, budget: 1.6, unit: '×', note: `${bytes} bytes` },
    { name: 'measure a customer / JSON.parse', actual: measure.ratio, budget: null, unit: '×' },
    { name: 'assign a customer / JSON.parse', actual: assign.ratio, budget: null, unit: '×' },
  ];
};
