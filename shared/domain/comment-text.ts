/** Longest comment, in Unicode code points. */
export const LONGEST_COMMENT = 1000;

/** C0 and C1 controls except tab and line feed, and characters that turn the direction of text. */
const UNWANTED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * A comment as it is kept: NFC, line breaks as `\n`, without controls and without characters that turn the direction of
 * text, trimmed. Letters, emoji and spaces inside stay as they were. Empty where nothing readable was written.
 */
export const cleanComment = (text: string): string =>
  text.replace(/\r\n?/gu, '\n').toWellFormed().normalize('NFC').replace(UNWANTED, '').trim();

/** Whether a cleaned comment is short enough; counts code points, so an emoji of one code point is one. */
export const isCommentShortEnough = (comment: string): boolean => [...comment].length <= LONGEST_COMMENT;
