import { PermanentError } from '#shared/errors.ts';

const LONGEST_TEXT = 500;

/**
 * What a person gives as a reason or a note, on one line.
 *
 * @param option such as `--reason`; names the error, here `reason-missing`
 * @param why why it has to be given
 * @throws PermanentError where nothing is left of it, or it is longer than 500 characters
 */
export const checkedText = (option: string, given: string, why: string): string => {
  const text = given.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  if (text === '' || text.length > LONGEST_TEXT) {
    throw new PermanentError(
      `${option.replace(/^-+/u, '')}-missing`,
      `${option} must be a text of 1 to ${LONGEST_TEXT} characters, got ${text.length}; ${why}`,
    );
  }
  return text;
};
