import { createHmac } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  ADDRESS_NORMALISATION,
  type Contact,
  claimContact,
  claimKey,
  holdContact,
  isMailbox,
  newestConsent,
  normaliseAddress,
  releaseClaim,
  settleClaim,
  unholdContact,
} from '../domain/contact-policy.ts';
import { PermanentError, PoisonError } from '../errors.ts';
import type { ClaimResult, ContactStore } from '../ports/contact-store.ts';
import type { DocumentTable } from '../ports/document-table.ts';
import type { AddressKey } from '../ports/secrets.ts';
import { changeDocument, dynamoDocuments } from './dynamo-documents.ts';

/** The key of an address: `kid.hash`. The same address gives the same key as long as the address key lives. */
export const addressKeyOf = (secret: AddressKey, address: string): string => {
  const hash = createHmac('sha256', secret.key)
    .update(`address|${ADDRESS_NORMALISATION}|${normaliseAddress(address)}`)
    .digest('base64url');
  return `${secret.kid}.${hash}`;
};

/** Contacts in the table `contacts`. Without the address key all works but taking up addresses. */
export const dynamoContacts = (client: DynamoDBClient, table: string, secret?: AddressKey): ContactStore =>
  contactsOver(dynamoDocuments(client, { table, key: 'addressKey', isDocument: isContact }), secret);

const hasPerson = (contact: Contact | undefined, customerId: string): boolean =>
  contact !== undefined && Object.hasOwn(contact.people, customerId);

const isContact = (value: unknown): value is Contact =>
  typeof value === 'object' && value !== null && 'addressKey' in value && 'claims' in value && 'people' in value;

/** Contacts over any table of documents. */
export const contactsOver = (documents: DocumentTable<Contact>, secret: AddressKey | undefined): ContactStore => {
  const change = async (addressKey: string, work: (contact: Contact) => Contact): Promise<void> => {
    await changeDocument(documents, addressKey, (contact) => (contact === undefined ? undefined : work(contact)));
  };
  return {
    get: async (addressKey) => (await documents.get(addressKey))?.document,
    getMany: (addressKeys) => documents.getMany(addressKeys),
    upsertPerson: async ({ customerId, email, ...person }, before) => {
      const address = normaliseAddress(email);
      if (!isMailbox(address)) {
        throw new PoisonError(
          'address-invalid',
          `customer ${customerId} has no valid mail address; it must look like name@company.example`,
        );
      }
      if (secret === undefined)
        throw new PermanentError('address-key-missing', 'addresses are taken up with the address key only');
      const addressKey = addressKeyOf(secret, address);
      const isNew = before !== undefined && !hasPerson((await documents.get(addressKey))?.document, customerId);
      const given = newestConsent(isNew ? await before() : undefined, person.consent);
      await changeDocument(documents, addressKey, (known) => {
        if (known?.suppression?.reason === 'erased' && known.address === undefined) return known;
        const before = known ?? { addressKey, address, claims: {}, people: {} };
        const earlier = before.people[customerId];
        const consent = newestConsent(earlier?.consent, given);
        const merged = { ...earlier, ...person, ...(consent === undefined ? {} : { consent }) };
        const same =
          known !== undefined && known.address !== undefined && JSON.stringify(merged) === JSON.stringify(earlier);
        return same ? known : { ...before, address, people: { ...before.people, [customerId]: merged } };
      });
      return addressKey;
    },
    noteConsent: (addressKey, customerId, consent) =>
      change(addressKey, (contact) => {
        const person = contact.people[customerId];
        if (person === undefined) return contact;
        const newest = newestConsent(person.consent, consent);
        if (newest === undefined || newest === person.consent) return contact;
        return { ...contact, people: { ...contact.people, [customerId]: { ...person, consent: newest } } };
      }),
    consentOf: async (addressKey, customerId) =>
      (await documents.get(addressKey))?.document.people[customerId]?.consent,
    claim: async (addressKey, request): Promise<ClaimResult> => {
      let result: ClaimResult = { kind: 'refused', reason: 'noAddress' };
      await changeDocument(documents, addressKey, (contact) => {
        const decision = claimContact(contact, request);
        result = decision.kind === 'claimed' ? { kind: 'claimed' } : decision;
        return decision.kind === 'claimed' ? decision.contact : contact;
      });
      return result;
    },
    settle: (addressKey, mail, outcome, messageId) =>
      change(addressKey, (contact) =>
        settleClaim(contact, claimKey(mail.invitationId, mail.kind), outcome, {
          ...(mail.attemptId === undefined ? {} : { attemptId: mail.attemptId }),
          ...(messageId === undefined ? {} : { messageId }),
        }),
      ),
    release: (addressKey, mail) =>
      change(addressKey, (contact) => releaseClaim(contact, claimKey(mail.invitationId, mail.kind), mail.attemptId)),
    hold: (addressKey, hold, now) => change(addressKey, (contact) => holdContact(contact, hold, now)),
    unhold: (addressKey, invitationId) => change(addressKey, (contact) => unholdContact(contact, invitationId)),
    unsubscribe: async (addressKey, at) => {
      const stored = await changeDocument(documents, addressKey, (contact) =>
        contact === undefined || contact.unsubscribed !== undefined ? contact : { ...contact, unsubscribed: { at } },
      );
      if (stored === undefined) throw new PermanentError('contact-unknown', 'there is no contact to unsubscribe');
    },
    resubscribe: (addressKey) =>
      change(addressKey, (contact) => {
        if (contact.unsubscribed === undefined) return contact;
        const { unsubscribed: _, ...rest } = contact;
        return rest;
      }),
    suppress: (addressKey, reason, at) =>
      change(addressKey, (contact) =>
        contact.suppression === undefined ? { ...contact, suppression: { reason, at } } : contact,
      ),
    ofCustomer: async (customerId) =>
      (await documents.search(JSON.stringify(customerId))).filter((one) => Object.hasOwn(one.people, customerId)),
    erasePerson: (addressKey, customerId, at) =>
      change(addressKey, (contact) => {
        if (!Object.hasOwn(contact.people, customerId)) return contact;
        const people = Object.fromEntries(Object.entries(contact.people).filter(([id]) => id !== customerId));
        return Object.keys(people).length > 0
          ? { ...contact, people }
          : { addressKey, suppression: { reason: 'erased', at }, claims: {}, people: {} };
      }),
  };
};
