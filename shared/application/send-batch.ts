import type { DrawnAudience, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import { type Claim, claimKey, type MailKind, type SurveyLanguage } from '#shared/domain/contact-policy.ts';
import { type Invitation, isDue, lineOf, type MailLine, refusedLine, withLine } from '#shared/domain/invitation.ts';
import type { QuestionKind } from '#shared/domain/policy.ts';
import { restsUntil } from '#shared/domain/wave-pause.ts';
import { PermanentError, RetryableError } from '#shared/errors.ts';
import type { AnswerStore } from '#shared/ports/answer-store.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import type { MailSender, OutgoingMail } from '#shared/ports/mail-sender.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import { noteBatchSent, type WaveBrakePorts } from './brake-wave.ts';
import { readDrawn } from './draw-audience.ts';
import type { SendPacer } from './send-pacer.ts';
import { type BatchRef, loadWave, updateWave } from './wave-record.ts';

/** What a survey mail is made from. */
export interface SurveyMail {
  readonly kind: MailKind;
  readonly to: string;
  readonly name?: string;
  readonly language: SurveyLanguage;
  readonly question: QuestionKind;
  readonly branch: string | null;
  readonly manager: string | null;
  readonly closesAt: string;
  readonly waveId: string;
  readonly invitationId: string;
}

export interface SendPorts extends WaveBrakePorts {
  readonly waveFiles: WaveFiles;
  readonly invitations: InvitationStore;
  readonly contacts: Pick<ContactStore, 'get' | 'claim' | 'settle' | 'release' | 'unhold'>;
  readonly answers: Pick<AnswerStore, 'getMany'>;
  readonly mail: Pick<MailSender, 'send'>;
  /** Writes the mail with its links; tags `run` (the wave), `inv` and `kind`. The sender adds `batch`. */
  readonly compose: (mail: SurveyMail) => Promise<OutgoingMail> | OutgoingMail;
  readonly pacer: SendPacer;
  /** Distinguishes each attempt from all others. */
  readonly newAttemptId: () => string;
}

/** Mails under way at once per batch. */
const CONCURRENT_MAILS = 4;
/** Mails of a batch after which they are counted for the brake: several batches at once must not hide 200 mails from it. */
const COUNTED_EVERY = 25;
/** Attempts within one execution of a batch; each is proven to have failed before the next. */
const TRIES_NOW = 3;
/** Proven failures after which a mail is given up as rejected. */
const TRIES_EVER = 12;

/** Sends the invitations of one batch. Doing it again, or twice at the same time, sends nothing twice. */
export const sendInvitations = (ref: BatchRef, ports: SendPorts): Promise<Record<string, never>> =>
  sendBatch(ref, 'invitation', ports);

/** Reminds those of one batch who were reached and have not answered, once. */
export const sendReminders = (ref: BatchRef, ports: SendPorts): Promise<Record<string, never>> =>
  sendBatch(ref, 'reminder', ports);

const sendBatch = async (
  { waveId, batch }: BatchRef,
  kind: MailKind,
  ports: SendPorts,
): Promise<Record<string, never>> => {
  const wave = await loadWave(ports.waves, waveId);
  const now = ports.clock.now();
  const over = mayNotSend(wave, now);
  if (over === 'rests') return {};
  // Of a wave that is over, mails that were put off get their reason too.
  const from = over === undefined ? now : undefined;
  if (kind === 'reminder' && wave.remindAt >= wave.closesAt) return {};
  const audience = await readDrawn(waveId, ports.waveFiles);
  if (audience === undefined) throw new PermanentError('drawn-list-missing', `wave ${waveId} has no drawn list`);
  const ids = batchIds(audience, batch);
  const invitations = await ports.invitations.getMany(ids);
  const answered = kind === 'reminder' ? await ports.answers.getMany(ids) : new Map<string, unknown>();
  const due = ids.flatMap((id) => {
    const invitation = invitations.get(id);
    if (invitation === undefined || answered.has(id)) return [];
    return isDue(invitation, kind, from) ? [invitation] : [];
  });

  const seen = { wave };
  const tags = { batch: String(batch) };
  let unsent = 0;
  let braked: string | undefined;
  let rests = false;
  let handled = 0;
  let after = invitations;
  const count = (stage: 'under way' | 'sent'): Promise<void> =>
    noteBatchSent(
      { waveId, batch },
      kind,
      {
        stage,
        read: async () => {
          after = await ports.invitations.getMany(ids);
          return after.values();
        },
      },
      ports,
    );
  const next = due.values();
  const worker = async (): Promise<void> => {
    for (const invitation of next) {
      if (braked !== undefined || rests) return;
      const result = await sendOne(invitation, kind, { seen, tags }, ports);
      if (result === 'later') unsent += 1;
      else if (result === 'rests') rests = true;
      else if (typeof result === 'object') braked = result.brake;
      handled += 1;
      if (handled % COUNTED_EVERY === 0 && handled < due.length) await count('under way');
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_MAILS }, worker));
  await count('sent');
  if (kind === 'invitation') await freeHolds(due, after, ports);
  if (braked !== undefined) {
    await noteBrake(waveId, braked, ports);
    return {};
  }
  if (unsent > 0) throw new RetryableError('mails-unsent', `${unsent} mails of batch ${batch} were not accepted yet`);
  return {};
};

const batchIds = (audience: DrawnAudience, batch: number): string[] =>
  audience.drawn.slice(batch * audience.batchSize, (batch + 1) * audience.batchSize).map((one) => one.invitationId);

/** Who is not invited after all leaves the address to other waves. */
const freeHolds = async (
  tried: readonly Invitation[],
  after: ReadonlyMap<string, Invitation>,
  ports: SendPorts,
): Promise<void> => {
  for (const { invitationId, addressKey } of tried) {
    const state = after.get(invitationId)?.invitation.state;
    if (state === 'skipped' || state === 'rejected') await ports.contacts.unhold(addressKey, invitationId);
  }
};

type SendResult = 'done' | 'later' | 'rests' | { readonly brake: string };

const sendOne = async (
  invitation: Invitation,
  kind: MailKind,
  { seen, tags }: { readonly seen: { wave: WaveRecord }; readonly tags: Readonly<Record<string, string>> },
  ports: SendPorts,
): Promise<SendResult> => {
  const { invitationId, addressKey, waveId } = invitation;
  const note = async (change: (before: MailLine) => MailLine): Promise<Invitation | undefined> =>
    ports.invitations.update(invitationId, (current) => withLine(current, kind, change(lineOf(current, kind))));

  for (let tries = 0; tries < TRIES_NOW; tries += 1) {
    const contact = await ports.contacts.get(addressKey);
    const person = contact?.people[invitation.customerId];
    if (contact?.address === undefined || person === undefined) {
      await note((line) => ({ ...line, state: 'skipped', reason: 'erased' }));
      return 'done';
    }
    const refusal = mayNotSend(seen.wave, ports.clock.now());
    if (refusal === 'rests') return 'rests';
    if (refusal !== undefined) {
      const claim = contact.claims[claimKey(invitationId, kind)];
      await note((line) =>
        claim === undefined ? { ...line, state: 'skipped', reason: refusal } : lineOfClaim(line, claim),
      );
      return 'done';
    }
    const mail = await ports.compose({
      kind,
      to: contact.address,
      ...(person.name === undefined ? {} : { name: person.name }),
      language: invitation.language,
      question: invitation.question,
      branch: invitation.branch,
      manager: invitation.manager,
      closesAt: invitation.closesAt,
      waveId: invitation.waveId,
      invitationId,
    });
    await ports.pacer.reserve();
    const now = ports.clock.now();
    seen.wave = await loadWave(ports.waves, waveId);
    if (mayNotSend(seen.wave, now) !== undefined) continue;
    const attemptId = ports.newAttemptId();
    const claim = await ports.contacts.claim(addressKey, {
      invitationId,
      kind,
      attemptId,
      now,
      contactEveryDays: invitation.contactEveryDays,
      customerId: invitation.customerId,
    });
    if (claim.kind === 'refused') {
      await note((line) => refusedLine(line, claim, invitation));
      return 'done';
    }
    if (claim.kind === 'held') {
      if (claim.claim.outcome !== 'accepted') measure('MailsUncertain');
      await note((line) => lineOfClaim(line, claim.claim));
      return 'done';
    }
    const claimed = { invitationId, kind, attemptId };
    const unerased = await ports.contacts.get(addressKey);
    if (unerased?.people[invitation.customerId] === undefined) {
      await ports.contacts.release(addressKey, claimed);
      await note((line) => ({ ...line, state: 'skipped', reason: 'erased' }));
      return 'done';
    }
    const outcome = await ports.mail.send({ ...mail, tags: { ...mail.tags, ...tags } });
    switch (outcome.kind) {
      case 'accepted':
        await ports.contacts.settle(addressKey, claimed, 'accepted', outcome.messageId);
        await note((line) => ({ ...line, state: 'sent', at: now }));
        measure(kind === 'invitation' ? 'InvitationsSent' : 'RemindersSent');
        if (seen.wave.pause?.by === 'brake') await liftBrake(waveId, ports);
        return 'done';
      case 'unknown':
        await ports.contacts.settle(addressKey, claimed, 'uncertain');
        await note((line) => ({ ...line, state: 'uncertain', at: now, reason: outcome.reason }));
        measure('MailsUncertain');
        return 'done';
      case 'notAccepted': {
        await ports.contacts.release(addressKey, claimed);
        if (outcome.brake !== undefined) return { brake: `${outcome.brake}: ${outcome.reason}` };
        const noted = await note((line) =>
          outcome.retryable && line.attempts + 1 < TRIES_EVER
            ? { ...line, state: 'planned', attempts: line.attempts + 1, reason: outcome.reason }
            : { ...line, state: 'rejected', attempts: line.attempts + 1, reason: outcome.reason },
        );
        if (noted !== undefined && lineOf(noted, kind).state === 'rejected') measure('MailsRejected');
        if (noted === undefined || lineOf(noted, kind).state !== 'planned') return 'done';
      }
    }
  }
  return 'later';
};

/** What a claim says of its mail: without an outcome nobody knows whether it was sent, so it is never sent again. */
const lineOfClaim = (line: MailLine, claim: Claim): MailLine => ({
  ...line,
  state: claim.outcome === 'accepted' ? 'sent' : 'uncertain',
  at: claim.at,
});

/** A wave that is closed, cancelled or past its end sends nothing more; one that rests sends nothing now. */
const mayNotSend = (wave: WaveRecord, now: Instant): 'waveClosed' | 'waveCancelled' | 'rests' | undefined => {
  if (wave.state === 'cancelled') return 'waveCancelled';
  if (wave.state === 'closed' || now >= wave.closesAt) return 'waveClosed';
  return restsUntil(wave.pause, now) === undefined ? undefined : 'rests';
};

/** Rests the wave; a pause that rests it already stays. */
const noteBrake = async (waveId: string, reason: string, ports: SendPorts): Promise<void> => {
  const at = ports.clock.now();
  const resting = await updateWave(ports.waves, waveId, (current) => {
    if (restsUntil(current.pause, at) !== undefined) return current;
    const since = current.pause?.at ?? at;
    return { ...current, pause: { by: 'brake', reason, at: since, ...(since === at ? {} : { triedAt: at }) } };
  });
  if (resting.pause?.by === 'brake' && resting.pause.at === at) measure('WavesBraked');
};

const liftBrake = async (waveId: string, ports: SendPorts): Promise<void> => {
  await updateWave(ports.waves, waveId, (current) =>
    current.pause?.by === 'brake' ? { ...current, pause: null } : current,
  );
};
