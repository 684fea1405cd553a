import iconv from 'iconv-lite';
import type { CsvEncoding } from './csv-rows.ts';

/** A place in a file at which a row begins. */
export interface RowBoundary {
  /** Bytes before it, decompressed. */
  readonly offset: number;
  /** Line of the file, from 1. */
  readonly line: number;
  /** Rows before it, without the header. */
  readonly row: number;
}

export type RecordDelimiter = '\n' | '\r\n' | '\r';

export interface ScannedRows {
  /** Rows without the header; blank lines are none. */
  readonly rows: number;
  /** Bytes of the file, decompressed. */
  readonly bytes: number;
  /** What ends a row: the first line end outside quotation marks, as the parser has it. */
  readonly recordDelimiter: RecordDelimiter;
  /** Where the first row begins, and each row whose number is a multiple of `every`; ascending, none at the end of the file. */
  readonly boundaries: readonly RowBoundary[];
}

export interface RowScanner {
  /** The next bytes; the first call has at least four, where the file has so many. */
  push(bytes: Uint8Array): void;
  /** Ends the file. */
  end(): ScannedRows;
  /** Boundaries found so far, the latest last. */
  readonly boundaries: readonly RowBoundary[];
}

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARKS = { 'utf-8': [0xef, 0xbb, 0xbf], gb18030: [0x84, 0x31, 0x95, 0x33], 'iso-8859-1': [] } as const;

/**
 * Finds where rows begin without parsing them, in one pass over the bytes, so that a large file can be read in ranges that
 * hold whole rows. It follows the rules of the parser of `csv-rows.ts`: a quotation mark opens a field only at its beginning,
 * a doubled one inside is a character, and one followed by anything else ends the quotation.
 *
 * @param every rows from one boundary to the next
 */
export const rowScanner = (options: {
  readonly encoding: CsvEncoding;
  /** One character. */
  readonly delimiter: string;
  readonly every: number;
}): RowScanner => {
  const delimiter = unitsOf(options.delimiter, options.encoding);
  const isDoubleByte = options.encoding === 'gb18030';
  const mark = BYTE_ORDER_MARKS[options.encoding];
  const isPlain = new Uint8Array(256).fill(1);
  for (const byte of [QUOTE, LF, CR, ...iconv.encode(options.delimiter, options.encoding)]) isPlain[byte] = 0;
  if (isDoubleByte) isPlain.fill(0, 0x81);
  const boundaries: RowBoundary[] = [];
  let recordDelimiter: RecordDelimiter | undefined;
  let offset = 0;
  let feeds = 0;
  let returns = 0;
  /** −1 while the header is not over. */
  let rows = -1;
  let isRowEmpty = true;
  let isFieldEmpty = true;
  let isQuoting = false;
  /** A quotation mark inside a quotation, of which the next unit says what it means. */
  let isQuotePending = false;
  /** A carriage return before it is known what follows it. */
  let isReturnPending = false;
  let leadByte: number | undefined;
  let isAtStart = true;
  let delimiterSeen = 0;

  const endRow = (end: number): void => {
    if (!isRowEmpty) {
      rows += 1;
      if (rows % options.every === 0) {
        boundaries.push({ offset: end, line: 1 + (recordDelimiter === '\r' ? returns : feeds), row: rows });
      }
    }
    isRowEmpty = true;
    isFieldEmpty = true;
  };
  const character = (): void => {
    isRowEmpty = false;
    isFieldEmpty = false;
  };

  const outside = (unit: number, end: number): void => {
    if (unit === LF) recordDelimiter ??= '\n';
    if (unit === CR && recordDelimiter !== '\n') {
      if (recordDelimiter === '\r') endRow(end);
      else isReturnPending = true;
    } else if (unit === LF && recordDelimiter === '\n') endRow(end);
    else if (unit === QUOTE && isFieldEmpty) {
      isQuoting = true;
      isRowEmpty = false;
    } else {
      delimiterSeen = unit === delimiter[delimiterSeen] ? delimiterSeen + 1 : unit === delimiter[0] ? 1 : 0;
      character();
      if (delimiterSeen === delimiter.length) {
        delimiterSeen = 0;
        isFieldEmpty = true;
      }
    }
  };

  const loneReturn = (end: number): void => {
    isReturnPending = false;
    if (recordDelimiter === undefined) {
      recordDelimiter = '\r';
      endRow(end);
    } else character();
  };

  const step = (unit: number, begin: number, end: number): void => {
    if (isReturnPending && unit === LF) {
      isReturnPending = false;
      recordDelimiter ??= '\r\n';
      feeds += 1;
      endRow(end);
      return;
    }
    if (isReturnPending) loneReturn(begin);
    if (unit === LF) feeds += 1;
    if (unit === CR) returns += 1;
    if (isQuotePending) {
      isQuotePending = false;
      if (unit === QUOTE) return;
      isQuoting = false;
      isFieldEmpty = false;
    }
    if (!isQuoting) outside(unit, end);
    else if (unit === QUOTE) isQuotePending = true;
  };

  return {
    boundaries,
    push: (bytes) => {
      let from = 0;
      // The caller gives at least the first four bytes at once, where the file has them.
      if (isAtStart && mark.length > 0 && mark.every((byte, index) => bytes[index] === byte)) from = mark.length;
      isAtStart = false;
      for (let index = from; index < bytes.length; index += 1) {
        const byte = bytes[index] ?? 0;
        // Nearly all bytes only say that the field is not empty.
        if (isPlain[byte] === 1 && !isReturnPending && !isQuotePending && leadByte === undefined) {
          if (isQuoting) continue;
          isRowEmpty = false;
          isFieldEmpty = false;
          delimiterSeen = 0;
          continue;
        }
        const end = offset + index + 1;
        if (leadByte !== undefined) {
          step(leadByte * 256 + byte, end - 2, end);
          leadByte = undefined;
        } else if (isDoubleByte && byte > 0x80) leadByte = byte;
        else step(byte, end - 1, end);
      }
      offset += bytes.length;
    },
    end: () => {
      if (leadByte !== undefined) character();
      if (isReturnPending) loneReturn(offset);
      if (!isRowEmpty) endRow(offset);
      return {
        rows: Math.max(0, rows),
        bytes: offset,
        recordDelimiter: recordDelimiter ?? '\n',
        boundaries: boundaries.filter((boundary) => boundary.row < rows),
      };
    },
  };
};

/** A character as the scanner sees it: bytes, and pairs of bytes where the encoding has such. */
const unitsOf = (text: string, encoding: CsvEncoding): readonly number[] => {
  const bytes = iconv.encode(text, encoding);
  if (encoding !== 'gb18030') return [...bytes];
  const units: number[] = [];
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte > 0x80) index += 1;
    units.push(byte > 0x80 ? byte * 256 + (bytes[index] ?? 0) : byte);
  }
  return units;
};
