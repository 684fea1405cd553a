export type Align = 'left' | 'right';

/** Characters that terminals draw two columns wide: CJK ideographs, kana, Hangul, full-width forms, emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]/u;
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** C0 and C1 controls and the separators that end a line: a value from a file must not steer the terminal. */
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

/** Columns that `text` takes on a terminal; 0 for the empty text. */
export const displayWidth = (text: string): number => {
  let width = 0;
  for (const character of text) {
    if (ZERO_WIDTH.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
};

/** Fills with spaces up to `width` terminal columns; a longer text stays as it is. */
export const pad = (text: string, width: number, align: Align = 'left'): string => {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
};

/** Replaces control characters, so that no value moves the cursor, colours the screen or breaks a line. */
export const printable = (text: string): string => text.replace(CONTROL, '\u00b7');

/**
 * Lays rows out in aligned columns, two spaces between them and none at the end of a line.
 *
 * @param rows the first is the heading; shorter rows are filled with empty cells
 * @param align by column; left where it is not given
 * @returns lines without a last newline; empty for no rows
 */
export const textTable = (rows: readonly (readonly string[])[], align: readonly Align[] = []): string => {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const clean = rows.map((row) => Array.from({ length: columns }, (_, column) => printable(row[column] ?? '')));
  const widths = Array.from({ length: columns }, (_, column) =>
    clean.reduce((widest, row) => Math.max(widest, displayWidth(row[column] ?? '')), 0),
  );
  return clean
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0, align[column] ?? 'left'))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
