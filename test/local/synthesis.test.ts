import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTemplates, synthesize } from '#local/synthesis.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import { ENTRY_FUNCTIONS, STEPS } from '#shared/contracts/workflows.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

describe('what the local stack takes from the templates', () => {
  it('has the tables of the contract, every function, and resolved state machines', async () => {
    const synthesis = await synthesize();

    const byName = (tables: readonly { TableName: string }[]) =>
      [...tables].sort((a, b) => a.TableName.localeCompare(b.TableName));
    expect(byName(synthesis.tables)).toEqual(
      byName(TABLE_DEFINITIONS.map((table) => tableProperties(table, `resegment-local-${table.name}`))),
    );
    expect(Object.values(synthesis.functionArns).sort()).toEqual([...Object.keys(STEPS), ...ENTRY_FUNCTIONS].sort());
    expect(JSON.stringify(synthesis.machines)).not.toMatch(/Fn::|\$\{/);
  });

  it('is the same from the cache', async () => {
    const cacheDir = temporaryFolder('synthesis');

    const first = await synthesize({ cacheDir });
    const second = await synthesize({ cacheDir });

    expect(second).toEqual(first);
    expect(readdirSync(cacheDir)).toHaveLength(1);
  });

  it('refuses a reference that it cannot resolve, and templates without machines', () => {
    const machine = {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: { DefinitionString: { Ref: 'Something' } },
    };

    expect(() => readTemplates([{ Resources: { machine } }])).toThrow('cannot resolve {"Ref":"Something"}');
    expect(() => readTemplates([{ Resources: {} }])).toThrow('lack what the local stack needs');
    expect(() => readTemplates([{}])).toThrow('no resources');
  });
});
