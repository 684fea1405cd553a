import type { CustomerFacts } from '../domain/facts.ts';

/** An item that could not be read as a customer. */
export interface QuarantinedRecord {
  readonly bucket: number;
  /** Sort key of the item: a subject. */
  readonly subject: string;
  /** What is wrong, without personal data. */
  readonly reason: string;
}

export type CustomerRead =
  | { readonly kind: 'customer'; readonly facts: CustomerFacts }
  | ({ readonly kind: 'quarantined' } & QuarantinedRecord);

/**
 * Facts of customers. Main items have key (bucket, subject); a small id item (`ids` partition, customerId) leads from the
 * company's id to the subject. `bucket = bucketOf(subject)`.
 */
export interface CustomerStore {
  /** Number of buckets of this stage; fixed for its life. */
  readonly buckets: number;
  bucketOf(subject: string): number;
  /** The subject of each known customer id. */
  subjectsOf(customerIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Subjects for all ids; unknown ids get a new one, decided by a conditional write, the same for concurrent callers. */
  ensureSubjects(customerIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  getMany(subjects: readonly string[]): Promise<ReadonlyMap<string, CustomerFacts>>;
  get(customerId: string): Promise<CustomerFacts | undefined>;
  /** All customers of a bucket ascending by subject; poison items come as `quarantined`. Counts consumed read units in `units`. */
  readBucket(bucket: number, units?: UnitMeter): AsyncIterable<CustomerRead>;
  /** Writes if the stored `factsRev` is `expectedRev` (null: no item yet). */
  put(facts: CustomerFacts, expectedRev: number | null): Promise<'stored' | 'conflict'>;
}

/** Removes everything that is known of a customer but the standing and the contact entry, which have stores of their own. */
export interface CustomerEraser {
  /** Repeating it finishes what a crash left. `subject`: the pseudonym, where it is known although nothing leads to it any more. */
  erase(customerId: string, subject?: string): Promise<'erased' | 'unknown'>;
}

/** Adds up DynamoDB capacity units. */
export interface UnitMeter {
  read: number;
  write: number;
}
