/** The command was given something it cannot work with: exit code 2, nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code: string;
  readonly path: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { readonly path?: string; readonly hint?: string } = {}) {
    super(message);
    this.code = code;
    this.path = options.path;
    this.hint = options.hint;
  }
}

/** Code of the error that the folder of the local stack holds nothing. */
export const NO_DATA = 'data-folder-unknown';
