import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What must hold, by the number that the titles of its tests begin with, and a word for it. */
const MUSTS: Readonly<Record<string, string>> = {
  R01: 'one recipient',
  R02: 'one-click unsubscribe',
  R03: 'reading changes nothing',
  R04: 'one request',
  R05: 'outcomes of sending',
  R06: 'sending rate and quota',
  R07: 'claim and permission in one write',
  R08: 'mail events',
  R09: 'bounce and complaint brake',
  R10: 'sender identity and consent',
  R11: 'explicit answers',
  R12: 'one answer',
  R13: 'scanners',
  R14: 'contact budget',
  R15: 'deterministic sampling',
  R16: 'small groups hidden',
  R17: 'intervals',
  R18: 'significant changes',
  R19: 'tokens',
  R20: 'no personal data in links and logs',
  R21: 'key rotation',
  R22: 'page headers',
  R23: 'refused requests',
  R24: 'escaping',
  R25: 'rights and tables',
  R26: 'erasure',
  R27: 'missing answers',
  R28: 'satisfaction',
  R29: 'pure scores',
  R30: 'no flapping',
  R31: 'exits are proposed',
  R33: 'precompiled templates',
  R34: '7-bit mails',
  R36: 'one run per period',
  R37: 'killed anywhere',
  R38: 'atomic publication',
  R39: 'counts from documents',
  R40: 'quarantine',
};

const ROOT = join(import.meta.dirname, '..');
const NUMBER = /^(?:[RI]\d{1,2} )*R\d{2}(?= )/u;
/** Titles of tests and groups: the first text of a call, or of a table's title. */
const TITLE = /(?:\b(?:it|test|describe)\s*\(|\]\s*\)?\s*\(|\)\s*\(|,\n)\s*(?:\n\s*)?(['"`])((?:\\.|(?!\1)[^\\])*)\1/gu;

const titles = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .flatMap((name) => {
    const text = readFileSync(join(ROOT, name), 'utf8');
    return [...text.matchAll(TITLE)].map((match) => ({ name, title: match[2] ?? '' }));
  });

const numbered = new Map<string, string[]>();
for (const { name, title } of titles) {
  for (const number of NUMBER.exec(title)?.[0].match(/R\d{2}/gu) ?? []) {
    numbered.set(number, [...(numbered.get(number) ?? []), `${name}: ${title}`]);
  }
}

describe('the numbered requirements', () => {
  it('have a test each whose title begins with the number', () => {
    const untested = Object.entries(MUSTS).filter(([number]) => !numbered.has(number));
    expect(untested.map(([number, word]) => `${number} ${word}`)).toEqual([]);
  });

  it('are the only numbers that titles begin with', () => {
    const known = new Set([...Object.keys(MUSTS), 'R32', 'R35']);
    expect([...numbered.keys()].filter((number) => !known.has(number))).toEqual([]);
  });
});

describe('mail headers', () => {
  it('R24 are never given as prepared, which would let data start headers of its own', () => {
    const product = join(ROOT, '..');
    const offending = ['shared', 'functions', 'local', 'cli'].flatMap((folder) =>
      readdirSync(join(product, folder), { recursive: true, encoding: 'utf8' })
        .filter(
          (name) =>
            name.endsWith('.ts') && /\bprepared\s*:\s*true/u.test(readFileSync(join(product, folder, name), 'utf8')),
        )
        .map((name) => join(folder, name)),
    );
    expect(offending).toEqual([]);
  });
});
