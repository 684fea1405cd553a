import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import * as z from 'zod/mini';
import { BusinessEvent } from '../domain/business-event.ts';
import type { EventBus } from '../ports/event-bus.ts';

/** A bus for one machine: a file with one event a line, in the order in which they were sent. */
export interface EventFile extends EventBus {
  /**
   * Events from a position of the file on, and where they end. A last line that is not whole yet is left for the next time,
   * and one that a crash cut off is passed over: its event was sent again after it.
   */
  read(from?: number): { readonly events: readonly BusinessEvent[]; readonly end: number };
}

export const fileEventBus = (file: string): EventFile => ({
  send: async (events) => {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    const opened = openSync(file, 'a+', 0o600);
    try {
      writeSync(opened, `${endsInTheMiddle(opened) ? '\n' : ''}${lines}`);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    return new Set();
  },
  read: (from = 0) => {
    if (!existsSync(file) || statSync(file).size <= from) return { events: [], end: from };
    const bytes = readFileSync(file).subarray(from);
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    const events = whole
      .toString('utf8')
      .split('\n')
      .flatMap((line) => {
        const parsed = z.safeParse(BusinessEvent, parseLine(line));
        return parsed.success ? [parsed.data] : [];
      });
    return { events, end: from + whole.length };
  },
});

const endsInTheMiddle = (opened: number): boolean => {
  const last = Buffer.alloc(1);
  const read = readSync(opened, last, 0, 1, Math.max(0, fstatSync(opened).size - 1));
  return read === 1 && last.toString() !== '\n';
};

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
