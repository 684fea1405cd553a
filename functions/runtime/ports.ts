import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { dynamoAnswers } from '#shared/adapters/dynamo-answers.ts';
import { dynamoCases } from '#shared/adapters/dynamo-cases.ts';
import { dynamoContacts } from '#shared/adapters/dynamo-contacts.ts';
import { dynamoInvitations } from '#shared/adapters/dynamo-invitations.ts';
import { dynamoOutbox } from '#shared/adapters/dynamo-outbox.ts';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { dynamoStaff } from '#shared/adapters/dynamo-staff.ts';
import { dynamoUsage } from '#shared/adapters/dynamo-usage.ts';
import { objectErasureLog } from '#shared/adapters/object-erasure-log.ts';
import { objectWaveFiles } from '#shared/adapters/object-wave-files.ts';
import { recordJournal, StoredJournalEntry } from '#shared/adapters/record-journal.ts';
import type { WaveHealthPorts } from '#shared/application/assert-wave-healthy.ts';
import type { WaveBrakePorts } from '#shared/application/brake-wave.ts';
import type { CheckWavePorts } from '#shared/application/check-wave.ts';
import { type CloseWavePorts, waveStatus } from '#shared/application/close-wave.ts';
import type { EmitEventsPorts } from '#shared/application/emit-events.ts';
import type { EscalateCasesPorts } from '#shared/application/escalate-cases.ts';
import { outcomesForReport } from '#shared/application/flag-outcomes.ts';
import { labelIn } from '#shared/application/format-value.ts';
import type { InProcessPorts } from '#shared/application/import/import-batches.ts';
import type { ImportJobPorts } from '#shared/application/import/import-job.ts';
import type { MailEventPorts } from '#shared/application/ingest-mail-event.ts';
import type { MailActionListsPorts } from '#shared/application/mail-action-lists.ts';
import type { PersonPorts } from '#shared/application/person-ports.ts';
import type { PlanWavePorts } from '#shared/application/plan-wave.ts';
import { projectPendingAnswers } from '#shared/application/project-answer.ts';
import { loadPolicy, type RunPorts, type RunSettings } from '#shared/application/run/run-ports.ts';
import { type OperatorNotices, tellOperators } from '#shared/application/run/tell-operators.ts';
import type { WriteReportPorts } from '#shared/application/run/write-run-report.ts';
import type { SendPorts } from '#shared/application/send-batch.ts';
import { createSendPacer, type SendPacer } from '#shared/application/send-pacer.ts';
import type { StartWavePorts } from '#shared/application/start-wave.ts';
import { mailIdentity, type SurveyIdentity, surveyMailComposer } from '#shared/application/survey-mail.ts';
import { teamView } from '#shared/application/team-view.ts';
import { tellStaffReturned } from '#shared/application/tell-staff-returned.ts';
import { tellWaveBraked } from '#shared/application/tell-wave-braked.ts';
import { waveCounts } from '#shared/application/wave-counts.ts';
import { waveIdOf } from '#shared/application/wave-record.ts';
import { waveResults } from '#shared/application/wave-results.ts';
import { EventCursor } from '#shared/contracts/event-cursor.ts';
import { ImportBatch } from '#shared/contracts/import-batch.ts';
import { Feed, ImportRecord } from '#shared/contracts/import-job.ts';
import { StaffMail } from '#shared/contracts/staff-mail.ts';
import { MailTally, WaveRecord } from '#shared/contracts/survey.ts';
import type { SurveyLanguage } from '#shared/domain/contact-policy.ts';
import { encodeId, type LinkKeys } from '#shared/domain/link-token.ts';
import { DEFAULT_MAIL_BRAKES, type MailBrakes } from '#shared/domain/mail-brake.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { AuditJournal } from '#shared/ports/audit-journal.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { EventBus } from '#shared/ports/event-bus.ts';
import type { FileStore } from '#shared/ports/file-store.ts';
import type { MailSender } from '#shared/ports/mail-sender.ts';
import type { AddressKey } from '#shared/ports/secrets.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { Workflows } from '#shared/ports/workflows.ts';
import { projectAnswerPortsFrom, type TableParts } from './page-ports.ts';
import { type StoreParts, storesFrom } from './stores.ts';

/** What every function has that works on the workspace too. */
export interface BaseParts extends StoreParts, TableParts {}

export interface MailParts {
  readonly mail: MailSender;
  readonly identity: SurveyIdentity;
}

const records = ({ dynamo: client, tables }: StoreParts) => ({
  waves: dynamoRecords({ client, table: tables.runs, kind: 'WAVE', schema: WaveRecord }),
  tallies: dynamoRecords({ client, table: tables.runs, kind: 'TALLY', schema: MailTally }),
  batches: dynamoRecords({ client, table: tables.runs, kind: 'BATCH', schema: ImportBatch }),
  rates: dynamoRecords({ client, table: tables.runs, kind: 'STATE', schema: z.object({ nextSlotMs: z.number() }) }),
});

/** For the brake of a wave, and the notice of it. */
export interface BrakeParts extends MailParts, Pick<OperatorNotices, 'operatorAddress' | 'commandOptions'> {
  /** Defaults where absent. */
  readonly mailBrakes?: MailBrakes;
}

const brakePortsFrom = (parts: BaseParts & BrakeParts): WaveBrakePorts => {
  const { waves, tallies } = records(parts);
  return {
    clock: parts.clock,
    waves,
    tallies,
    mailBrakes: parts.mailBrakes ?? DEFAULT_MAIL_BRAKES,
    tellWaveBraked: tellWaveBraked({ ...noticesFrom(parts), timeZone: parts.businessTimeZone }),
  };
};

const noticesFrom = (
  parts: MailParts & Pick<OperatorNotices, 'operatorAddress' | 'commandOptions'>,
): OperatorNotices => ({
  mail: parts.mail,
  sender: mailIdentity(parts.identity, 'en'),
  operatorAddress: parts.operatorAddress,
  ...(parts.commandOptions === undefined ? {} : { commandOptions: parts.commandOptions }),
  replyTo: parts.identity.replyToAddress,
});

/** The mails of action lists, and the notices that mail to the staff came back. */
export const staffMailsFrom = ({
  dynamo: client,
  tables,
}: Pick<StoreParts, 'dynamo' | 'tables'>): RecordStore<StaffMail> =>
  dynamoRecords({ client, table: tables.runs, kind: 'STAFFMAIL', schema: StaffMail });

/** Who did what, where the records themselves do not say. */
export const journalFrom = ({ dynamo: client, tables }: StoreParts): AuditJournal =>
  recordJournal(dynamoRecords({ client, table: tables.runs, kind: 'AUDIT', schema: StoredJournalEntry }));

/** For sending events to other systems. */
export const emitEventsPortsFrom = (
  parts: BaseParts & { readonly bus: EventBus },
): Omit<EmitEventsPorts, 'isOutOfTime'> => {
  const { customers, runs, pointer, files, flags } = storesFrom(parts);
  return {
    clock: parts.clock,
    bus: parts.bus,
    outboxes: [
      dynamoAnswers(parts.dynamo, parts.tables.answers),
      dynamoCases(parts.dynamo, parts.tables.cases),
      flags,
      dynamoOutbox(parts.dynamo, parts.tables.runs),
    ],
    customers,
    runs,
    pointer,
    files,
    cursors: dynamoRecords({ client: parts.dynamo, table: parts.tables.runs, kind: 'STATE', schema: EventCursor }),
  };
};

/** For the steps of a run. */
export const runPortsFrom = (
  parts: BaseParts &
    MailParts & { readonly settings: RunSettings } & Pick<OperatorNotices, 'operatorAddress' | 'commandOptions'>,
): RunPorts => {
  const projection = projectAnswerPortsFrom(parts);
  return {
    ...storesFrom(parts),
    clock: parts.clock,
    settings: parts.settings,
    projectPendingAnswers: () => projectPendingAnswers(projection),
    tellOperators: tellOperators(noticesFrom(parts)),
  };
};

/** For mails to the staff. */
export interface StaffMailParts extends MailParts, Pick<OperatorNotices, 'operatorAddress' | 'commandOptions'> {
  /** Of the whole account. */
  readonly mailRatePerSecond: number;
}

const pacerFrom = (parts: BaseParts & { readonly mailRatePerSecond: number }): SendPacer =>
  createSendPacer({
    rates: records(parts).rates,
    ratePerSecond: parts.mailRatePerSecond,
    nowMs: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });

const staffFrame = (parts: BaseParts & StaffMailParts) => (language: SurveyLanguage) => ({
  sender: mailIdentity(parts.identity, language),
  replyTo: parts.identity.replyToAddress,
  commandOptions: parts.commandOptions ?? '',
  timeZone: parts.businessTimeZone,
});

/** For telling the staff of cases. */
export const escalateCasesPortsFrom = (parts: BaseParts & StaffMailParts): EscalateCasesPorts => {
  const { waves } = records(parts);
  const policies = new Map<string, Promise<Policy>>();
  const policyOf = (hash: string): Promise<Policy> => {
    const known = policies.get(hash) ?? loadPolicy(parts.objects, hash);
    policies.set(hash, known);
    known.catch(() => policies.delete(hash));
    return known;
  };
  return {
    clock: parts.clock,
    cases: dynamoCases(parts.dynamo, parts.tables.cases, parts.clock),
    staff: dynamoStaff(parts.dynamo, parts.tables.runs),
    mail: parts.mail,
    pacer: pacerFrom(parts),
    newAttemptId: randomUUID,
    operatorAddress: parts.operatorAddress,
    frame: staffFrame(parts),
    segmentLabel: async (waveId, segment, language) => {
      const wave = (await waves.get(waveId))?.record;
      const policy = wave === undefined ? undefined : await policyOf(wave.policyHash);
      const label = policy?.dimensions[wave?.dimension ?? '']?.segments[segment]?.label;
      return label === undefined ? segment : labelIn(label, language);
    },
  };
};

/** For mailing the action lists of a run. */
export const mailActionListsPortsFrom = (parts: BaseParts & StaffMailParts): MailActionListsPorts => {
  const { runs, objects, files, customers } = storesFrom(parts);
  const { dynamo: client, tables } = parts;
  return {
    clock: parts.clock,
    runs,
    objects,
    files,
    customers,
    cases: dynamoCases(client, tables.cases, parts.clock),
    staff: dynamoStaff(client, tables.runs),
    staffMails: staffMailsFrom(parts),
    mail: parts.mail,
    pacer: pacerFrom(parts),
    newAttemptId: randomUUID,
    frame: staffFrame(parts),
  };
};

export const startWavePortsFrom = (
  parts: BaseParts & { readonly workflows: Pick<Workflows, 'start'> },
): StartWavePorts => {
  const { runs, objects } = storesFrom(parts);
  return { clock: parts.clock, runs, objects, waves: records(parts).waves, workflows: parts.workflows };
};

/** For looking at what a wave would do. Reading claims needs no address key. */
export const checkWavePortsFrom = (
  parts: BaseParts & {
    readonly mail: MailSender;
    /** Of the whole account. */
    readonly mailRatePerSecond: number;
  },
): CheckWavePorts => {
  const { runs, objects, files, customers } = storesFrom(parts);
  return {
    clock: parts.clock,
    runs,
    objects,
    files,
    customers,
    waves: records(parts).waves,
    waveFiles: objectWaveFiles(objects),
    contacts: dynamoContacts(parts.dynamo, parts.tables.contacts),
    mail: parts.mail,
    mailRatePerSecond: parts.mailRatePerSecond,
  };
};

export const planWavePortsFrom = (
  parts: Parameters<typeof checkWavePortsFrom>[0] & {
    readonly addressKey: AddressKey;
    readonly identity: Pick<SurveyIdentity, 'defaultLanguage'>;
  },
): PlanWavePorts => ({
  ...checkWavePortsFrom(parts),
  ...storesFrom(parts),
  waves: records(parts).waves,
  waveFiles: objectWaveFiles(parts.objects),
  contacts: dynamoContacts(parts.dynamo, parts.tables.contacts, parts.addressKey),
  invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
  defaultLanguage: parts.identity.defaultLanguage,
  newInvitationId: () => encodeId(randomBytes(16)),
});

export const sendPortsFrom = (
  parts: BaseParts &
    BrakeParts & {
      readonly addressKey: AddressKey;
      readonly linkKeys: LinkKeys;
      readonly publicBaseUrl: string;
      /** Of the whole account. */
      readonly mailRatePerSecond: number;
    },
): SendPorts => {
  return {
    ...brakePortsFrom(parts),
    waveFiles: objectWaveFiles(parts.objects),
    invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
    contacts: dynamoContacts(parts.dynamo, parts.tables.contacts, parts.addressKey),
    answers: dynamoAnswers(parts.dynamo, parts.tables.answers, parts.clock),
    mail: parts.mail,
    compose: surveyMailComposer(parts),
    pacer: pacerFrom(parts),
    newAttemptId: randomUUID,
  };
};

/** For the ledger of a wave: looking at it, closing it, judging it. */
export const wavePortsFrom = (parts: BaseParts): CloseWavePorts & WaveHealthPorts => ({
  clock: parts.clock,
  waves: records(parts).waves,
  waveFiles: objectWaveFiles(parts.objects),
  invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
  answers: dynamoAnswers(parts.dynamo, parts.tables.answers, parts.clock),
});

export const mailEventPortsFrom = (
  parts: BaseParts & BrakeParts & { readonly addressKey: AddressKey; readonly mailEventsTopicArn: string },
): MailEventPorts => ({
  ...brakePortsFrom(parts),
  invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
  contacts: dynamoContacts(parts.dynamo, parts.tables.contacts, parts.addressKey),
  cases: dynamoCases(parts.dynamo, parts.tables.cases, parts.clock),
  staff: dynamoStaff(parts.dynamo, parts.tables.runs),
  staffMails: staffMailsFrom(parts),
  tellStaffReturned: tellStaffReturned({
    ...noticesFrom(parts),
    timeZone: parts.businessTimeZone,
    clock: parts.clock,
    staffMails: staffMailsFrom(parts),
    newAttemptId: randomUUID,
  }),
  topicArn: parts.mailEventsTopicArn,
});

/** For showing and erasing a person, which the operator's tool does. */
export const personPortsFrom = (parts: BaseParts, addressKey: () => Promise<AddressKey>): PersonPorts => ({
  ...storesFrom(parts),
  clock: parts.clock,
  waves: records(parts).waves,
  waveFiles: objectWaveFiles(parts.objects),
  contacts: dynamoContacts(parts.dynamo, parts.tables.contacts),
  invitations: dynamoInvitations(parts.dynamo, parts.tables.invitations, parts.clock),
  answers: dynamoAnswers(parts.dynamo, parts.tables.answers, parts.clock),
  cases: dynamoCases(parts.dynamo, parts.tables.cases, parts.clock),
  erasures: objectErasureLog(parts.objects, addressKey),
});

/** For imports, which the operator's tool runs. */
export const importPortsFrom = (parts: BaseParts & { readonly addressKey: AddressKey }): InProcessPorts => ({
  scratch: parts.objects,
  clock: parts.clock,
  customers: storesFrom(parts).customers,
  batches: records(parts).batches,
  contacts: dynamoContacts(parts.dynamo, parts.tables.contacts, parts.addressKey),
  erasures: objectErasureLog(parts.objects, async () => parts.addressKey),
  businessTimeZone: parts.businessTimeZone,
});

/** For the workflow of imports. The key of addresses is asked for only where an address comes or an erased customer might. */
export const importJobPortsFrom = (
  parts: BaseParts & {
    readonly files: FileStore;
    readonly currency: string;
    readonly loadAddressKey: () => Promise<AddressKey>;
  },
): ImportJobPorts => {
  const { dynamo: client, tables, objects } = parts;
  return {
    clock: parts.clock,
    businessTimeZone: parts.businessTimeZone,
    currency: parts.currency,
    customers: storesFrom(parts).customers,
    batches: records(parts).batches,
    contacts: contactsOnDemand(parts, parts.loadAddressKey),
    erasures: objectErasureLog(objects, parts.loadAddressKey),
    objects,
    files: parts.files,
    imports: dynamoRecords({ client, table: tables.runs, kind: 'IMPORT', schema: ImportRecord }),
    feeds: dynamoRecords({ client, table: tables.runs, kind: 'FEED', schema: Feed }),
    staff: dynamoStaff(client, tables.runs),
    journal: journalFrom(parts),
  };
};

/** Contacts whose key is fetched with the first address. */
export const contactsOnDemand = (
  { dynamo, tables }: Pick<BaseParts, 'dynamo' | 'tables'>,
  loadAddressKey: () => Promise<AddressKey>,
): ContactStore => {
  let keyed: Promise<ContactStore> | undefined;
  const writable = (): Promise<ContactStore> => {
    keyed ??= loadAddressKey().then((key) => dynamoContacts(dynamo, tables.contacts, key));
    return keyed;
  };
  return {
    ...dynamoContacts(dynamo, tables.contacts),
    upsertPerson: async (person, before) => (await writable()).upsertPerson(person, before),
  };
};

/** What the report of a run shows besides the run: the survey whose answers it used, and the cases that are due. */
export const reportPortsFrom = (parts: BaseParts): WriteReportPorts => {
  const { runs, files, customers, objects, flags, pointer } = storesFrom(parts);
  const ledger = wavePortsFrom(parts);
  const cases = dynamoCases(parts.dynamo, parts.tables.cases, parts.clock);
  return {
    runs,
    files,
    objects,
    customers,
    usage: dynamoUsage({ client: parts.dynamo, table: parts.tables.runs }),
    casesDue: async (day) => (await cases.listOpen()).filter((open) => open.dueAt.slice(0, 10) <= day).length,
    resultsOf: async (run, segments) =>
      run.basedOn === null ? undefined : waveResults(waveIdOf(run.basedOn), ledger, segments),
    teamOf: async (run, segments) =>
      run.basedOn === null ? undefined : teamView(waveIdOf(run.basedOn), { ...ledger, cases }, segments),
    outcomesOf: (population) => outcomesForReport(population, { customers, runs, pointer, files, flags, objects }),
    waveOf: async (run) => {
      const status = run.basedOn === null ? undefined : await waveStatus(waveIdOf(run.basedOn), ledger);
      return status === undefined ? undefined : waveCounts(status);
    },
  };
};
