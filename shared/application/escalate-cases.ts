import { directoryOf, mailboxKey, personAt, type StaffDirectory, type StaffMember } from '#shared/domain/staff.ts';
import { isReturned } from '#shared/domain/staff-mail-state.ts';
import { isResegmentError } from '#shared/errors.ts';
import { errorFields, log } from '#shared/log.ts';
import type { CaseNotice, CaseStore, CustomerCase } from '#shared/ports/case-store.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { MailSender, SendOutcome } from '#shared/ports/mail-sender.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { StaffStore } from '#shared/ports/staff-store.ts';
import type { ComposedMail } from './compose-mail.ts';
import { composeCaseNotice, type StaffMailFrame } from './compose-staff-mail.ts';
import type { SendPacer } from './send-pacer.ts';
import { escalationOf, returnedMailboxes } from './work-case.ts';

export interface EscalateCasesPorts {
  readonly clock: Clock;
  readonly cases: Pick<CaseStore, 'listOpen' | 'update'>;
  readonly staff: Pick<StaffStore, 'list'>;
  readonly mail: Pick<MailSender, 'send'>;
  readonly pacer: SendPacer;
  readonly newAttemptId: () => string;
  /** Who gets what nobody in the directory does. */
  readonly operatorAddress: string;
  /** From whom, and how times and commands are shown, to somebody who reads the language. */
  readonly frame: (language: StaffMember['language']) => Omit<StaffMailFrame, 'to' | 'language'>;
  /** What a segment of a wave is called. */
  readonly segmentLabel: (waveId: string, segment: string, language: StaffMember['language']) => Promise<string>;
}

export interface CaseSweep {
  /** Mails that the mail service took. */
  readonly mailed: number;
  readonly escalated: number;
  /** Mails that may or may not have gone out; they are not sent again. */
  readonly uncertain: number;
  /** Mails that were not taken, and cases that could not be written. */
  readonly failed: number;
}

type NoticeKind = CaseNotice['kind'];

/** Attempts of one mail to one address, where the mail service says that it did not take it. */
const MOST_TRIES = 5;
const RETRY_AFTER_MS = 15 * 60_000;
/** What one sweep sends; the next goes on. */
const MOST_MAILS = 500;
const OPERATORS = 'operators';

/**
 * Looks at every open case and tells who has to know: its owner at once, the owner again when it is overdue, and whoever is
 * above when it is open for twice its time, which its history has as `escalated`. Each of these happens once per opening: the
 * case says so before the mail is sent, in a conditional write, so that of several sweeps one sends it, and one that dies
 * leaves a mail whose outcome is not known and that is not sent again. A mail that came back reached nobody: it goes to the next
 * in line, as if the directory did not have the person, until it has another address.
 */
export const escalateCases = async (ports: EscalateCasesPorts): Promise<CaseSweep> => {
  const sweep = { mailed: 0, escalated: 0, uncertain: 0, failed: 0 };
  const open = await ports.cases.listOpen();
  const now = ports.clock.now();
  measure('CasesOpen', open.length);
  measure('CasesOverdue', open.filter((known) => known.dueAt <= now).length);
  if (!open.some((known) => noticesDue(known, now, () => true).length > 0)) return sweep;
  const staff = directoryOf(await ports.staff.list());
  let attempts = 0;
  for (const known of open) {
    for (const kind of noticesDue(known, now, goesElsewhere(staff, ports))) {
      if (attempts >= MOST_MAILS) return sweep;
      attempts += 1;
      try {
        const outcome = await tell(known.caseId, kind, staff, ports);
        if (outcome === undefined) continue;
        if (kind === 'escalated' && outcome.isFirst) {
          sweep.escalated += 1;
          measure('CasesEscalated');
        }
        if (outcome.state === 'accepted') sweep.mailed += 1;
        else if (outcome.state === 'unknown') sweep.uncertain += 1;
        else sweep.failed += 1;
      } catch (error) {
        sweep.failed += 1;
        log.warn('a case could not be told of', { caseId: known.caseId, notice: kind, ...errorFields(error) });
      }
    }
  }
  return sweep;
};

type GoesElsewhere = (known: CustomerCase, kind: NoticeKind) => boolean;

/**
 * What is to be told about a case now and was not yet, in order.
 *
 * @param elsewhere whether the mail would go to an address from which none about the case came back
 */
const noticesDue = (known: CustomerCase, now: string, elsewhere: GoesElsewhere): readonly NoticeKind[] => {
  if (known.state === 'closed') return [];
  const isOverdue = known.dueAt <= now;
  const wanted: readonly NoticeKind[] = [
    // What is overdue is said so; that it was opened is in the same mail.
    ...(!isOverdue && known.state === 'open' ? (['opened'] as const) : []),
    ...(isOverdue ? (['overdue'] as const) : []),
    ...(escalationOf(known, now)?.isDue === true ? (['escalated'] as const) : []),
  ];
  return wanted.filter((kind) => {
    const last = noticesOf(known, kind).at(-1);
    if (last === undefined) return true;
    return isReturned(last.state) ? elsewhere(known, kind) : mayTryAgain(last, now);
  });
};

/** Mails of a kind in the opening that the case is in, the oldest first. */
const noticesOf = (known: CustomerCase, kind: NoticeKind): readonly CaseNotice[] =>
  (known.notices ?? []).filter((one) => one.kind === kind && one.opening === known.openedAt);

const mayTryAgain = (notice: CaseNotice, now: string): boolean =>
  notice.state === 'notAccepted' &&
  notice.tries < MOST_TRIES &&
  Date.parse(notice.at) + RETRY_AFTER_MS <= Date.parse(now);

const goesElsewhere =
  (staff: StaffDirectory, ports: EscalateCasesPorts): GoesElsewhere =>
  (known, kind) =>
    !returnedMailboxes(known).has(mailboxKey(recipientOf(known, kind, staff, ports).email));

interface Recipient {
  readonly name: string;
  readonly email: string;
  readonly language: StaffMember['language'];
  /** Whether it is the person whose turn it is, and not one who stands in. */
  readonly isOwner: boolean;
}

const recipientOf = (
  known: CustomerCase,
  kind: NoticeKind,
  staff: StaffDirectory,
  ports: EscalateCasesPorts,
): Recipient => {
  const desk = kind === 'escalated' ? (escalationOf(known, known.dueAt, staff)?.to ?? known.owner) : known.owner;
  const reached = reachedFor(known, staff);
  const taker = takerOf(known, reached);
  const person = (kind === 'overdue' ? taker : undefined) ?? personAt(desk, known.branch, reached);
  if (person === undefined)
    return { name: OPERATORS, email: ports.operatorAddress, language: 'en', isOwner: desk.kind === 'central' };
  return {
    ...person,
    isOwner: desk.kind !== 'manager' || person.name === desk.name || taker === person,
  };
};

/** The directory without those from whose address a mail about the case came back. Who is above whom is not asked of it. */
const reachedFor = (known: CustomerCase, staff: StaffDirectory): StaffDirectory => {
  const returned = returnedMailboxes(known);
  return returned.size === 0 ? staff : directoryOf(staff.all.filter(({ email }) => !returned.has(mailboxKey(email))));
};

/** Who took the case, where the directory knows the name. */
const takerOf = (known: CustomerCase, staff: StaffDirectory): StaffMember | undefined => {
  const by = known.state === 'taken' ? known.history.findLast((one) => one.event === 'taken')?.by : undefined;
  return by === undefined ? undefined : staff.member(by.replace(/\(unverified\)$/u, ''));
};

const tell = async (
  caseId: string,
  kind: NoticeKind,
  staff: StaffDirectory,
  ports: EscalateCasesPorts,
): Promise<{ readonly state: CaseNotice['state']; readonly isFirst: boolean } | undefined> => {
  const attemptId = ports.newAttemptId();
  await ports.pacer.reserve();
  const claimed = await ports.cases.update(caseId, (known) => withClaim(known, kind, attemptId, staff, ports));
  const notices = claimed === undefined ? [] : noticesOf(claimed, kind);
  const notice = notices.at(-1);
  if (claimed === undefined || notice?.attemptId !== attemptId) return undefined;
  const to = recipientOf(claimed, kind, staff, ports);
  const { state, reason } = await sendNotice(claimed, { kind, attemptId }, to, ports);
  await ports.cases.update(caseId, (known) => ({
    ...known,
    notices: (known.notices ?? []).map((one) =>
      // What the mail service tells of a mail can be here before its answer to the sending.
      one.attemptId === attemptId && one.state === 'claimed'
        ? { ...one, state, ...(reason === undefined ? {} : { reason }) }
        : one,
    ),
  }));
  return { state, isFirst: notices.length === 1 && notice.tries === 1 };
};

/** The case with the attempt in it; the same object where it is another's turn, or nobody's any more. */
const withClaim = (
  known: CustomerCase,
  kind: NoticeKind,
  attemptId: string,
  staff: StaffDirectory,
  ports: EscalateCasesPorts,
): CustomerCase => {
  const at = ports.clock.now();
  if (!noticesDue(known, at, goesElsewhere(staff, ports)).includes(kind)) return known;
  const before = noticesOf(known, kind).at(-1);
  const again = before?.state === 'notAccepted' ? before : undefined;
  const to = recipientOf(known, kind, staff, ports);
  const claim: CaseNotice = {
    kind,
    opening: known.openedAt,
    at,
    to: to.name,
    mailbox: mailboxKey(to.email),
    attemptId,
    tries: (again?.tries ?? 0) + 1,
    state: 'claimed',
  };
  const told = { ...known, notices: [...(known.notices ?? []).filter((one) => one !== again), claim] };
  if (kind !== 'escalated' || before !== undefined) return told;
  const desk = escalationOf(known, at, staff)?.to ?? known.owner;
  return {
    ...told,
    escalated: { opening: known.openedAt, at, to: desk },
    history: [...known.history, { event: 'escalated', at, by: 'schedule', note: desk.name }],
  };
};

const sendNotice = async (
  about: CustomerCase,
  { kind, attemptId }: Pick<CaseNotice, 'kind' | 'attemptId'>,
  to: Recipient,
  ports: EscalateCasesPorts,
): Promise<{ readonly state: CaseNotice['state']; readonly reason?: string }> => {
  const { language } = to;
  const frame = ports.frame(language);
  let composed: ComposedMail;
  try {
    composed = await composeCaseNotice({
      ...frame,
      kind,
      about,
      language,
      to: { name: to.name === OPERATORS ? '' : to.name, address: to.email },
      segment: await ports.segmentLabel(about.waveId, about.segment, language),
      isOwner: to.isOwner,
    });
  } catch (error) {
    return { state: 'refused', reason: isResegmentError(error) ? error.code : 'mail-not-composed' };
  }
  const outcome = await ports.mail.send({
    raw: composed.raw,
    from: frame.sender.address,
    to: to.email,
    tags: { kind: 'case', notice: kind, case: about.caseId, attempt: attemptId },
  });
  return stateOf(outcome);
};

const stateOf = (outcome: SendOutcome): { readonly state: CaseNotice['state']; readonly reason?: string } => {
  switch (outcome.kind) {
    case 'accepted':
      return { state: 'accepted' };
    case 'unknown':
      return { state: 'unknown', reason: outcome.reason };
    case 'notAccepted':
      return { state: outcome.retryable ? 'notAccepted' : 'refused', reason: outcome.reason };
  }
};
