import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { ImportSource, RejectSink } from '#shared/ports/imports.ts';

/** A file on disk as something to import. */
export const fileSource = (file: string): ImportSource => ({
  name: path.basename(file),
  open: () => createReadStream(file),
});

/** A text in memory as something to import. */
export const textSource = (name: string, text: string): ImportSource => ({
  name,
  open: async function* () {
    yield new TextEncoder().encode(text);
  },
});

/** Keeps the first few rejected rows, to show them. */
export const firstRejects = (limit: number): RejectSink & { readonly shown: readonly string[] } => {
  const shown: string[] = [];
  return {
    shown,
    write: ({ line, reason }) => {
      if (shown.length < limit) shown.push(`line ${line}: ${reason}`);
    },
  };
};
