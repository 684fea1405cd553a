import { describe, expect, it } from 'vitest';
import { localDefinition, resolveTemplate, waitUntilOf } from '#local/state-machine-definition.ts';

const TASK = {
  Type: 'Task',
  Resource: 'arn:aws:lambda:us-east-1:000000000000:function:f',
  TimeoutSeconds: 5,
  End: true,
};
const machine = (state: object) => ({ StartAt: 'A', States: { A: state } });
const map = (more: object) => ({
  Type: 'Map',
  ItemsPath: '$.items',
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: 'B',
    States: { B: TASK },
  },
  End: true,
  ...more,
});

describe('the loader of definitions', () => {
  it.each([
    ['JSONata', { QueryLanguage: 'JSONata', ...machine(TASK) }, 'QueryLanguage'],
    ['a state in JSONata', machine({ ...TASK, QueryLanguage: 'JSONata' }), 'QueryLanguage'],
    ['an ItemReader', machine(map({ ItemReader: {} })), 'ItemReader'],
    ['an ItemBatcher', machine(map({ ItemBatcher: {} })), 'ItemBatcher'],
    ['a ResultWriter', machine(map({ ResultWriter: {} })), 'ResultWriter'],
    ['tolerated failures', machine(map({ ToleratedFailurePercentage: 5 })), 'ToleratedFailurePercentage'],
    ['variables', machine({ ...TASK, Assign: { x: 1 } }), 'Assign'],
    ['task tokens', machine({ ...TASK, Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' }), 'task tokens'],
    ['wrapped invocations', machine({ ...TASK, Resource: 'arn:aws:states:::lambda:invoke' }), 'only functions by ARN'],
    ['a Task without a timeout', machine({ ...TASK, TimeoutSeconds: undefined }), 'no TimeoutSeconds'],
    ['an inline Map', machine({ ...map({}), ItemProcessor: { StartAt: 'B', States: { B: TASK } } }), 'inline Map'],
    ['Parallel', machine({ Type: 'Parallel', Branches: [], End: true }), 'Parallel'],
    [
      'an intrinsic function in an ItemSelector',
      machine(map({ ItemSelector: { 'x.$': "States.Format('a')" } })),
      'ItemSelector',
    ],
    ['a path with a filter', machine(map({ ItemsPath: '$.a[?(@.b)]' })), 'ItemsPath'],
  ])('refuses %s', (_, definition, problem) => {
    expect(() => localDefinition('m', definition)).toThrow(problem);
  });

  it('refuses two states of one name, also between parent and child', () => {
    const twice = { StartAt: 'B', States: { B: map({ Next: 'C', End: undefined }), C: TASK } };

    expect(() => localDefinition('m', twice)).toThrow('two states have this name');
  });

  it('names everything that it refuses at once', () => {
    expect(() => localDefinition('m', machine(map({ ItemReader: {}, ResultWriter: {} })))).toThrow(
      /ItemReader.*ResultWriter/,
    );
  });
});

describe('payload templates', () => {
  const scope = { input: { a: { b: 2 } }, executionInput: { c: 3 }, item: { index: 1, value: 'x' } };

  it('fill in references and keep everything else', () => {
    const template = {
      one: 1,
      'two.$': '$.a.b',
      deep: { 'item.$': '$$.Map.Item.Value' },
      list: [{ 'c.$': '$$.Execution.Input.c' }],
    };

    expect(resolveTemplate(template, scope)).toEqual({ one: 1, two: 2, deep: { item: 'x' }, list: [{ c: 3 }] });
  });

  it('refuse a path that leads to nothing', () => {
    expect(() => resolveTemplate({ 'x.$': '$.a.z' }, scope)).toThrow('leads to nothing');
  });
});

describe('waits', () => {
  const now = '2026-05-01T00:00:00.000Z';

  it.each([
    ['Seconds' as const, 60, '2026-05-01T00:01:00.000Z'],
    ['SecondsPath' as const, '$.s', '2026-05-01T00:00:05.000Z'],
    ['Timestamp' as const, '2026-06-01T00:00:00Z', '2026-06-01T00:00:00.000Z'],
    ['TimestampPath' as const, '$.at', '2026-07-01T00:00:00.000Z'],
  ])('by %s end at an instant of the business clock', (field, value, expected) => {
    const input = { s: 5, at: '2026-07-01T00:00:00Z' };

    expect(waitUntilOf({ state: 'W', field, value }, input, now)).toBe(expected);
  });

  it('refuse what is no instant', () => {
    expect(() => waitUntilOf({ state: 'W', field: 'TimestampPath', value: '$.at' }, { at: 'soon' }, now)).toThrow(
      'no instant',
    );
  });
});
