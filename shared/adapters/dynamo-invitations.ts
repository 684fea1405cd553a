import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Invitation } from '../domain/invitation.ts';
import { type Expiry, expiryOf, RETENTION_DAYS } from '../domain/retention.ts';
import type { Clock } from '../ports/clock.ts';
import type { DocumentTable } from '../ports/document-table.ts';
import type { InvitationStore } from '../ports/invitation-store.ts';
import { changeDocument, dynamoDocuments, inBatches } from './dynamo-documents.ts';

/** Invitations in the table `invitations`. */
export const dynamoInvitations = (client: DynamoDBClient, table: string, clock?: Clock): InvitationStore =>
  invitationsOver(
    dynamoDocuments(client, { table, key: 'invitationId', isDocument: isInvitation, expiry: invitationExpiry(clock) }),
  );

/** Without a clock nothing ends. */
export const invitationExpiry = (clock: Clock | undefined): Expiry<Invitation> | undefined =>
  clock && { of: ({ closesAt }) => expiryOf(closesAt, RETENTION_DAYS.invitations), now: () => clock.now() };

const isInvitation = (value: unknown): value is Invitation =>
  typeof value === 'object' && value !== null && 'invitationId' in value && 'invitation' in value && 'events' in value;

/** Invitations over any table of documents. */
export const invitationsOver = (documents: DocumentTable<Invitation>): InvitationStore => ({
  get: async (invitationId) => (await documents.get(invitationId))?.document,
  getMany: (invitationIds) => documents.getMany(invitationIds),
  createMany: (invitations) =>
    inBatches(invitations, (invitation) => documents.put(invitation.invitationId, invitation, null)),
  update: (invitationId, change) =>
    changeDocument(documents, invitationId, (known) => (known === undefined ? undefined : change(known))),
  ofCustomer: async (customerId) =>
    (await documents.search(JSON.stringify(customerId))).filter((one) => one.customerId === customerId),
  remove: (invitationId) => documents.remove(invitationId),
});
