import { createHash } from 'node:crypto';
import { PermanentError } from '../../errors.ts';
import type { ImportSource } from '../../ports/imports.ts';
import { readCsv } from './csv-rows.ts';
import type { ImportFormat } from './import-table.ts';
import { type Parsed, shown } from './import-values.ts';

/** A file that leads from one id to another, such as from an order to its customer. */
export interface ImportVia {
  readonly source: ImportSource;
  /** Column with what is looked up. */
  readonly key: string;
  /** Column with what it leads to. */
  readonly value: string;
}

/** Most keys of one file: they are held in memory. Ours. */
const MOST_KEYS = 5_000_000;

export interface ViaTable {
  /** Where an id leads; the reason where it leads nowhere or to two places. */
  follow(id: string): Parsed<string>;
  /** What the file held and how it was read. */
  readonly hash: string;
}

/**
 * Reads a file that leads from id to id. Rows without key or value are passed over; a key that comes again with the same value
 * is no contradiction.
 *
 * @throws PermanentError `via-column-unknown`, `via-too-large`, and what reading CSV gives
 */
export const readVia = async ({ source, key, value }: ImportVia, format: ImportFormat): Promise<ViaTable> => {
  const content = createHash('sha256');
  const { header, rows } = await readCsv(source.open(), {
    name: source.name,
    hash: content,
    ...(format.encoding === undefined ? {} : { encoding: format.encoding }),
    ...(format.delimiter === undefined ? {} : { delimiter: format.delimiter }),
  });
  const missing = [key, value].filter((name) => header.filter((column) => column === name).length !== 1);
  if (missing.length > 0) {
    throw new PermanentError(
      'via-column-unknown',
      `--via names ${missing.join(' and ')}, which must be a column of ${source.name} once; its columns are: ${header.join(', ')}`,
      { hint: `for example: --via ${source.name}:${header[0] ?? 'KEY'}=${header[1] ?? 'VALUE'}` },
    );
  }
  const [keyAt, valueAt] = [header.indexOf(key), header.indexOf(value)];
  // Null: two different values.
  const leads = new Map<string, string | null>();
  for await (const { fields } of rows) {
    const [from, to] = [(fields[keyAt] ?? '').trim(), (fields[valueAt] ?? '').trim()];
    if (from === '' || to === '') continue;
    const before = leads.get(from);
    leads.set(from, before === undefined || before === to ? to : null);
    if (leads.size > MOST_KEYS) {
      throw new PermanentError(
        'via-too-large',
        `${source.name} has more than ${MOST_KEYS} values of ${key}; they are held in memory`,
        { hint: 'join the files before, or split the file of answers and give each part its own rows of this one' },
      );
    }
  }
  return {
    hash: createHash('sha256')
      .update(content.digest())
      .update(JSON.stringify([key, value]))
      .digest('hex'),
    follow: (id) => {
      const to = leads.get(id.trim());
      if (to === undefined) return lost(`${source.name} has no ${key} ${shown(id.trim())}`);
      return to === null
        ? lost(`${source.name} leads from ${key} ${shown(id.trim())} to more than one ${value}`)
        : { ok: true, value: to };
    },
  };
};

const lost = (reason: string): Parsed<never> => ({ ok: false, reason, format: false });
