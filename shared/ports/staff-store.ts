import type { StaffMember } from '../domain/staff.ts';

/** The staff directory: employees by name. */
export interface StaffStore {
  /** Ascending by name. */
  list(): Promise<readonly StaffMember[]>;
  /** @returns `unchanged` where the entry was the same already */
  put(member: StaffMember): Promise<'new' | 'changed' | 'unchanged'>;
  /** Removes the entry for good. */
  remove(name: string): Promise<'removed' | 'unknown'>;
}
