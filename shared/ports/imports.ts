import type { IsoDate } from '../domain/calendar.ts';

/** A person at an address, as an import knows them. */
export interface ImportedPerson {
  readonly customerId: string;
  readonly email: string;
  readonly name?: string;
  readonly language?: string;
  readonly region?: string;
  readonly consent?: {
    readonly given: boolean;
    /** Where it was given: the import's source. */
    readonly source: string;
    readonly at: IsoDate;
  };
}

/** Keeps addresses. The import hands personal data over and gets a key, which is all that the customer's facts carry. */
export interface ContactWriter {
  /**
   * Adds or updates the person; the same person twice changes nothing.
   *
   * @param before asked for what is known of the consent, where the person is new at the address
   * @returns the contact key of the address
   */
  upsertPerson(person: ImportedPerson, before?: () => Promise<ImportedPerson['consent']>): Promise<string>;
  /** Notes a consent or a withdrawal of a person at an address that is known already; the newer word counts. */
  noteConsent?(contactKey: string, customerId: string, consent: NonNullable<ImportedPerson['consent']>): Promise<void>;
  /** What is noted of the consent of a person at an address. */
  consentOf?(contactKey: string, customerId: string): Promise<ImportedPerson['consent']>;
}

/** A file to import. It is read twice: once to check everything before anything is written, once to write. */
export interface ImportSource {
  /** File name for messages and records, without folders. */
  readonly name: string;
  /** The bytes from the beginning; the same each time. */
  open(): AsyncIterable<Uint8Array>;
}

/** A row that was not imported. */
export interface RejectedRow {
  /** Line of the file where the row begins; the header is line 1. */
  readonly line: number;
  readonly reason: string;
  /** The row as CSV. May hold personal data: it goes back to whoever owns the file and nowhere else. */
  readonly original: string;
}

export interface RejectSink {
  write(row: RejectedRow): void | Promise<void>;
}
