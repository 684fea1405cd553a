import { createHash } from 'node:crypto';
import type { DrawnAudience, WaveRecord } from '#shared/contracts/survey.ts';
import type { Instant } from '#shared/domain/calendar.ts';
import type { Invitation } from '#shared/domain/invitation.ts';
import type { SurveyRule } from '#shared/domain/policy.ts';
import { mixSegments } from '#shared/domain/sampling.ts';
import { BATCH_SIZE, type Preflight } from '#shared/domain/wave-preflight.ts';
import { PermanentError } from '#shared/errors.ts';
import type { ContactStore } from '#shared/ports/contact-store.ts';
import type { InvitationStore } from '#shared/ports/invitation-store.ts';
import { measure } from '#shared/ports/metrics.ts';
import type { RecordStore } from '#shared/ports/standing-store.ts';
import type { WaveFiles } from '#shared/ports/wave-files.ts';
import type { SurveyLanguage } from '../domain/contact-policy.ts';
import { askMailService, judgeAccount, type MailAccountPorts, preflightRecord } from './ask-mail-service.ts';
import {
  type Draw,
  type DrawPorts,
  deferUntilOf,
  drawAudience,
  drawNobody,
  lookUpPeople,
  type PlanLine,
  readDrawn,
  readPopulation,
  readTurns,
  type WaveDraft,
  wantedBySegment,
} from './draw-audience.ts';
import { preflightReason } from './preflight-text.ts';
import { loadPolicy, loadRun, type RunPorts } from './run/run-ports.ts';
import { loadWave, restWave, updateWave, type WaveRef } from './wave-record.ts';
import { planDays, reminderDaysOf, type SendPlan } from './wave-schedule.ts';

export interface PlanWavePorts
  extends Omit<DrawPorts, 'waves' | 'waveFiles' | 'contacts'>,
    MailAccountPorts,
    Pick<RunPorts, 'clock' | 'objects'> {
  readonly waves: RecordStore<WaveRecord>;
  readonly waveFiles: WaveFiles;
  readonly contacts: Pick<ContactStore, 'getMany' | 'hold' | 'unhold'>;
  readonly invitations: InvitationStore;
  /** Of a customer of whom no language is known. */
  readonly defaultLanguage: SurveyLanguage;
  /** A new random invitation id: 128 bits as 22 characters base64url. */
  readonly newInvitationId: () => string;
}

/** Invitations made at once. */
const LOOK_UP = 100;

interface Planned {
  readonly schema: 1;
  readonly waveId: string;
}

/**
 * Looks at the mail service, draws the audience of a wave, spreads it over days and makes its invitations. The drawn list is
 * written once and read by every later attempt, so a resume invites the same customers on the same days. Everybody else of
 * the population has one named reason. Where the mail service or the account's reputation forbids it, nothing is drawn: the
 * wave rests and looks again by itself.
 */
export const planWave = async ({ waveId }: WaveRef, ports: PlanWavePorts): Promise<Planned> => {
  const done: Planned = { schema: 1, waveId };
  const wave = await loadWave(ports.waves, waveId);
  if (wave.state !== 'planned') return done;
  const { record } = await loadRun(ports, wave.runId);
  if (record.state === 'rolledBack') {
    const finishedAt = ports.clock.now();
    await updateWave(ports.waves, waveId, (current) => ({ ...current, state: 'cancelled', finishedAt }));
    return done;
  }
  const policy = await loadPolicy(ports.objects, wave.policyHash);
  const survey = policy.survey;
  if (survey === undefined) throw new PermanentError('no-survey', `the policy of wave ${waveId} has no survey`);
  const population = await readPopulation(wave.runId, policy, ports);
  const audience =
    (await readDrawn(waveId, ports.waveFiles)) ??
    (await drawAndStore(wave, { survey, timeZone: policy.timeZone, population }, ports));
  if (audience === undefined) return done;
  await createInvitations(wave, survey, population, audience, ports);
  const batches = Math.ceil(audience.drawn.length / audience.batchSize);
  await updateWave(ports.waves, waveId, (current) =>
    current.state !== 'planned'
      ? current
      : {
          ...current,
          ...(audience.schedule === undefined ? {} : audience.schedule),
          state: 'sending',
          pause: current.pause?.by === 'brake' ? null : current.pause,
          population: audience.population,
          drawn: audience.drawn.length,
          notDrawn: audience.notDrawn,
          batches,
        },
  );
  measure('CustomersInvited', audience.drawn.length);
  return done;
};

interface Material {
  readonly survey: SurveyRule;
  readonly timeZone: string;
  readonly population: ReadonlyMap<string, PlanLine>;
}

/**
 * Pre-flight, draw, pre-flight with the real number of invitations, days; then the audience is stored.
 *
 * @returns undefined where the wave was refused and rests
 */
const drawAndStore = async (
  wave: WaveRecord,
  material: Material,
  ports: PlanWavePorts,
): Promise<DrawnAudience | undefined> => {
  const { survey, population } = material;
  const now = ports.clock.now();
  if (now >= wave.closesAt) return store(wave, { ...material, draw: drawNobody(population) }, undefined, ports);
  const account = await askMailService(ports);
  const judge = (invitations: number): Preflight =>
    judgeAccount(account, invitations, survey, { at: now, ratePerSecond: ports.mailRatePerSecond });
  let wanted = 0;
  for (const segment of wantedBySegment(population, survey).values()) wanted += segment.wanted;
  const before = judge(wanted);
  // How many days it takes is known after the draw only; everything else forbids the draw.
  if (before.findings.some(({ verdict, name }) => verdict === 'refuse' && name !== 'tooManyDays'))
    return refuse(wave, before, ports);
  const turns = await readTurns({ waveId: wave.waveId, at: wave.plannedAt }, ports);
  const draw = await drawAudience(draftOf(wave, survey), survey, population, turns, now, ports);
  const flight = judge(draw.drawn.length);
  if (flight.verdict === 'refuse') return refuse(wave, flight, ports);
  const begun = await updateWave(ports.waves, wave.waveId, (current) => ({
    ...current,
    preflight: preflightRecord(flight),
  }));
  // A wave that rested first counts its days from now on.
  const from = wave.preflight?.verdict === 'refuse' ? now : undefined;
  const plan = planDays(draw.drawn.length, account.quota, survey, {
    ratePerSecond: ports.mailRatePerSecond,
    wave: begun,
    from,
    timeZone: material.timeZone,
  });
  return store(wave, { ...material, draw }, plan, ports);
};

const refuse = async (wave: WaveRecord, flight: Preflight, ports: PlanWavePorts): Promise<undefined> => {
  await updateWave(ports.waves, wave.waveId, (current) =>
    current.state === 'planned'
      ? { ...restWave(current, preflightReason(flight, 'en'), flight.at), preflight: preflightRecord(flight) }
      : current,
  );
  return undefined;
};

const draftOf = (
  { waveId, runId, seed, closesAt, plannedAt, priority }: WaveRecord,
  survey: SurveyRule,
): WaveDraft => ({
  waveId,
  runId,
  seed,
  closesAt,
  at: plannedAt,
  priority: priority ?? survey.priority,
});

/** The rows of the population first, under a name that depends on their content; then the drawn list, which names them. */
const store = async (
  wave: WaveRecord,
  { population, draw }: Material & { readonly draw: Draw },
  plan: SendPlan | undefined,
  ports: PlanWavePorts,
): Promise<DrawnAudience> => {
  const rows = [...draw.reasons].map(([subject, reason]): [string, string, string, ...string[]] => {
    const from = draw.freeFrom.get(subject);
    return [subject, population.get(subject)?.segment ?? '', reason, ...(from === undefined ? [] : [from])];
  });
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  const notDrawn: Record<string, number> = {};
  for (const [, , reason] of rows) notDrawn[reason] = (notDrawn[reason] ?? 0) + 1;
  if (rows.length + draw.drawn.length !== population.size) {
    throw new PermanentError(
      'wave-does-not-add-up',
      `${population.size} customers, but ${draw.drawn.length} drawn and ${rows.length} not drawn`,
    );
  }
  const write = async (kind: string, document: unknown): Promise<string> => {
    const digest = createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 16);
    await ports.waveFiles.writeJson(wave.waveId, `${kind}-${digest}.json`, document, { ifAbsent: true });
    return `${kind}-${digest}.json`;
  };
  const audience: DrawnAudience = {
    waveId: wave.waveId,
    batchSize: plan?.batchSize ?? BATCH_SIZE,
    populationFile: await write('population', rows),
    population: population.size,
    notDrawn,
    drawn: mixSegments(draw.drawn, wave.seed, wave.waveId).map((one) => ({
      invitationId: ports.newInvitationId(),
      ...one,
    })),
    turnsFile: await write('turns', draw.turns),
    ...(plan === undefined ? {} : { schedule: plan.schedule }),
  };
  if ((await ports.waveFiles.writeJson(wave.waveId, 'drawn.json', audience, { ifAbsent: true })) === 'stored')
    return audience;
  const first = await readDrawn(wave.waveId, ports.waveFiles);
  if (first === undefined)
    throw new PermanentError('drawn-list-missing', `the drawn list of ${wave.waveId} exists and cannot be read`);
  return first;
};

/**
 * Makes the invitations that do not exist yet and tells their addresses of them. Customers erased since the draw, or at this
 * moment, get none and count as erased.
 */
const createInvitations = async (
  wave: WaveRecord,
  survey: SurveyRule,
  population: ReadonlyMap<string, PlanLine>,
  audience: DrawnAudience,
  ports: PlanWavePorts,
): Promise<void> => {
  const closesAt = audience.schedule?.closesAt ?? wave.closesAt;
  const now = ports.clock.now();
  const rank = { waveId: wave.waveId, priority: wave.priority ?? survey.priority, at: wave.plannedAt };
  const remindAfterDays = reminderDaysOf(survey);
  const dayOf = (index: number): Instant => {
    const batch = Math.floor(index / audience.batchSize);
    const day = audience.schedule?.days.findLast((one) => one.firstBatch <= batch);
    return day?.from ?? wave.plannedAt;
  };
  for (let from = 0; from < audience.drawn.length; from += LOOK_UP) {
    const part = audience.drawn.slice(from, from + LOOK_UP);
    const existing = await ports.invitations.getMany(part.map((one) => one.invitationId));
    const missing = part.filter((one) => !existing.has(one.invitationId));
    const known = await lookUpPeople(
      missing.map((one) => one.subject),
      ports,
    );
    const created: Invitation[] = [];
    for (const { invitationId, subject, segment, notBefore } of missing) {
      const { facts, contact } = known.get(subject) ?? {};
      if (facts === undefined || contact === undefined) continue;
      const line = population.get(subject);
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
        language: contact.people[facts.customerId]?.language ?? ports.defaultLanguage,
        question: wave.question,
        contactEveryDays: survey.contactEveryDays,
        caseForEveryLow: survey.caseFor.includes(segment),
        caseDueHours: survey.caseDueHours,
        closesAt,
        deferUntil: deferUntilOf(closesAt, survey),
        ...(remindAfterDays === 0 ? {} : { remindAfterDays }),
        invitation: {
          state: 'planned',
          attempts: 0,
          ...(notBefore === undefined ? {} : { notBefore, reason: 'contactBudget' }),
        },
        events: [],
      });
    }
    await ports.invitations.createMany(created);
    const still = await ports.customers.getMany(part.map((one) => one.subject));
    const addressKeys = new Map([...existing.values(), ...created].map((one) => [one.invitationId, one.addressKey]));
    await Promise.all(
      part.map(async ({ invitationId, subject, notBefore }, index) => {
        const addressKey = addressKeys.get(invitationId);
        if (!still.has(subject)) {
          if (addressKey !== undefined) await ports.contacts.unhold(addressKey, invitationId);
          await ports.invitations.remove(invitationId);
          return;
        }
        if (addressKey === undefined) return;
        const hold = { ...rank, invitationId, from: notBefore ?? dayOf(from + index), until: closesAt };
        await ports.contacts.hold(addressKey, hold, now);
      }),
    );
  }
};
