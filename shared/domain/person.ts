/**
 * The name of a person without the mark that nobody verified it. Names compare without outer spaces, and whichever way accents are
 * composed.
 */
export const personName = (by: string): string =>
  by
    .replace(/\s*\(unverified\)$/u, '')
    .normalize('NFC')
    .trim();

export const isSamePerson = (a: string, b: string): boolean => personName(a) === personName(b);
