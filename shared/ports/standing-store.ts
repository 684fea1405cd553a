import type { RunPointer, Standing } from '../domain/standing.ts';
import type { QuarantinedRecord, UnitMeter } from './customer-store.ts';

/** Standings, key (bucket, subject). Only runs write here. */
export interface StandingStore {
  /**
   * All standings of a bucket ascending by subject. Items that cannot be read go to `quarantined`; without it they throw.
   */
  readBucket(bucket: number, units?: UnitMeter, quarantined?: QuarantinedRecord[]): Promise<readonly Standing[]>;
  getMany(subjects: readonly string[]): Promise<ReadonlyMap<string, Standing>>;
  /** Writes unless the stored newest generation has a higher sequence number; the same write twice is the same. */
  put(standing: Standing, units?: UnitMeter): Promise<'stored' | 'newer'>;
}

/** Removes what runs say of one customer; for erasing. Removing what is not there is no error. */
export interface StandingEraser {
  remove(subject: string): Promise<void>;
}

/** Run records, waves' and imports' records are in one small table keyed by kind and id. */
export interface RecordStore<T> {
  /** Creates the record if the id is free. */
  create(id: string, record: T): Promise<'created' | 'exists'>;
  get(id: string): Promise<{ readonly record: T; readonly rev: number } | undefined>;
  /** Replaces the record if its revision is still `rev`. */
  replace(id: string, record: T, rev: number): Promise<'stored' | 'conflict'>;
  /** All records whose id starts with `prefix`, ascending by id. */
  list(prefix?: string): Promise<readonly { readonly id: string; readonly record: T }[]>;
}

export interface PointerStore {
  get(): Promise<RunPointer>;
  /** Moves the pointer if it still has revision `expectedRev`; stores `next` with revision `expectedRev + 1`. */
  compareAndSet(next: Omit<RunPointer, 'rev'>, expectedRev: number): Promise<'stored' | 'conflict'>;
}
