import { SMALLEST_SHOWN_GROUP } from './survey-statistics.ts';

/**
 * Customers who are in the same group of every table. Tables are named; each has one group per cell.
 */
export interface DisclosureCell {
  /** Table → group. */
  readonly groups: Readonly<Record<string, string>>;
  /** What must not become known of a small group: its answers. A whole number from 0. */
  readonly count: number;
}

export interface HiddenGroups {
  /** Table → its hidden groups. */
  readonly groups: Readonly<Record<string, ReadonlySet<string>>>;
  /** Whether even the sum over all is too small to be shown. */
  readonly total: boolean;
}

/** What one reader learns of several hidden groups at once: the sum of their counts times whole or broken factors. */
interface Relation {
  /** Hidden group → factor. */
  readonly hidden: ReadonlyMap<number, number>;
  /** Visible groups that the reader subtracts. */
  readonly visible: readonly number[];
}

/**
 * Which groups of several tables over the same customers are hidden so that no small group can be computed back (R16).
 *
 * Hidden are groups with 1 to 4 answers; then, until nothing more can be learned, the smallest visible group that a reader
 * would subtract. A reader knows every visible group, the total, and who belongs to which group; so "branch North minus its
 * manager Li" counts as well as "all minus the others". What may still be learned of hidden groups is the sum of two or more
 * which have five answers together. Where a table hides anything, its groups without answers are hidden too, since a hidden
 * group could else not be zero.
 *
 * The count of one cell may be 0. The reader is taken to know which cells those are, which errs on the safe side.
 *
 * @param before groups that are hidden already for another reason
 */
export const hiddenGroups = (
  cells: readonly DisclosureCell[],
  before: Readonly<Record<string, ReadonlySet<string>>> = {},
): HiddenGroups => {
  const tables = [...new Set(cells.flatMap((cell) => Object.keys(cell.groups)))].sort();
  const total = cells.reduce((sum, { count }) => sum + count, 0);
  const counts = new Map(tables.map((table) => [table, countsOf(cells, table)]));
  const hidden = new Map(tables.map((table) => [table, new Set(before[table] ?? [])]));
  for (const table of tables) {
    for (const [group, count] of counts.get(table) ?? []) {
      if (count > 0 && count < SMALLEST_SHOWN_GROUP) hidden.get(table)?.add(group);
    }
  }
  const space = new GroupSpace(cells, tables);
  let learned = true;
  while (learned) {
    learned = false;
    for (const table of tables) {
      for (const relation of space.relations(table, hidden)) {
        if (!tellsTooMuch(relation, space)) continue;
        if (space.isAnyHidden(relation.visible, hidden)) continue;
        const next = space.smallest(relation.visible, table, hidden);
        if (next === undefined) continue;
        hidden.get(next.table)?.add(next.group);
        learned = true;
      }
    }
  }
  for (const table of tables) {
    const groups = hidden.get(table);
    if (groups === undefined || groups.size === 0) continue;
    for (const [group, count] of counts.get(table) ?? []) if (count === 0) groups.add(group);
  }
  return { groups: Object.fromEntries(hidden), total: total > 0 && total < SMALLEST_SHOWN_GROUP };
};

/**
 * A sum of at least two hidden groups with at least five answers tells nothing of one; everything else does. As many answers
 * as groups would tell that each has one.
 */
const tellsTooMuch = ({ hidden }: Relation, space: GroupSpace): boolean => {
  const isSum = [...hidden.values()].every((factor) => factor === 1);
  const answers = [...hidden.keys()].reduce((sum, index) => sum + space.countOf(index), 0);
  return !isSum || hidden.size < 2 || answers < SMALLEST_SHOWN_GROUP || answers <= hidden.size;
};

const countsOf = (cells: readonly DisclosureCell[], table: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { groups, count } of cells) {
    const group = groups[table];
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + count);
  }
  return counts;
};

/** Arithmetic is exact modulo this prime, small enough that a product of two remainders is a safe integer. */
const PRIME = 67_108_859;

type Row = Map<number, number>;

/** Groups as vectors over the cells that have answers: what can be computed from them is what they span. */
class GroupSpace {
  readonly #groups: readonly {
    readonly table: string;
    readonly group: string;
    readonly count: number;
    readonly cells: readonly number[];
  }[];
  readonly #cells: number;

  constructor(cells: readonly DisclosureCell[], tables: readonly string[]) {
    const answered = merged(cells.filter(({ count }) => count > 0));
    this.#cells = answered.length;
    this.#groups = tables
      .flatMap((table) => {
        const members = new Map<string, { count: number; cells: number[] }>();
        for (const [index, { groups, count }] of answered.entries()) {
          const group = groups[table];
          if (group === undefined) continue;
          const known = members.get(group) ?? { count: 0, cells: [] };
          members.set(group, known);
          known.count += count;
          known.cells.push(index);
        }
        return [...members].map(([group, known]) => ({ table, group, ...known }));
      })
      .sort((a, b) => a.cells.length - b.cells.length);
  }

  countOf(index: number): number {
    return this.#groups[index]?.count ?? 0;
  }

  isAnyHidden(indices: readonly number[], hidden: ReadonlyMap<string, ReadonlySet<string>>): boolean {
    return indices.some((index) => {
      const one = this.#groups[index];
      return one !== undefined && hidden.get(one.table)?.has(one.group) === true;
    });
  }

  /** The smallest of the groups, those of `table` before others. */
  smallest(
    indices: readonly number[],
    table: string,
    hidden: ReadonlyMap<string, ReadonlySet<string>>,
  ): { readonly table: string; readonly group: string } | undefined {
    return indices
      .flatMap((index) => this.#groups[index] ?? [])
      .filter((one) => hidden.get(one.table)?.has(one.group) !== true)
      .sort(
        (a, b) =>
          Number(b.table === table) - Number(a.table === table) || a.count - b.count || (a.group < b.group ? -1 : 1),
      )[0];
  }

  /** What the visible groups and the total tell of the hidden groups of one table, as few relations as say it all. */
  relations(table: string, hidden: ReadonlyMap<string, ReadonlySet<string>>): readonly Relation[] {
    const isHidden = ({ table: of, group }: { readonly table: string; readonly group: string }): boolean =>
      hidden.get(of)?.has(group) === true;
    const basis = new Map<number, { readonly cells: Row; readonly parts: Row }>();
    const found: Row[] = [];
    const add = (index: number, members: Iterable<number>): void => {
      const cells: Row = new Map([...members].map((cell) => [cell, 1]));
      const parts: Row = new Map([[index, 1]]);
      for (;;) {
        const pivot = [...cells.keys()].find((cell) => basis.has(cell));
        if (pivot === undefined) break;
        const known = basis.get(pivot);
        const factor = cells.get(pivot);
        if (known === undefined || factor === undefined) break;
        addTo(cells, known.cells, PRIME - factor);
        addTo(parts, known.parts, PRIME - factor);
      }
      const [pivot] = cells.keys();
      if (pivot === undefined) {
        found.push(parts);
        return;
      }
      const scale = inverse(cells.get(pivot) ?? 1);
      basis.set(pivot, { cells: scaled(cells, scale), parts: scaled(parts, scale) });
    };
    add(
      TOTAL,
      Array.from({ length: this.#cells }, (_, cell) => cell),
    );
    for (const [index, group] of this.#groups.entries()) if (!isHidden(group)) add(index, group.cells);
    found.length = 0;
    const ofTable = new Set<number>();
    for (const [index, group] of this.#groups.entries()) {
      if (group.table !== table || !isHidden(group)) continue;
      ofTable.add(index);
      add(index, group.cells);
    }
    return reduced(found, ofTable).map((row) => ({
      hidden: new Map([...row].filter(([index]) => ofTable.has(index))),
      visible: [...row.keys()].filter((index) => index !== TOTAL && !ofTable.has(index)),
    }));
  }
}

const TOTAL = -1;

/** Cells of the same groups as one. */
const merged = (cells: readonly DisclosureCell[]): readonly DisclosureCell[] => {
  const byGroups = new Map<string, { groups: DisclosureCell['groups']; count: number }>();
  for (const { groups, count } of cells) {
    const key = JSON.stringify(Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = byGroups.get(key);
    if (known === undefined) byGroups.set(key, { groups, count });
    else known.count += count;
  }
  return [...byGroups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell);
};

/** Reduced row echelon form over the columns `pivots`. */
const reduced = (rows: readonly Row[], pivots: ReadonlySet<number>): readonly Row[] => {
  const done: { readonly pivot: number; readonly row: Row }[] = [];
  for (const given of rows) {
    const row = new Map(given);
    for (const known of done) {
      const factor = row.get(known.pivot);
      if (factor !== undefined) addTo(row, known.row, PRIME - factor);
    }
    const pivot = [...row.keys()].find((index) => pivots.has(index));
    if (pivot === undefined) continue;
    const unit = scaled(row, inverse(row.get(pivot) ?? 1));
    for (const known of done) {
      const factor = known.row.get(pivot);
      if (factor !== undefined) addTo(known.row, unit, PRIME - factor);
    }
    done.push({ pivot, row: unit });
  }
  return done.map(({ row }) => row);
};

const addTo = (target: Row, row: Row, factor: number): void => {
  for (const [column, value] of row) {
    const sum = ((target.get(column) ?? 0) + value * factor) % PRIME;
    if (sum === 0) target.delete(column);
    else target.set(column, sum);
  }
};

const scaled = (row: Row, factor: number): Row =>
  new Map([...row].map(([column, value]) => [column, (value * factor) % PRIME]));

/** By Fermat: the (p − 2)th power. */
const inverse = (value: number): number => {
  let result = 1;
  let base = value % PRIME;
  for (let exponent = PRIME - 2; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) result = (result * base) % PRIME;
    base = (base * base) % PRIME;
  }
  return result;
};
