import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DisclosureCell, type HiddenGroups, hiddenGroups } from '#shared/domain/disclosure.ts';

const TABLES = ['segment', 'branch', 'manager', 'language'] as const;

const countOf = (cells: readonly DisclosureCell[], table: string, group: string): number =>
  cells.reduce((sum, cell) => sum + (cell.groups[table] === group ? cell.count : 0), 0);

const groupsOf = (cells: readonly DisclosureCell[], table: string): readonly string[] => [
  ...new Set(cells.flatMap((cell) => cell.groups[table] ?? [])),
];

/** Fractions of big integers: an arithmetic of its own, so that the test does not share the code's. */
const isInSpan = (rows: readonly (readonly number[])[], wanted: readonly number[]): boolean => {
  const width = wanted.length;
  const matrix = rows.map((row) => row.map(BigInt));
  const target = wanted.map(BigInt);
  let done = 0;
  const eliminate = (row: bigint[], pivotRow: bigint[], column: number): void => {
    const a = row[column] ?? 0n;
    const b = pivotRow[column] ?? 1n;
    if (a === 0n) return;
    for (let at = 0; at < width; at += 1) row[at] = (row[at] ?? 0n) * b - (pivotRow[at] ?? 0n) * a;
  };
  for (let column = 0; column < width && done < matrix.length; column += 1) {
    const found = matrix.findIndex((row, index) => index >= done && row[column] !== 0n);
    if (found === -1) continue;
    const pivotRow = matrix[found] ?? [];
    matrix[found] = matrix[done] ?? [];
    matrix[done] = pivotRow;
    for (let index = done + 1; index < matrix.length; index += 1) eliminate(matrix[index] ?? [], pivotRow, column);
    eliminate(target, pivotRow, column);
    done += 1;
  }
  return target.every((value) => value === 0n);
};

/** Sums of hidden groups of one table that a reader can compute although they have too few answers, or are of one group. */
const leaks = (cells: readonly DisclosureCell[], hidden: HiddenGroups): readonly string[] => {
  const answered = cells.filter((cell) => cell.count > 0);
  const tables = [...new Set(cells.flatMap((cell) => Object.keys(cell.groups)))];
  const vector = (table: string, groups: readonly string[]): number[] =>
    answered.map((cell) => (groups.includes(cell.groups[table] ?? '') ? 1 : 0));
  const shown = tables.flatMap((table) =>
    groupsOf(cells, table)
      .filter((group) => hidden.groups[table]?.has(group) !== true)
      .map((group) => vector(table, [group])),
  );
  if (!hidden.total) shown.push(answered.map(() => 1));
  const found: string[] = [];
  for (const table of tables) {
    const secret = groupsOf(cells, table).filter(
      (group) => hidden.groups[table]?.has(group) === true && countOf(cells, table, group) > 0,
    );
    for (let mask = 1; mask < 2 ** secret.length; mask += 1) {
      const union = secret.filter((_, bit) => Math.floor(mask / 2 ** bit) % 2 === 1);
      const answers = union.reduce((sum, group) => sum + countOf(cells, table, group), 0);
      if (union.length > 1 && answers >= 5) continue;
      if (isInSpan(shown, vector(table, union))) found.push(`${table}: ${union.join(' + ')} = ${answers}`);
    }
  }
  return found;
};

const anyCells = fc.array(
  fc.record({
    groups: fc.record({
      segment: fc.constantFrom('s1', 's2', 's3'),
      branch: fc.constantFrom('b1', 'b2', 'b3', 'b4'),
      manager: fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5', 'm6'),
      language: fc.constantFrom('en', 'zh-CN'),
    }),
    count: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 12 })),
  }),
  { maxLength: 24 },
);

/** Managers work in one branch each, as they mostly do. */
const nestedCells = fc.array(
  fc.record({ manager: fc.nat({ max: 7 }), segment: fc.constantFrom('s1', 's2'), count: fc.nat({ max: 9 }) }).map(
    ({ manager, segment, count }): DisclosureCell => ({
      groups: { segment, branch: `b${Math.floor(manager / 3)}`, manager: `m${manager}`, language: 'en' },
      count,
    }),
  ),
  { maxLength: 20 },
);

describe('what tables may show of small groups', () => {
  it('R16 lets nothing be computed back, within a table or from one table to another', () => {
    fc.assert(
      fc.property(fc.oneof(anyCells, nestedCells), (cells) => {
        expect(leaks(cells, hiddenGroups(cells))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('R16 hides every group with one to four answers, and the total where it has so few', () => {
    fc.assert(
      fc.property(anyCells, (cells) => {
        const hidden = hiddenGroups(cells);
        for (const table of TABLES) {
          for (const group of groupsOf(cells, table)) {
            const count = countOf(cells, table, group);
            if (count > 0 && count < 5) expect(hidden.groups[table]?.has(group)).toBe(true);
          }
        }
        const total = cells.reduce((sum, cell) => sum + cell.count, 0);
        expect(hidden.total).toBe(total > 0 && total < 5);
      }),
    );
  });

  it('hides nothing where every group has five answers or none', () => {
    const cells = ['a', 'b', 'c'].map((branch, index) => ({ groups: { branch }, count: 5 * index }));

    expect([...(hiddenGroups(cells).groups['branch'] ?? [])]).toEqual([]);
  });

  it('does not depend on the order of customers', () => {
    fc.assert(
      fc.property(
        anyCells.chain((cells) =>
          fc.tuple(fc.constant(cells), fc.shuffledSubarray(cells, { minLength: cells.length })),
        ),
        ([cells, shuffled]) => {
          const sorted = (hidden: HiddenGroups) =>
            TABLES.map((table) => [...(hidden.groups[table] ?? [])].sort().join());
          expect(sorted(hiddenGroups(shuffled))).toEqual(sorted(hiddenGroups(cells)));
        },
      ),
    );
  });

  it('R16 hides a second group of a table beside a small one', () => {
    const cells = Object.entries({ a: 20, b: 8, c: 3 }).map(([segment, count]) => ({ groups: { segment }, count }));

    expect([...(hiddenGroups(cells).groups['segment'] ?? [])].sort()).toEqual(['b', 'c']);
  });

  it('R16 hides a colleague, so that a branch less its other managers does not give the small one', () => {
    const cell = (branch: string, manager: string, count: number) => ({ groups: { branch, manager }, count });
    const cells = [cell('north', 'Li', 20), cell('north', 'Wu', 3), cell('south', 'He', 30), cell('south', 'Xu', 4)];
    const { groups } = hiddenGroups(cells);

    expect([...(groups['manager'] ?? [])].sort()).toEqual(['He', 'Li', 'Wu', 'Xu']);
    expect([...(groups['branch'] ?? [])]).toEqual([]);
  });

  it('takes seconds for a thousand managers in a hundred branches', () => {
    const cells = Array.from({ length: 12_000 }, (_, index) => {
      const manager = (index * 7_919) % 1_000;
      const groups = {
        segment: `s${(index * 31) % 7}`,
        branch: `b${manager % 100}`,
        manager: `m${manager}`,
        language: index % 3 === 0 ? 'en' : 'zh-CN',
      };
      return { groups, count: (index * 13) % 11 === 0 ? 1 : 0 };
    });
    const before = process.cpuUsage();
    hiddenGroups(cells);
    const { user, system } = process.cpuUsage(before);

    expect((user + system) / 1_000_000).toBeLessThan(10);
  });
});
