/** What is known of a stored file. */
export interface StoredFileState {
  readonly sizeBytes: number;
  /** Changes with the content. */
  readonly version: string;
}

/** Files of any size in the run workspace, read and written piece by piece. Keys as in the object store. */
export interface FileStore {
  /** @returns undefined if there is no such file */
  stat(key: string): Promise<StoredFileState | undefined>;
  /**
   * The bytes, or those from `from` up to and without `to`.
   *
   * @param version of the file that is meant
   * @throws PermanentError `file-missing`, and `file-changed` where the file has another version by now
   */
  read(
    key: string,
    range?: { readonly from: number; readonly to: number },
    version?: string,
  ): AsyncIterable<Uint8Array>;
  /** Stores the bytes; a reader sees the file whole or not at all. Replaces what was there. */
  write(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}
