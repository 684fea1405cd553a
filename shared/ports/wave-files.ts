/** Documents of a wave in the workspace, `waves/<waveId>/<name>`. They hold no customer id and no contact datum. */
export interface WaveFiles {
  /** @returns `exists` where `ifAbsent` met a document */
  writeJson(
    waveId: string,
    name: string,
    document: unknown,
    options?: { readonly ifAbsent?: boolean },
  ): Promise<'stored' | 'exists'>;
  /** @returns undefined if there is no such document */
  readJson(waveId: string, name: string): Promise<unknown>;
}
