/** The run workspace: a bucket on AWS, a directory locally. Keys use `/`; they hold no customer id and no contact datum. */
export interface ObjectStore {
  /**
   * Stores the bytes. With `ifAbsent` an existing object stays as it is.
   * @returns `stored`, or `exists` where `ifAbsent` met an object
   */
  put(
    key: string,
    bytes: Uint8Array,
    options?: { readonly ifAbsent?: boolean; readonly contentType?: string },
  ): Promise<'stored' | 'exists'>;
  /** @returns undefined only if there is no such object; every other failure throws */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keys that start with `prefix`, ascending. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removing what is not there is no error. */
  remove(key: string): Promise<void>;
}
