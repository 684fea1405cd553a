import type { Clock } from '#shared/ports/clock.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';

export interface UnsubscribePorts {
  readonly clock: Clock;
  readonly invitations: Pick<InvitationStore, 'get'>;
  readonly contacts: Pick<ContactStore, 'get' | 'unsubscribe' | 'resubscribe'>;
}

export type UnsubscribeResult = 'done' | 'unknown';

/** Ends all surveys to the address an invitation went to, or undoes that. Doing it again changes nothing. */
export const unsubscribe = async (
  request: { readonly invitationId: string; readonly undo: boolean },
  ports: UnsubscribePorts,
): Promise<UnsubscribeResult> => {
  const invitation = await ports.invitations.get(request.invitationId);
  if (invitation === undefined) return 'unknown';
  if ((await ports.contacts.get(invitation.addressKey)) === undefined) return 'unknown';
  if (request.undo) await ports.contacts.resubscribe(invitation.addressKey);
  else await ports.contacts.unsubscribe(invitation.addressKey, ports.clock.now());
  return 'done';
};
