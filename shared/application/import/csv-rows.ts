import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, type Info, parse } from 'csv-parse';
import iconv from 'iconv-lite';
import { CSV_ENCODINGS } from '../../contracts/import-job.ts';
import { isResegmentError, PermanentError } from '../../errors.ts';
import type { RecordDelimiter } from './row-scanner.ts';

export type CsvEncoding = (typeof CSV_ENCODINGS)[number];

export interface CsvOptions {
  /** For messages; a name that ends in `.gz` must be gzip. */
  readonly name: string;
  readonly encoding?: CsvEncoding | undefined;
  /** One character; `,` if absent. */
  readonly delimiter?: string | undefined;
  /** Gets the bytes as they are read, decompressed. */
  readonly hash?: { update(chunk: Uint8Array): unknown };
  /** What ends a row; the first line end outside quotation marks if absent. */
  readonly recordDelimiter?: RecordDelimiter;
}

export interface CsvRow {
  /** Line where the row begins; the header is on line 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

export interface CsvFile {
  readonly header: readonly string[];
  readonly rows: AsyncIterable<CsvRow>;
}

/** A row longer than this means a quotation mark that is never closed. */
const MAX_ROW_CHARACTERS = 1_000_000;

/**
 * Reads CSV of any size: gunzips where the bytes say so, decodes, and gives the rows one by one.
 *
 * @throws PermanentError `file-empty`, `file-binary`, `file-encoding`, `file-delimiter`, `file-gzip`, `file-quotes`, `delimiter-invalid`, `encoding-invalid`; those that show late
 *   are thrown by the iteration
 */
export const readCsv = async (bytes: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<CsvFile> => {
  const delimiter = options.delimiter ?? ',';
  if ([...delimiter].length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new PermanentError('delimiter-invalid', `--delimiter takes one character, got ${JSON.stringify(delimiter)}`);
  }
  const encodings: readonly string[] = CSV_ENCODINGS;
  if (options.encoding !== undefined && !encodings.includes(options.encoding)) {
    throw new PermanentError(
      'encoding-invalid',
      `--encoding takes one of ${encodings.join(', ')}, got ${JSON.stringify(options.encoding)}`,
    );
  }
  const text = decoded(hashed(gunzipped(bytes, options.name), options.hash), options, 1);
  const rows = parsedRows(text, options, 1);
  const first = await rows.next();
  if (first.done === true) {
    throw new PermanentError('file-empty', `${options.name} is empty`, {
      hint: 'the first line must name the columns',
    });
  }
  const header = first.value.fields.map((name) => name.trim());
  const other = header.length === 1 ? [';', '\t', '|'].find((one) => header[0]?.includes(one)) : undefined;
  if (other !== undefined) {
    await rows.return(undefined);
    throw new PermanentError(
      'file-delimiter',
      `${options.name} seems to separate its columns by ${JSON.stringify(other)}, not by ${JSON.stringify(delimiter)}`,
      { hint: `give it: --delimiter ${JSON.stringify(other)}` },
    );
  }
  return { header, rows };
};

/**
 * Reads the rows of a range of a file that holds whole rows and no header.
 *
 * @param bytes of the range, decompressed
 * @param firstLine line of the file where the range begins
 * @throws PermanentError as `readCsv`
 */
export const readRows = (
  bytes: AsyncIterable<Uint8Array>,
  options: CsvOptions,
  firstLine: number,
): AsyncGenerator<CsvRow, void, undefined> => parsedRows(decoded(bytes, options, firstLine), options, firstLine);

async function* parsedRows(
  text: AsyncIterable<string>,
  { name, delimiter = ',', recordDelimiter }: CsvOptions,
  firstLine: number,
): AsyncGenerator<CsvRow, void, undefined> {
  const parser = through(
    text,
    parse({
      delimiter,
      bom: true,
      info: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW_CHARACTERS,
      ...(recordDelimiter === undefined ? {} : { record_delimiter: recordDelimiter }),
    }),
  );
  const lineEnd = recordDelimiter === '\r' ? '\r' : '\n';
  let line = firstLine;
  let blankLines = 0;
  try {
    for await (const chunk of parser) {
      if (!isParsed(chunk)) continue;
      const { record: fields, info } = chunk;
      line += info.empty_lines - blankLines;
      blankLines = info.empty_lines;
      yield { line, fields };
      line += 1 + fields.reduce((sum, field) => sum + lineEnds(field, lineEnd), 0);
    }
  } catch (error) {
    throw readable(error, name, firstLine);
  }
}

const isParsed = (chunk: unknown): chunk is { readonly info: Info; readonly record: readonly string[] } =>
  typeof chunk === 'object' && chunk !== null && 'record' in chunk && 'info' in chunk;

const lineEnds = (text: string, lineEnd: string): number => {
  if (!text.includes(lineEnd)) return 0;
  return text.split(lineEnd).length - 1;
};

const readable = (error: unknown, name: string, firstLine: number): Error => {
  if (isResegmentError(error)) return error;
  if (error instanceof CsvError) {
    const near = typeof error['lines'] === 'number' ? error['lines'] + firstLine - 1 : '?';
    return new PermanentError('file-quotes', `${name} has a quotation mark that is never closed, near line ${near}`, {
      hint: 'double a quotation mark inside a quoted field: ""',
      cause: error,
    });
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')) {
    return new PermanentError(
      'file-gzip',
      `${name} is damaged: its gzip data ${error.code === 'Z_BUF_ERROR' ? 'end too early' : 'cannot be read'}`,
      {
        cause: error,
      },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
};

/** The bytes, decompressed where they are gzip. @throws PermanentError `file-gzip` */
export async function* gunzipped(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, all } = await withHead(bytes, 4);
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  if (!isGzip) {
    if (name.endsWith('.gz') && head.length > 0) {
      throw new PermanentError('file-gzip', `${name} is named .gz but is not gzip`);
    }
    yield* all;
    return;
  }
  for await (const chunk of through(all, createGunzip())) yield chunk;
}

/** What a stream makes of the input. Its failures and those of the input reach whoever reads; who stops reading ends both. */
const through = <Stream extends Transform>(input: AsyncIterable<unknown>, stream: Stream): Stream => {
  // The failure is thrown to the reader of the stream; here it only must not go unheard.
  pipeline(Readable.from(input), stream, () => undefined);
  return stream;
};

async function* hashed(
  bytes: AsyncIterable<Uint8Array>,
  hash: CsvOptions['hash'],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    hash?.update(chunk);
    yield chunk;
  }
}

/** The first bytes, and the whole again. */
const withHead = async (
  bytes: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ readonly head: Uint8Array; readonly all: AsyncGenerator<Uint8Array, void, undefined> }> => {
  const iterator = bytes[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < length) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    size += next.value.length;
  }
  const head = Buffer.concat(first);
  const rest = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      // Whoever stops before the end lets go of the file.
      await iterator.return?.();
    }
  };
  return { head, all: rest() };
};

async function* decoded(
  bytes: AsyncIterable<Uint8Array>,
  options: CsvOptions,
  firstLine: number,
): AsyncGenerator<string, void, undefined> {
  const { head, all } = await withHead(bytes, 4);
  refuseOtherFiles(head, options.name);
  const encoding = options.encoding ?? 'utf-8';
  const decode = encoding === 'utf-8' ? utf8Decoder() : iconvDecoder(encoding);
  let lines = firstLine;
  const checked = (text: string): string => {
    if (text.includes('\0')) {
      throw new PermanentError(
        'file-binary',
        `${options.name} is a binary file, not CSV: it has a zero byte near line ${lines}`,
      );
    }
    lines += lineEnds(text, '\n');
    return text;
  };
  const decodeNext = (chunk?: Uint8Array): string => {
    try {
      return decode(chunk);
    } catch (error) {
      throw new PermanentError('file-encoding', `${options.name} is not ${encoding} near line ${lines}`, {
        hint: 'name its encoding: --encoding gb18030 (Excel in China) or --encoding iso-8859-1 (western Europe)',
        cause: error,
      });
    }
  };
  for await (const chunk of all) {
    const text = checked(decodeNext(chunk));
    if (text !== '') yield text;
  }
  const last = checked(decodeNext());
  if (last !== '') yield last;
}

const refuseOtherFiles = (head: Uint8Array, name: string): void => {
  const [a, b, c, d] = head;
  if (a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04) {
    throw new PermanentError('file-binary', `${name} is a zip archive or a spreadsheet, not CSV`, {
      hint: 'save it as CSV UTF-8',
    });
  }
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new PermanentError('file-encoding', `${name} is UTF-16`, {
      hint: 'save it as CSV UTF-8; --encoding takes utf-8, gb18030 or iso-8859-1',
    });
  }
};

const utf8Decoder = (): ((chunk?: Uint8Array) => string) => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (chunk) => (chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
};

const iconvDecoder = (encoding: CsvEncoding): ((chunk?: Uint8Array) => string) => {
  const decoder = iconv.getDecoder(encoding);
  return (chunk) => {
    const text = chunk === undefined ? (decoder.end() ?? '') : decoder.write(Buffer.from(chunk));
    if (text.includes('\uFFFD')) throw new Error(`bytes that are not ${encoding}`);
    return text;
  };
};

/** Fields as one line of CSV. */
export const csvLine = (fields: readonly string[], delimiter = ','): string =>
  fields
    .map((field) => (field.includes(delimiter) || /["\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(delimiter);
