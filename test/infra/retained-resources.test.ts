import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  indexChangesAtOnce,
  lossesBetween,
  type RetainedResources,
  retainedResources,
} from '#infra/retained-resources.ts';
import { templatesOf } from './templates.ts';

const RELEASED: Readonly<Record<'dev' | 'prod', RetainedResources>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'released-resources.json'), 'utf8'),
);

describe.each(['dev', 'prod'] as const)('a deployment over what was released of %s', (stage) => {
  const next = retainedResources(templatesOf(stage).data);

  it('leaves no table, bucket or key behind', () => {
    expect(lossesBetween(RELEASED[stage], next)).toEqual([]);
  });

  it('changes one index of a table at most', () => {
    expect(indexChangesAtOnce(RELEASED[stage], next)).toEqual([]);
  });

  it('is over all that is there: what is new is added to released-resources.json by hand', () => {
    expect(Object.keys(next)).toEqual(Object.keys(RELEASED[stage]));
  });
});

describe('losses', () => {
  const { Resources } = templatesOf('prod').data;
  const released = retainedResources({ Resources });
  const [tableId] = Object.entries(Resources).find(([, one]) => one.Type === 'AWS::DynamoDB::GlobalTable')!;
  const changed = (change: (resource: { Type: string; Properties: Record<string, unknown> }) => void) => {
    const copy = structuredClone(Resources) as Record<string, { Type: string; Properties: Record<string, unknown> }>;
    change(copy[tableId]!);
    return lossesBetween(released, retainedResources({ Resources: copy }));
  };

  it.each([
    ['another name', (one: { Properties: Record<string, unknown> }) => (one.Properties['TableName'] = 'other')],
    ['another key', (one: { Properties: Record<string, unknown> }) => (one.Properties['KeySchema'] = [])],
  ])('are seen in %s', (_, change) => {
    expect(changed(change)).toHaveLength(1);
  });

  it('are seen where a table is gone, or gets another logical id', () => {
    const { [tableId]: table, ...others } = Resources;

    expect(lossesBetween(released, retainedResources({ Resources: others }))).toHaveLength(1);
    expect(lossesBetween(released, retainedResources({ Resources: { ...others, Moved: table! } }))).toHaveLength(1);
  });

  it('are none in a new index, a new table, or another recovery setting', () => {
    expect(changed((one) => (one.Properties['GlobalSecondaryIndexes'] = []))).toEqual([]);
    expect(
      lossesBetween(released, retainedResources({ Resources: { ...Resources, New: { Type: 'AWS::S3::Bucket' } } })),
    ).toEqual([]);
  });
});

describe('changes of indexes', () => {
  const table = (...indexes: string[]): RetainedResources => ({
    FlagsTable: { type: 'AWS::DynamoDB::GlobalTable', properties: {}, indexes },
  });

  it.each([
    [
      ['open', 'outbox'],
      ['open', 'outbox'],
    ],
    [['open'], ['open', 'outbox']],
    [['open', 'outbox'], ['open']],
  ])('from %j to %j go in one deployment', (before, after) => {
    expect(indexChangesAtOnce(table(...before), table(...after))).toEqual([]);
  });

  it.each([
    [[], ['open', 'outbox']],
    [['open'], ['outbox']],
  ])('from %j to %j need two', (before, after) => {
    expect(indexChangesAtOnce(table(...before), table(...after))).toHaveLength(1);
  });

  it('of a table that is new are none', () => {
    expect(indexChangesAtOnce({}, table('open', 'outbox'))).toEqual([]);
  });
});
