import { createHash } from 'node:crypto';
import { DrawnAudience, type WaveRecord } from '#shared/contracts/survey.ts';
import { budgetFreeFrom, type Contact, refusalOf, type SkipReason } from '#shared/domain/contact-policy.ts';
import type { CustomerFacts } from '#shared/domain/facts.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import type { Policy, SurveyRule } from '#shared/domain/policy.ts';
import { drawRank, mostTried, sampleSize } from '#shared/domain/sampling.ts';
import { PermanentError } from '#shared/errors.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import { loadPolicy, loadRun, type RunPorts } from './run/run-ports.ts';
import { batchesOf, loadWave, updateWave, type WaveRef } from './wave-record.ts';

export interface PlanWavePorts extends Pick<RunPorts, 'clock' | 'runs' | 'objects' | 'files' | 'customers'> {
  readonly waves: RecordStore<WaveRecord>;
  readonly waveFiles: WaveFiles;
  readonly contacts: Pick<ContactStore, 'getMany'>;
  readonly invitations: InvitationStore;
  /** A new random invitation id: 128 bits as 22 characters base64url. */
  readonly newInvitationId: () => string;
}

/** Invitations per batch: what one child execution sends. */
const BATCH_SIZE = 50;
/** Candidates looked up at once. */
const LOOK_UP = 100;

interface Candidate {
  readonly subject: string;
  readonly segment: string;
  readonly rank: string;
}

interface Quota {
  readonly wanted: number;
  drawn: number;
  tried: number;
}

interface PlanLine {
  readonly subject: string;
  /** null: the customer has left. */
  readonly segment: string | null;
  readonly segments: Readonly<Record<string, string>>;
  readonly branch: string | null;
  readonly manager: string | null;
}

/**
 * Draws the audience of a wave and makes its invitations. The drawn list is written once and read by every later attempt, so
 * a resume invites the same customers. Everybody else of the population has one named reason.
 */
export const planWave = async (
  { waveId }: WaveRef,
  ports: PlanWavePorts,
): Promise<{ readonly schema: 1; readonly waveId: string; readonly batches: number[] }> => {
  const wave = await loadWave(ports.waves, waveId);
  if (wave.state !== 'planned')
    return { schema: 1, waveId, batches: wave.state === 'cancelled' ? [] : batchesOf(wave) };
  const { record } = await loadRun(ports, wave.runId);
  if (record.state === 'rolledBack') {
    const finishedAt = ports.clock.now();
    await updateWave(ports.waves, waveId, (current) => ({ ...current, state: 'cancelled', finishedAt }));
    return { schema: 1, waveId, batches: [] };
  }
  const policy = await loadPolicy(ports.objects, wave.policyHash);
  const survey = policy.survey;
  if (survey === undefined) throw new PermanentError('no-survey', `the policy of wave ${waveId} has no survey`);
  const plan = await readPlan(wave, policy, ports);
  const audience = (await readDrawn(waveId, ports.waveFiles)) ?? (await draw(wave, survey, plan, ports));
  await createInvitations(wave, survey, plan, audience, ports);
  const batches = Math.ceil(audience.drawn.length / audience.batchSize);
  const sending = await updateWave(ports.waves, waveId, (current) =>
    current.state !== 'planned'
      ? current
      : {
          ...current,
          state: 'sending',
          population: audience.population,
          drawn: audience.drawn.length,
          notDrawn: audience.notDrawn,
          batches,
        },
  );
  return { schema: 1, waveId, batches: batchesOf(sending) };
};

/** The audience as it was drawn; undefined before that. */
export const readDrawn = async (waveId: string, files: WaveFiles): Promise<DrawnAudience | undefined> => {
  const document = await files.readJson(waveId, 'drawn.json');
  return document === undefined ? undefined : DrawnAudience.parse(document);
};

const readPlan = async (
  wave: WaveRecord,
  policy: Policy,
  ports: PlanWavePorts,
): Promise<ReadonlyMap<string, PlanLine>> => {
  const { record } = await loadRun(ports, wave.runId);
  const lines = new Map<string, PlanLine>();
  for (let shard = 0; shard < record.shards; shard += 1) {
    for (const row of await ports.files.readPlan(wave.runId, shard)) {
      const segments: Record<string, string> = {};
      for (const [name, placement] of Object.entries(row.next.placements)) segments[name] = placement.actual;
      lines.set(row.subject, {
        subject: row.subject,
        segment: segments[policy.mainDimension] ?? null,
        segments,
        branch: row.branch,
        manager: row.manager,
      });
    }
  }
  return lines;
};

const draw = async (
  wave: WaveRecord,
  survey: SurveyRule,
  plan: ReadonlyMap<string, PlanLine>,
  ports: PlanWavePorts,
): Promise<DrawnAudience> => {
  const reasons = new Map<string, SkipReason>();
  const freeFrom = new Map<string, string>();
  const sizes = new Map<string, number>();
  for (const { segment } of plan.values()) if (segment !== null) sizes.set(segment, (sizes.get(segment) ?? 0) + 1);
  const quotas = new Map(
    [...sizes].map(([segment, size]) => {
      const wanted = sampleSize(size, survey.share[segment], survey.atLeast);
      return [segment, { wanted, drawn: 0, tried: 0 }] satisfies [string, Quota];
    }),
  );
  const isOpen = (segment: string): boolean => {
    const quota = quotas.get(segment);
    return quota !== undefined && quota.drawn < quota.wanted && quota.tried < mostTried(quota.wanted);
  };
  const candidates: Candidate[] = [];
  for (const { subject, segment } of plan.values()) {
    if (segment === null) reasons.set(subject, 'left');
    else if (quotas.get(segment)?.wanted === 0) reasons.set(subject, 'segmentNotSurveyed');
    else candidates.push({ subject, segment, rank: drawRank(wave.seed, wave.waveId, subject) });
  }
  candidates.sort((a, b) => (a.rank < b.rank ? -1 : 1));

  const drawn: { invitationId: string; subject: string; segment: string }[] = [];
  const addresses = new Set<string>();
  let waiting: Candidate[] = [];
  const tryWaiting = async (): Promise<void> => {
    const known = await lookUp(
      waiting.map((candidate) => candidate.subject),
      ports,
    );
    for (const { subject, segment } of waiting) {
      const quota = quotas.get(segment);
      if (quota === undefined || !isOpen(segment)) {
        reasons.set(subject, 'notSampled');
        continue;
      }
      quota.tried += 1;
      const { facts, contact } = known.get(subject) ?? {};
      const refusal: SkipReason | undefined =
        facts === undefined
          ? 'erased'
          : (refusalOf(contact, {
              customerId: facts.customerId,
              now: wave.plannedAt,
              contactEveryDays: survey.contactEveryDays,
            }) ?? (addresses.has(contact?.addressKey ?? '') ? 'sameAddress' : undefined));
      if (refusal !== undefined) {
        reasons.set(subject, refusal);
        const from = refusal === 'contactBudget' ? budgetFreeFrom(contact, survey.contactEveryDays) : undefined;
        if (from !== undefined) freeFrom.set(subject, from);
        continue;
      }
      quota.drawn += 1;
      addresses.add(contact?.addressKey ?? '');
      drawn.push({ invitationId: ports.newInvitationId(), subject, segment });
    }
    waiting = [];
  };
  for (const candidate of candidates) {
    if (!isOpen(candidate.segment)) {
      reasons.set(candidate.subject, 'notSampled');
      continue;
    }
    waiting.push(candidate);
    if (waiting.length === LOOK_UP) await tryWaiting();
  }
  await tryWaiting();
  return store(wave, plan, drawn, reasons, freeFrom, ports);
};

/** The customers' facts and contacts, by subject. */
const lookUp = async (
  subjects: readonly string[],
  ports: PlanWavePorts,
): Promise<ReadonlyMap<string, { readonly facts: CustomerFacts; readonly contact: Contact | undefined }>> => {
  const facts = await ports.customers.getMany(subjects);
  const keys = [...facts.values()].flatMap((one) => (one.contactKey === undefined ? [] : [one.contactKey]));
  const contacts = await ports.contacts.getMany(keys);
  return new Map(
    [...facts].map(([subject, one]) => [subject, { facts: one, contact: contacts.get(one.contactKey ?? '') }]),
  );
};

/** The rows of the population first, under a name that depends on their content; then the drawn list, which names them. */
const store = async (
  wave: WaveRecord,
  plan: ReadonlyMap<string, PlanLine>,
  drawn: DrawnAudience['drawn'],
  reasons: ReadonlyMap<string, SkipReason>,
  freeFrom: ReadonlyMap<string, string>,
  ports: PlanWavePorts,
): Promise<DrawnAudience> => {
  const rows = [...reasons].map(([subject, reason]): [string, string, string, ...string[]] => {
    const from = freeFrom.get(subject);
    return [subject, plan.get(subject)?.segment ?? '', reason, ...(from === undefined ? [] : [from])];
  });
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  const notDrawn: Record<string, number> = {};
  for (const [, , reason] of rows) notDrawn[reason] = (notDrawn[reason] ?? 0) + 1;
  if (rows.length + drawn.length !== plan.size) {
    throw new PermanentError(
      'wave-does-not-add-up',
      `${plan.size} customers, but ${drawn.length} drawn and ${rows.length} not drawn`,
    );
  }
  const digest = createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16);
  const populationFile = `population-${digest}.json`;
  await ports.waveFiles.writeJson(wave.waveId, populationFile, rows, { ifAbsent: true });
  const audience = {
    waveId: wave.waveId,
    batchSize: BATCH_SIZE,
    populationFile,
    population: plan.size,
    notDrawn,
    drawn,
  };
  if ((await ports.waveFiles.writeJson(wave.waveId, 'drawn.json', audience, { ifAbsent: true })) === 'stored')
    return audience;
  const first = await readDrawn(wave.waveId, ports.waveFiles);
  if (first === undefined)
    throw new PermanentError('drawn-list-missing', `the drawn list of ${wave.waveId} exists and cannot be read`);
  return first;
};

/** Makes the invitations that do not exist yet. Customers erased since the draw, or at this moment, get none and count as erased. */
const createInvitations = async (
  wave: WaveRecord,
  survey: SurveyRule,
  plan: ReadonlyMap<string, PlanLine>,
  audience: DrawnAudience,
  ports: PlanWavePorts,
): Promise<void> => {
  for (let from = 0; from < audience.drawn.length; from += LOOK_UP) {
    const part = audience.drawn.slice(from, from + LOOK_UP);
    const existing = await ports.invitations.getMany(part.map((one) => one.invitationId));
    const missing = part.filter((one) => !existing.has(one.invitationId));
    const known = await lookUp(
      missing.map((one) => one.subject),
      ports,
    );
    const created: Invitation[] = [];
    for (const { invitationId, subject, segment } of missing) {
      const { facts, contact } = known.get(subject) ?? {};
      if (facts === undefined || contact === undefined) continue;
      const line = plan.get(subject);
      created.push({
        invitationId,
        waveId: wave.waveId,
        runId: wave.runId,
        customerId: facts.customerId,
        subject,
        addressKey: contact.addressKey,
        segment,
        segments: line?.segments ?? { [wave.dimension]: segment },
        branch: facts.branch ?? line?.branch ?? null,
        manager: facts.manager ?? line?.manager ?? null,
        language: contact.people[facts.customerId]?.language ?? 'zh-CN',
        question: wave.question,
        contactEveryDays: survey.contactEveryDays,
        caseForEveryLow: survey.caseFor.includes(segment),
        caseDueHours: survey.caseDueHours,
        closesAt: wave.closesAt,
        invitation: { state: 'planned', attempts: 0 },
        events: [],
      });
    }
    await ports.invitations.createMany(created);
    const still = await ports.customers.getMany(part.map((one) => one.subject));
    for (const { invitationId, subject } of part) {
      if (!still.has(subject)) await ports.invitations.remove(invitationId);
    }
  }
};
