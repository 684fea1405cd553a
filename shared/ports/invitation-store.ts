import type { Invitation } from '../domain/invitation.ts';

/** Drawn customers of waves. Readers: planning, sending, answering, events, showing, erasing. */
export interface InvitationStore {
  get(invitationId: string): Promise<Invitation | undefined>;
  getMany(invitationIds: readonly string[]): Promise<ReadonlyMap<string, Invitation>>;
  /** Creates those that do not exist; the others stay as they are. */
  createMany(invitations: readonly Invitation[]): Promise<void>;
  /**
   * Changes an invitation; `change` may be called again where another writer came between.
   * @returns the stored one; undefined where there is none
   */
  update(invitationId: string, change: (invitation: Invitation) => Invitation): Promise<Invitation | undefined>;
  /** All of one customer. Reads the whole table: for showing and erasing a person only. */
  ofCustomer(customerId: string): Promise<readonly Invitation[]>;
  remove(invitationId: string): Promise<void>;
}
