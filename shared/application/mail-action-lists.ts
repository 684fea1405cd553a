import { type StaffMail, staffMailId } from '#shared/contracts/staff-mail.ts';
import { type Desk, directoryOf, type StaffDirectory, type StaffMember, staffKey } from '#shared/domain/staff.ts';
import { isResegmentError, RetryableError } from '#shared/errors.ts';
import { log } from '#shared/log.ts';
import type { CaseStore } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { MailSender, SendOutcome } from '#shared/ports/mail-sender.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import { type ActionListPorts, actionLists, deskOf } from './action-lists.ts';
import type { ComposedMail } from './compose-mail.ts';
import { composeActionList, type StaffMailFrame } from './compose-staff-mail.ts';
import { loadPolicy, loadRun, type RunPorts } from './run/run-ports.ts';
import type { SendPacer } from './send-pacer.ts';

export interface MailActionListsPorts extends Pick<RunPorts, 'runs' | 'objects'>, ActionListPorts {
  readonly clock: Clock;
  readonly cases: Pick<CaseStore, 'listOpen'>;
  readonly staff: Pick<StaffStore, 'list'>;
  readonly staffMails: Pick<RecordStore<StaffMail>, 'create' | 'get' | 'replace'>;
  readonly mail: Pick<MailSender, 'send'>;
  readonly pacer: SendPacer;
  readonly newAttemptId: () => string;
  /** From whom, and how times and commands are shown, to somebody who reads the language. */
  readonly frame: (language: StaffMember['language']) => Omit<StaffMailFrame, 'to' | 'language'>;
}

/** Rows of each part of a list that is mailed. */
const PER_SECTION = 50;

/**
 * Mails the action lists of a published run: managers get theirs, heads of branches that of the branch, the central queue what
 * neither has. Only those in the staff directory, one mail each and run; who has nothing to do gets none. Runs that start no
 * survey mail nothing: trials, and months computed later.
 *
 * Doing it again mails what was not mailed. A mail whose outcome is not known is not sent again.
 *
 * @throws RetryableError `staff-mail-refused` where the mail service takes no mail now
 */
export const mailActionLists = async (
  { runId }: { readonly runId: string },
  ports: MailActionListsPorts,
): Promise<Record<string, never>> => {
  const { record } = await loadRun(ports, runId);
  if (!record.survey || (record.state !== 'published' && record.state !== 'degraded')) return {};
  const staff = directoryOf(await ports.staff.list());
  if (staff.all.length === 0) return {};
  const policy = await loadPolicy(ports.objects, record.policy.hash);
  const readers = readersOf(staff);
  const lists = await actionLists(ports, record, policy, {
    desksOf: (row) => desksWithReader(row, readers),
    languageOf: (desk) => readers.get(keyOf(desk))?.language ?? 'en',
    cases: await ports.cases.listOpen(),
    perSection: PER_SECTION,
  });
  const counts = { accepted: 0, unknown: 0, refused: 0, before: 0 };
  for (const list of lists) {
    const reader = readers.get(keyOf(list.desk));
    if (reader === undefined) continue;
    const state = await mailOne(runId, reader, ports, () => {
      const { language, name, email } = reader;
      return composeActionList({
        ...ports.frame(language),
        language,
        to: { name, address: email },
        runId,
        asOf: record.asOf,
        list,
        policy,
      });
    });
    counts[state] += 1;
  }
  log.info('action lists were mailed', { runId, ...counts });
  return {};
};

const keyOf = (desk: Desk): string => `${desk.kind} ${desk.name}`;

/** Who reads which list. Everybody reads one: a head that of the branch, in which own customers are too. */
const readersOf = (staff: StaffDirectory): ReadonlyMap<string, StaffMember> => {
  const readers = new Map<string, StaffMember>();
  for (const member of staff.all) {
    const isHead = member.branch !== null && staff.headOf(member.branch)?.name === member.name;
    if (isHead) readers.set(keyOf({ kind: 'branch', name: member.branch ?? '' }), member);
    else if (member.role === 'central') {
      if (staff.central()?.name === member.name) readers.set(keyOf({ kind: 'central', name: 'central' }), member);
    } else readers.set(keyOf({ kind: 'manager', name: member.name }), member);
  }
  return readers;
};

const desksWithReader = (
  row: { readonly branch: string | null; readonly manager: string | null },
  readers: ReadonlyMap<string, StaffMember>,
): readonly Desk[] => {
  const wanted: readonly Desk[] = [
    deskOf({ manager: row.manager, branch: null }),
    ...(row.branch === null ? [] : [{ kind: 'branch', name: row.branch } as const]),
  ];
  const read = wanted.filter((desk) => desk.kind !== 'central' && readers.has(keyOf(desk)));
  const central: Desk = { kind: 'central', name: 'central' };
  return read.length > 0 || !readers.has(keyOf(central)) ? read : [central];
};

type Outcome = 'accepted' | 'unknown' | 'refused' | 'before';

const mailOne = async (
  runId: string,
  reader: StaffMember,
  ports: MailActionListsPorts,
  compose: () => Promise<ComposedMail>,
): Promise<Outcome> => {
  const id = staffMailId(runId, staffKey(reader.name));
  const known = await ports.staffMails.get(id);
  if (known !== undefined && known.record.state !== 'notAccepted') return 'before';
  let composed: ComposedMail;
  try {
    composed = await compose();
  } catch (error) {
    if (!isResegmentError(error) || error.name !== 'PoisonError') throw error;
    await claim(id, known?.rev, { state: 'refused', reason: error.code }, ports);
    return 'refused';
  }
  await ports.pacer.reserve();
  const claimed = await claim(id, known?.rev, { state: 'claimed' }, ports);
  if (claimed === undefined) return 'before';
  const outcome = await ports.mail.send({
    raw: composed.raw,
    from: ports.frame(reader.language).sender.address,
    to: reader.email,
    tags: { kind: 'actions', run: runId, attempt: claimed.record.attemptId },
  });
  const state = stateOf(outcome);
  const { reason } = { reason: undefined, ...outcome };
  // Refused where the mail came back before this answer did; what came back stays.
  await ports.staffMails.replace(
    id,
    { ...claimed.record, state, ...(reason === undefined ? {} : { reason }) },
    claimed.rev,
  );
  if (state === 'notAccepted') {
    throw new RetryableError('staff-mail-refused', `the mail service takes no mail now: ${reason ?? ''}`);
  }
  return state;
};

/** Takes the mail over; undefined where another step has it. The reply may have been lost, so the attempt is looked for. */
const claim = async (
  id: string,
  rev: number | undefined,
  entry: Pick<StaffMail, 'state'> & { readonly reason?: string },
  ports: MailActionListsPorts,
): Promise<{ readonly record: StaffMail; readonly rev: number } | undefined> => {
  const record = { ...entry, attemptId: ports.newAttemptId(), at: ports.clock.now() };
  if (rev === undefined) await ports.staffMails.create(id, record);
  else await ports.staffMails.replace(id, record, rev);
  const stored = await ports.staffMails.get(id);
  return stored?.record.attemptId === record.attemptId ? stored : undefined;
};

const stateOf = (outcome: SendOutcome): 'accepted' | 'unknown' | 'notAccepted' | 'refused' =>
  outcome.kind === 'notAccepted' ? (outcome.retryable ? 'notAccepted' : 'refused') : outcome.kind;
