import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { WaveRecord } from '#shared/contracts/survey.ts';
import type { AnswerStore, StoredAnswer } from '#shared/ports/answer-store.ts';
import type { CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { Contact, ContactStore } from '#shared/ports/contact-store.ts';
import type { CustomerEraser, CustomerStore } from '#shared/ports/customer-store.ts';
import type { ErasureLog } from '#shared/ports/erasure-log.ts';
import type { FlagEraser, FlagStore } from '#shared/ports/flag-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { PointerStore, RecordStore, StandingEraser, StandingStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import type { Flag } from '../domain/flags.ts';
import type { Invitation } from '../domain/invitation.ts';
import type { Standing } from '../domain/standing.ts';

/** Every place where something of a person can lie. */
export interface PersonPorts {
  readonly clock: Clock;
  readonly customers: CustomerStore & CustomerEraser;
  readonly standings: Pick<StandingStore, 'getMany'> & StandingEraser;
  readonly flags: Pick<FlagStore, 'get'> & FlagEraser;
  readonly cases: Pick<CaseStore, 'ofCustomer' | 'remove'>;
  readonly contacts: Pick<ContactStore, 'ofCustomer' | 'erasePerson'>;
  readonly invitations: Pick<InvitationStore, 'ofCustomer' | 'remove'>;
  readonly answers: Pick<AnswerStore, 'ofCustomer' | 'remove'>;
  readonly runs: Pick<RecordStore<RunRecord>, 'list'>;
  readonly pointer: Pick<PointerStore, 'get'>;
  readonly files: Pick<RunFiles, 'readPlan' | 'readJson'>;
  readonly waves: Pick<RecordStore<WaveRecord>, 'list'>;
  readonly waveFiles: Pick<WaveFiles, 'readJson'>;
  readonly objects: ObjectStore;
  readonly erasures: ErasureLog;
}

/** What lies under a customer id and its pseudonym, besides the facts. */
export interface PersonItems {
  readonly contacts: readonly Contact[];
  readonly invitations: readonly Invitation[];
  readonly answers: readonly StoredAnswer[];
  readonly cases: readonly CustomerCase[];
  readonly flags: readonly Flag[];
  readonly standing: Standing | undefined;
}

/** Looks everywhere. @param subject the pseudonym; undefined where nothing leads to one */
export const findPerson = async (
  customerId: string,
  subject: string | undefined,
  ports: PersonPorts,
): Promise<PersonItems> => {
  const [contacts, invitations, answers, cases, upgrade, exit, standings] = await Promise.all([
    ports.contacts.ofCustomer(customerId),
    ports.invitations.ofCustomer(customerId),
    ports.answers.ofCustomer(customerId),
    ports.cases.ofCustomer(customerId),
    subject === undefined ? undefined : ports.flags.get(subject, 'upgrade'),
    subject === undefined ? undefined : ports.flags.get(subject, 'exit'),
    subject === undefined ? undefined : ports.standings.getMany([subject]),
  ]);
  return {
    contacts,
    invitations,
    answers,
    cases,
    flags: [upgrade, exit].filter((flag) => flag !== undefined),
    standing: subject === undefined ? undefined : standings?.get(subject),
  };
};
