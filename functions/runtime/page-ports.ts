import { dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoContacts } from '#shared/adapters/dynamo-contacts.ts';
import { dynamoCustomers } from '#shared/adapters/dynamo-customers.ts';
import { dynamoInvitations } from '#shared/adapters/dynamo-invitations.ts';
import type { SurveyAppPorts } from '#shared/application/pages/survey-app.ts';
import type { ProjectAnswerPorts } from '#shared/application/project-answer.ts';
import type { SurveyIdentity } from '#shared/application/survey-mail.ts';
import type { LinkKeys } from '#shared/domain/link-token.ts';
import { errorFields, log } from '#shared/log.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { AddressKey } from '#shared/ports/secrets.ts';
import type { StoreParts } from './stores.ts';

/**
 * What every function has. The pages have nothing else: what is imported here, a customer who opens a link waits for, so no
 * workspace, no files and no policies.
 */
export interface TableParts extends Omit<StoreParts, 'objects'> {
  readonly clock: Clock;
  readonly businessTimeZone: string;
}

/** For bringing stored answers to their customers. */
export const projectAnswerPortsFrom = ({
  clock,
  dynamo: client,
  tables,
  buckets,
  subjectSource,
  businessTimeZone,
}: TableParts): ProjectAnswerPorts => ({
  clock,
  answers: dynamoAnswers(client, tables.answers, clock),
  customers: dynamoCustomers({ client, table: tables.customers, buckets, subjectSource }),
  cases: dynamoCases(client, tables.cases, clock),
  businessTimeZone,
});

/** For the pages that customers answer and unsubscribe on. */
export const surveyPagePortsFrom = (
  parts: TableParts & {
    readonly addressKey: AddressKey;
    readonly linkKeys: LinkKeys;
    readonly identity: SurveyIdentity;
  },
): SurveyAppPorts => ({
  ...projectAnswerPortsFrom(parts),
  invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
  contacts: dynamoContacts(parts.dynamo, parts.tables.contacts, parts.addressKey),
  linkKeys: parts.linkKeys,
  identity: parts.identity,
  onProjectionFailed: (answerId, error) =>
    log.warn('an answer waits for the sweeper', { answerId, ...errorFields(error) }),
  onFailure: (route, error) => log.error('a page failed', { route, ...errorFields(error) }),
});
