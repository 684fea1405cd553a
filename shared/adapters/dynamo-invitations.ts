import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Invitation } from '../domain/invitation.ts';
import type { DocumentTable } from '../ports/document-table.ts';
import type { InvitationStore } from '../ports/invitation-store.ts';
import { changeDocument, dynamoDocuments, inBatches } from './dynamo-documents.ts';

/** Invitations in the table `invitations`. */
export const dynamoInvitations = (client: DynamoDBClient, table: string): InvitationStore =>
  invitationsOver(dynamoDocuments(client, { table, key: 'invitationId', isDocument: isInvitation }));

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
