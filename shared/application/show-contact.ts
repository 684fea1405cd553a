import { DrawnAudience, PopulationRows } from '#shared/contracts/survey.ts';
import { fromDayNumber } from '#shared/domain/calendar.ts';
import { claimKey, type MailKind } from '#shared/domain/contact-policy.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import { type Invitation, lineOf } from '#shared/domain/invitation.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Contact } from '#shared/ports/contact-store.ts';
import { type CustomerHistory, customerHistory } from './customer-history.ts';
import { findPerson, type PersonItems, type PersonPorts } from './person-ports.ts';

/** Everything that is held about one person, to be handed out. Holds nothing of anybody else. */
export interface PersonDossier {
  readonly customerId: string;
  /** Instant at which it was read. */
  readonly readAt: string;
  /** Stands for the customer in the files of runs. */
  readonly pseudonym: string | null;
  readonly addresses: readonly DossierAddress[];
  readonly surveys: readonly DossierSurvey[];
  readonly waves: readonly { readonly waveId: string; readonly segment: string; readonly outcome: string }[];
  readonly facts: DossierFacts | null;
  /** What the published runs said, the oldest first. */
  readonly segments: CustomerHistory['runs'];
  readonly standing: NonNullable<PersonItems['standing']> | null;
  readonly flags: PersonItems['flags'];
  readonly cases: PersonItems['cases'];
}

export interface DossierAddress {
  readonly address: string | null;
  readonly name: string | null;
  readonly language: string | null;
  readonly region: string | null;
  readonly consent: { readonly given: boolean; readonly source: string; readonly date: string } | null;
  readonly unsubscribedAt: string | null;
  /** Why nothing is sent to the address, and since when. */
  readonly suppression: { readonly reason: string; readonly at: string } | null;
  /** Mails to this person. */
  readonly mails: readonly {
    readonly waveId: string;
    readonly kind: MailKind;
    readonly at: string;
    readonly outcome: string;
    readonly messageId: string | null;
  }[];
}

export interface DossierSurvey {
  readonly waveId: string;
  readonly question: string;
  readonly language: string;
  readonly segment: string;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly invitation: string;
  readonly reminder: string | null;
  readonly deliveredAt: string | null;
  readonly bouncedAt: string | null;
  readonly complainedAt: string | null;
  readonly closesAt: string;
  /** Null where none was given. All earlier versions are in `history`. */
  readonly answer: PersonItems['answers'][number]['answer'] | null;
}

export interface DossierFacts {
  readonly branch: string | null;
  readonly manager: string | null;
  readonly changedAt: string;
  readonly statuses: CustomerFacts['statuses'];
  /** Amounts in minor units of the stage's currency. */
  readonly purchases: readonly {
    readonly date: string;
    readonly count: number;
    readonly amountMinor: number;
    readonly attributes: Readonly<Record<string, string>>;
    readonly id: string | null;
  }[];
  readonly traits: CustomerFacts['snapshots'];
  readonly answers: readonly CustomerFacts['answers'][string][];
  readonly pins: CustomerFacts['pins'];
  readonly decisions: CustomerFacts['decisions'];
  readonly notes: NonNullable<CustomerFacts['notes']>;
  readonly openCase: string | null;
  /** A word on consent that came while no address was known. */
  readonly consent: { readonly given: boolean; readonly source: string; readonly date: string } | null;
  /** When the imports that touched the customer were recorded. */
  readonly imports: readonly { readonly batchId: string; readonly recordedAt: string }[];
}

/**
 * Everything held about a person, read from every store.
 *
 * @throws PermanentError `customer-unknown`; `customer-erased` where only the entry of the erasure is left
 */
export const showContact = async (customerId: string, ports: PersonPorts): Promise<PersonDossier> => {
  const subject = (await ports.customers.subjectsOf([customerId])).get(customerId);
  const facts = await ports.customers.get(customerId);
  const items = await findPerson(customerId, subject, ports);
  const { contacts, invitations, answers, cases, flags, standing } = items;
  if (facts === undefined && contacts.length + invitations.length + answers.length + cases.length === 0) {
    throw await nothingHeld(customerId, ports);
  }
  const answerOf = new Map(answers.map(({ answer }) => [answer.answerId, answer]));
  return {
    customerId,
    readAt: ports.clock.now(),
    pseudonym: subject ?? null,
    addresses: contacts.map((contact) => addressOf(contact, customerId, invitations)),
    surveys: [...invitations].sort(byWave).map((invitation) => ({
      waveId: invitation.waveId,
      question: invitation.question,
      language: invitation.language,
      segment: invitation.segment,
      branch: invitation.branch,
      manager: invitation.manager,
      invitation: lineText(invitation, 'invitation'),
      reminder: invitation.reminder === undefined ? null : lineText(invitation, 'reminder'),
      deliveredAt: invitation.deliveredAt ?? null,
      bouncedAt: invitation.bouncedAt ?? null,
      complainedAt: invitation.complainedAt ?? null,
      closesAt: invitation.closesAt,
      answer: answerOf.get(invitation.invitationId) ?? null,
    })),
    waves: subject === undefined ? [] : await wavesOf(subject, ports),
    facts: facts === undefined ? null : factsForPerson(facts),
    segments: facts === undefined ? [] : (await customerHistory(customerId, ports)).runs,
    standing: standing ?? null,
    flags,
    cases,
  };
};

const nothingHeld = async (customerId: string, ports: PersonPorts): Promise<PermanentError> => {
  const erasure = await ports.erasures.get(customerId);
  const shown = JSON.stringify(customerId.slice(0, 80));
  return erasure === undefined
    ? new PermanentError('customer-unknown', `there is no customer ${shown}: nothing is held under this id`, {
        hint: 'ids are as the imported files have them, capital letters included',
      })
    : new PermanentError(
        'customer-erased',
        `customer ${shown} was erased on ${(erasure.doneAt ?? erasure.begunAt).slice(0, 10)} by ${erasure.by}: ${erasure.reason}`,
        {
          hint:
            erasure.doneAt === null
              ? 'the erasure is unfinished: run resegment contact erase again'
              : 'nothing is held but a keyed hash of the id and of the address, so that imports do not bring them back',
        },
      );
};

const byWave = (a: Invitation, b: Invitation): number => (a.waveId < b.waveId ? -1 : 1);

const lineText = (invitation: Invitation, kind: MailKind): string => {
  const { state, reason, at } = lineOf(invitation, kind);
  return [state, ...(reason === undefined ? [] : [`(${reason})`]), ...(at === undefined ? [] : [at])].join(' ');
};

/** Others at the same address, and mails to them, stay out. */
const addressOf = (contact: Contact, customerId: string, invitations: readonly Invitation[]): DossierAddress => {
  const person = contact.people[customerId];
  return {
    address: contact.address ?? null,
    name: person?.name ?? null,
    language: person?.language ?? null,
    region: person?.region ?? null,
    consent:
      person?.consent === undefined
        ? null
        : { given: person.consent.given, source: person.consent.source, date: person.consent.at },
    unsubscribedAt: contact.unsubscribed?.at ?? null,
    suppression: contact.suppression ?? null,
    mails: invitations.flatMap((invitation) =>
      (['invitation', 'reminder'] as const).flatMap((kind) => {
        const claim = contact.claims[claimKey(invitation.invitationId, kind)];
        return claim === undefined
          ? []
          : [
              {
                waveId: invitation.waveId,
                kind,
                at: claim.at,
                outcome: claim.outcome ?? 'uncertain',
                messageId: claim.messageId ?? null,
              },
            ];
      }),
    ),
  };
};

const wavesOf = async (subject: string, ports: PersonPorts): Promise<PersonDossier['waves']> => {
  const found: { waveId: string; segment: string; outcome: string }[] = [];
  for (const { id: waveId } of await ports.waves.list()) {
    const document = await ports.waveFiles.readJson(waveId, 'drawn.json');
    if (document === undefined) continue;
    const audience = DrawnAudience.parse(document);
    const drawn = audience.drawn.find((one) => one.subject === subject);
    if (drawn !== undefined) {
      found.push({ waveId, segment: drawn.segment, outcome: 'drawn' });
      continue;
    }
    const rows = PopulationRows.parse((await ports.waveFiles.readJson(waveId, audience.populationFile)) ?? []);
    const row = rows.find(([one]) => one === subject);
    if (row !== undefined) found.push({ waveId, segment: row[1], outcome: row[2] });
  }
  return found;
};

const factsForPerson = (facts: CustomerFacts): DossierFacts => ({
  branch: facts.branch ?? null,
  manager: facts.manager ?? null,
  changedAt: facts.changedAt,
  statuses: facts.statuses,
  purchases: facts.orders.map(({ day, count, amountMinor, attributes, id }) => ({
    date: fromDayNumber(day),
    count,
    amountMinor,
    attributes,
    id: id ?? null,
  })),
  traits: facts.snapshots,
  answers: Object.values(facts.answers),
  pins: facts.pins,
  decisions: facts.decisions,
  notes: facts.notes ?? [],
  openCase: facts.openCase ?? null,
  consent:
    facts.consent === undefined
      ? null
      : { given: facts.consent.given, source: facts.consent.source, date: facts.consent.at },
  imports: facts.batches.map(({ batchId, recordedAt }) => ({ batchId, recordedAt })),
});
