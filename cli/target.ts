import type { WaveCheck } from '#shared/application/check-wave.ts';
import type { CaseSweep } from '#shared/application/escalate-cases.ts';
import type { PersonPorts } from '#shared/application/person-ports.ts';
import type { TeamView } from '#shared/application/team-view.ts';
import type { WaveResults } from '#shared/application/wave-results.ts';
import type { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { Feed, ImportRecord } from '#shared/contracts/import-job.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import type { WaveRecord, WaveStatus } from '#shared/contracts/survey.ts';
import type { BusinessEvent } from '#shared/domain/business-event.ts';
import type { AnswerStore } from '#shared/ports/answer-store.ts';
import type { AuditJournal } from '#shared/ports/audit-journal.ts';
import type { CaseArchive, CaseStore } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { ContactWriter } from '#shared/ports/contact-store.ts';
import type { CustomerStore } from '#shared/ports/customer-store.ts';
import type { FileStore } from '#shared/ports/file-store.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import type { RunFiles } from '#shared/ports/run-files.ts';
import type { KeyRing } from '#shared/ports/secrets.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { PointerStore, RecordStore, StandingStore } from '#shared/ports/standing-store.ts';
import type { UsageLedger } from '#shared/ports/usage-ledger.ts';
import type { Workflows } from '#shared/ports/workflows.ts';

/** What a command works on: a stage of an account, or the local stack. Commands know nothing else of either. */
export interface Target {
  describe(): TargetDescription;
  /** Who calls, verified by AWS; absent on the local stack, where people say who they are. */
  readonly caller?: string;
  /** The keys of links and addresses; absent on the local stack, which makes its own. */
  readonly keyRing?: KeyRing;
  readonly clock: Clock;
  /** Moves the business clock forwards and does what is due with cases; absent where the clock is the world's. */
  readonly moveClock?: (instant: string) => Promise<{ readonly now: string; readonly cases: CaseSweep }>;
  /** IANA name; business dates are dates in it. */
  readonly timeZone: string;
  /** ISO 4217 code of the stage. */
  readonly currency: string;
  readonly customers: CustomerStore;
  readonly standings: StandingStore;
  readonly runs: RecordStore<RunRecord>;
  readonly pointer: PointerStore;
  readonly files: RunFiles;
  readonly objects: ObjectStore;
  readonly workflows: Workflows;
  readonly flags: FlagStore;
  readonly cases: CaseStore;
  readonly answers: AnswerStore;
  readonly waves: RecordStore<WaveRecord>;
  /** Figures of a wave; undefined if there is none of this id. */
  waveStatus(waveId: string): Promise<WaveStatus | undefined>;
  /** Results of a wave, safe to show; undefined if there is none of this id. `segments`: every segment, in order. */
  readonly waveResults?: (waveId: string, segments: readonly string[]) => Promise<WaveResults | undefined>;
  /** The wave's results and a year's cases by account manager and branch, likewise. */
  readonly teamView?: (waveId: string, segments: readonly string[]) => Promise<TeamView | undefined>;
  /** What a wave for a run would do; writes nothing. */
  readonly checkWave?: (runId: string) => Promise<WaveCheck>;
  readonly contacts: ContactWriter;
  /** What the steps of runs and waves used. */
  readonly usage: Pick<UsageLedger, 'of'>;
  readonly batches: RecordStore<ImportBatch>;
  /** Imports, also those of dropped files. */
  readonly importRecords: RecordStore<ImportRecord>;
  readonly feeds: RecordStore<Feed>;
  /** Files of any size in the workspace. */
  readonly workspaceFiles: FileStore;
  /** Employees who are mailed. */
  readonly staff: StaffStore;
  /** What became of the mails with action lists. */
  readonly staffMails: Pick<RecordStore<StaffMail>, 'list'>;
  /** Where persons are shown and erased; absent where the operator may not reach them. */
  readonly persons?: PersonPorts;
  readonly caseArchive: CaseArchive;
  /** Keeps who did what that the records themselves do not say. */
  readonly journal: AuditJournal;
  /** Events as they were sent; absent where they go to a bus that keeps none. */
  readonly events?: EventLog;
  /** Ends connections, and a stack that was opened for the command. */
  close(): Promise<void>;
}

export interface EventLog {
  /** Sends what waits, where nothing else does it. */
  sendWaiting(): Promise<unknown>;
  /** Events from a position on, and the position after them. */
  read(from?: number): { readonly events: readonly BusinessEvent[]; readonly end: number };
}

export interface TargetDescription {
  readonly target: 'local' | 'aws';
  readonly stage: string;
  readonly account?: string;
  readonly region?: string;
  /** Folder of local data. */
  readonly data?: string;
  /** The command makes it. */
  readonly isNew?: boolean;
}

export interface TargetOptions {
  readonly target: 'local' | 'aws';
  readonly stage: string;
  /** Folder of local data. */
  readonly data: string;
  /** Whether a local stack may be made where there is none; not if absent. */
  readonly mayCreate?: boolean;
}

/** The line that says where a command works, first on stderr. */
export const targetLine = (where: TargetDescription): string =>
  where.target === 'local'
    ? `target local, stage ${where.stage}, data ${where.data ?? '?'}${where.isNew === true ? ' (new)' : ''}`
    : `target aws, account ${where.account ?? '?'}, region ${where.region ?? '?'}, stage ${where.stage}`;
