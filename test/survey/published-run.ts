import { readFileSync } from 'node:fs';
import { type PlanWavePorts, planWave } from '#shared/application/plan-wave.ts';
import { policyKey } from '#shared/application/run/run-ports.ts';
import { type StartWavePorts, startWave } from '#shared/application/start-wave.ts';
import { waveIdOf } from '#shared/application/wave-record.ts';
import type { RunRecord } from '#shared/contracts/run-record.ts';
import { DrawnAudience } from '#shared/contracts/survey.ts';
import { encodeId } from '#shared/domain/link-token.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { parsePolicy } from '#shared/domain/policy-file.ts';
import type { PlanRow } from '#shared/domain/standing.ts';
import type { MailSender, SendQuota } from '#shared/ports/mail-sender.ts';
import { factsOf, memoryRecords, memoryStores, NOW, settableClock } from './memory.ts';

const PRESET = readFileSync(new URL('../../policies/bank-three-class.yaml', import.meta.url), 'utf8');

/** The bank's policy with other lines in its survey. */
export const policyWith = (survey: Readonly<Record<string, string>> = {}): Policy => {
  let text = PRESET;
  const before = text.indexOf('\nsurvey:\n');
  const after = text.indexOf('\nbrakes:', before);
  let block = text.slice(before, after);
  for (const [key, value] of Object.entries(survey)) {
    const line = new RegExp(`\\n  ${key}:.*`, 'u');
    block = line.test(block) ? block.replace(line, `\n  ${key}: ${value}`) : `${block.trimEnd()}\n  ${key}: ${value}\n`;
  }
  text = text.slice(0, before) + block + text.slice(after);
  const parsed = parsePolicy(text, 'bank-three-class.yaml');
  if (!parsed.ok) throw new Error(`the preset is not valid: ${JSON.stringify(parsed.errors)}`);
  return parsed.policy;
};

export const RUN_ID = '2026-05-monthly';

export const runRecord = (policy: Policy, more: Partial<RunRecord> = {}): RunRecord => ({
  runId: RUN_ID,
  trigger: 'schedule',
  mode: 'run',
  state: 'published',
  period: '2026-05',
  asOf: '2026-05-31',
  frozenAt: NOW,
  closesPeriod: true,
  survey: true,
  by: 'schedule',
  policy: { name: policy.name, version: policy.version, hash: policy.hash },
  shards: 2,
  basedOn: null,
  seq: 1,
  overrides: [],
  brakes: [],
  expiresAt: null,
  waveId: null,
  error: null,
  finishedAt: null,
  ...more,
});

const planRow = (dimension: string, subject: string, segment: string | null): PlanRow => ({
  bucket: 0,
  subject,
  factsRev: 1,
  branch: 'north',
  manager: null,
  value: 1,
  scores: {},
  next: {
    seq: 1,
    runId: RUN_ID,
    placements:
      segment === null
        ? {}
        : {
            [dimension]: {
              target: segment,
              actual: segment,
              since: '2026-05',
              periods: 1,
              lastPeriod: '2026-05',
              heldBack: [],
            },
          },
    ratings: {},
    values: {},
    flags: [],
  },
  changed: false,
  moves: [],
  flags: [],
  satisfaction: null,
});

export interface Customer {
  readonly id: string;
  readonly segment: string | null;
  /** null: without an address. */
  readonly email?: string | null;
  /** Null: none is known. */
  readonly language?: 'en' | 'zh-CN' | null;
}

export const many = (segment: string, count: number, from = 0): Customer[] =>
  Array.from({ length: count }, (_, index) => ({ id: `${segment}${from + index}`, segment }));

/** An account in good standing that has sent nothing today. */
export const calmAccount = (quota: Partial<SendQuota> = {}): Pick<MailSender, 'quota' | 'reputation'> => ({
  quota: async () => ({ max24h: 50_000, maxPerSecond: 14, sentLast24h: 0, ...quota }),
  reputation: async () => ({ sendingEnabled: true, attempts: 900, bounces: 9, complaints: 0, rejects: 0, days: 14 }),
});

/** A published run of these customers; each has an address unless it says otherwise. */
export const publishedRun = async (
  customers: readonly Customer[],
  {
    policy = policyWith(),
    mail = calmAccount(),
  }: { readonly policy?: Policy; readonly mail?: Pick<MailSender, 'quota' | 'reputation'> } = {},
) => {
  const stores = memoryStores();
  const clock = settableClock(NOW);
  const rows: PlanRow[] = [];
  for (const { id, segment, email, language = 'en' } of customers) {
    rows.push(planRow(policy.mainDimension, `s-${id}`, segment));
    const contactKey =
      email === null
        ? undefined
        : await stores.contacts.upsertPerson({
            customerId: id,
            email: email ?? `${id}@example.com`,
            ...(language === null ? {} : { language }),
          });
    stores.customers.all.set(id, factsOf(id, contactKey === undefined ? {} : { contactKey }));
  }
  const runs = memoryRecords<RunRecord>();
  let ids = 0;
  const started: string[] = [];
  const ports = {
    ...stores,
    clock,
    runs,
    files: { readPlan: async (_runId: string, shard: number) => rows.filter((_, index) => index % 2 === shard) },
    defaultLanguage: 'zh-CN' as const,
    newInvitationId: () => encodeId(Buffer.from(String(++ids).padStart(16, '0'))),
    mail,
    mailRatePerSecond: 11,
    workflows: {
      start: async (_machine: string, name: string) => {
        started.push(name);
        return { executionArn: name, started: true };
      },
    },
  };
  const asPlan = ports as unknown as PlanWavePorts;
  const asStart = ports as unknown as StartWavePorts;
  const addRun = async (runId: string, itsPolicy: Policy): Promise<void> => {
    await stores.objects.put(policyKey(itsPolicy.hash), new TextEncoder().encode(JSON.stringify(itsPolicy.source)));
    await runs.create(runId, runRecord(itsPolicy, { runId }));
  };
  await addRun(RUN_ID, policy);
  return {
    ...ports,
    stores,
    started,
    asPlan,
    asStart,
    addRun,
    /** Starts and plans the wave of a run, which is made if it is not there. */
    plan: async (runId: string = RUN_ID, itsPolicy: Policy = policy, more: Partial<PlanWavePorts> = {}) => {
      await addRun(runId, itsPolicy);
      await startWave({ runId }, asStart);
      return planWave({ waveId: waveIdOf(runId) }, { ...asPlan, ...more });
    },
    /** The drawn list of a wave. */
    audience: async (waveId: string): Promise<DrawnAudience> =>
      DrawnAudience.parse(await stores.waveFiles.readJson(waveId, 'drawn.json')),
  };
};
