import { CSV_ENCODINGS } from '#shared/contracts/import-job.ts';
import { PermanentError } from '#shared/errors.ts';
import type { ImportFormat } from './import-table.ts';

/** How a person says what a file looks like, as the options of a command have it. */
export interface WrittenFormat {
  readonly encoding?: string;
  readonly delimiter?: string;
  readonly decimal?: string;
  readonly dateFormat?: string;
}

/** @throws PermanentError `encoding-unknown`, `decimal-unknown` */
export const importFormat = (written: WrittenFormat): ImportFormat => {
  const encoding = CSV_ENCODINGS.find((one) => one === written.encoding?.toLowerCase());
  if (written.encoding !== undefined && encoding === undefined) {
    throw new PermanentError(
      'encoding-unknown',
      `--encoding must be one of ${CSV_ENCODINGS.join(', ')}, got ${JSON.stringify(written.encoding)}`,
    );
  }
  const decimal =
    written.decimal === ',' || written.decimal === 'comma'
      ? ','
      : written.decimal === '.' || written.decimal === 'point'
        ? '.'
        : undefined;
  if (written.decimal !== undefined && decimal === undefined) {
    throw new PermanentError(
      'decimal-unknown',
      `--decimal must be point or comma, got ${JSON.stringify(written.decimal)}`,
    );
  }
  return {
    ...(encoding === undefined ? {} : { encoding }),
    ...(written.delimiter === undefined ? {} : { delimiter: written.delimiter === '\\t' ? '\t' : written.delimiter }),
    ...(decimal === undefined ? {} : { decimal }),
    ...(written.dateFormat === undefined ? {} : { dateFormat: written.dateFormat }),
  };
};

/** `a=b,c=d` as a record. A comma or an equals sign in a column's name is written with a backslash before it. */
export const importMap = (text: string | undefined): Readonly<Record<string, string>> => {
  const map: Record<string, string> = {};
  for (const part of splitOutside(text ?? '', ',')) {
    const [name, ...rest] = splitOutside(part, '=');
    const column = rest.join('=');
    if (name === undefined || name.trim() === '' || column === '') {
      throw new PermanentError(
        'map-invalid',
        `--map takes pairs such as customer=customer_id,date=order_date, got ${JSON.stringify(part)}`,
      );
    }
    const key = unescaped(name.trim());
    if (Object.hasOwn(map, key)) throw new PermanentError('map-invalid', `--map names ${key} twice`);
    map[key] = unescaped(column.trim());
  }
  return map;
};

/** Splits where the separator has no backslash before it. */
export const splitOutside = (text: string, separator: string): readonly string[] => {
  const parts: string[] = [];
  let part = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (character === '\\' && index + 1 < text.length) {
      part += character + (text[index + 1] ?? '');
      index += 1;
    } else if (character === separator) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part];
};

/** A name without the backslashes that kept its separators. */
export const unescaped = (text: string): string => text.replace(/\\([,=\\])/gu, '$1');
