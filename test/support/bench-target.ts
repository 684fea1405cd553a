import { vi } from 'vitest';
import { main } from '#cli/main.ts';
import type { Target } from '#cli/target.ts';
import { recordJournal } from '#shared/adapters/record-journal.ts';
import type { ImportJobPorts } from '#shared/application/import/import-job.ts';
import type { PersonPorts } from '#shared/application/person-ports.ts';
import { failRun } from '#shared/application/run/finish-run.ts';
import { storePolicy } from '#shared/application/run/run-ports.ts';
import type { ImportBatch } from '#shared/contracts/import-batch.ts';
import type { Feed, ImportRecord } from '#shared/contracts/import-job.ts';
import type { StaffMail } from '#shared/contracts/staff-mail.ts';
import { RunRequest, STEPS } from '#shared/contracts/workflows.ts';
import type { AnswerStore } from '#shared/ports/answer-store.ts';
import type { JournalEntry } from '#shared/ports/audit-journal.ts';
import type { CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { memoryStores } from '../survey/memory.ts';
import { memoryFiles, memoryRecords, memoryStaff } from './memory-stores.ts';
import { playImport } from './play-import.ts';
import type { openMemoryBench } from './run-bench.ts';

type Bench = ReturnType<typeof openMemoryBench>;

/** The stores of a bench as the operator's tool sees a stage; runs are done when they are started. */
export const benchTarget = (
  bench: Bench,
  cases: readonly CustomerCase[] | CaseStore = [],
  persons?: PersonPorts,
  answers: AnswerStore = memoryStores().answers,
  staff: StaffStore = memoryStaff(),
  staffMails: RecordStore<StaffMail> = memoryRecords<StaffMail>(),
): Target => {
  const executions = new Map<string, { status: 'SUCCEEDED' | 'FAILED'; cause?: string }>();
  const unused = async (): Promise<never> => {
    throw new Error('this test does not need it');
  };
  const contacts = { upsertPerson: unused };
  const jobs: ImportJobPorts = {
    ...bench.ports,
    contacts,
    ...(persons === undefined ? {} : { erasures: persons.erasures }),
    batches: memoryRecords<ImportBatch>(),
    imports: memoryRecords<ImportRecord>(),
    feeds: memoryRecords<Feed>(),
    files: memoryFiles(bench.ports.objects),
    staff,
    journal: recordJournal(memoryRecords<JournalEntry>()),
    currency: 'CNY',
    businessTimeZone: 'UTC',
  };
  return {
    ...bench.ports,
    contacts,
    describe: () => ({ target: 'local', stage: 'local', data: 'bench' }),
    timeZone: 'UTC',
    currency: 'CNY',
    waveStatus: async () => undefined,
    usage: { of: async () => ({}) },
    batches: jobs.batches,
    importRecords: jobs.imports,
    feeds: jobs.feeds,
    workspaceFiles: jobs.files,
    answers,
    staff,
    staffMails,
    caseArchive: { all: async () => ('listOpen' in cases ? cases.listOpen() : cases) },
    journal: jobs.journal,
    cases:
      'listOpen' in cases
        ? cases
        : {
            createIfAbsent: unused,
            get: unused,
            update: unused,
            remove: unused,
            ofCustomer: unused,
            listOpen: async () => cases,
          },
    workflows: {
      start: async (machine, name, input) => {
        if (machine === 'import') {
          const start = STEPS['split-import'].input.parse(input);
          const ended = await playImport(start, jobs).then(
            () => ({ status: 'SUCCEEDED' as const }),
            () => ({ status: 'FAILED' as const }),
          );
          executions.set(name, ended);
          return { executionArn: name, started: true };
        }
        const request = RunRequest.parse(input);
        try {
          if (request.mode === 'apply') await bench.apply(request.runId ?? '', request);
          else await bench.run(request);
          executions.set(name, { status: 'SUCCEEDED' });
        } catch (error) {
          const cause = error instanceof Error ? error.message : String(error);
          await failRun({ runId: request.runId, error: 'PermanentError', cause }, bench.ports);
          executions.set(name, { status: 'FAILED', cause });
        }
        return { executionArn: name, started: true };
      },
      running: async () => [],
      describe: async (executionArn) => executions.get(executionArn) ?? { status: 'FAILED' },
    },
    ...(persons === undefined ? {} : { persons }),
    close: async () => undefined,
  };
};

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The document on stdout, where `--json` was given. */
  readonly json: unknown;
}

/** Runs one command of the tool against the bench, in this process. */
export const operator = (
  bench: Bench,
  cases: readonly CustomerCase[] | CaseStore = [],
  persons?: PersonPorts,
  answers?: AnswerStore,
  staff: StaffStore = memoryStaff(),
  staffMails?: RecordStore<StaffMail>,
) => operatorOn(() => benchTarget(bench, cases, persons, answers, staff, staffMails));

/** Runs one command of the tool against any target, in this process. */
export const operatorOn =
  (open: () => Target) =>
  async (...words: readonly string[]): Promise<Said> => {
    let out = '';
    let err = '';
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
        out += String(text);
        return true;
      }),
      vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
        err += String(text);
        return true;
      }),
    ];
    try {
      const code = await main([...words, '--as', 'Ann'], async () => open());
      return { code, out, err, json: words.includes('--json') ? JSON.parse(out) : undefined };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  };

/** Makes a policy the active one, as the first run of a stage does. */
export const activate = async (bench: Bench, text: string): Promise<void> => {
  await storePolicy(bench.ports.objects, await bench.usePolicy(text));
};
