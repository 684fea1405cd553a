import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { styleText } from 'node:util';
import * as z from 'zod/mini';
import { readPolicy } from '#shared/adapters/policy-files.ts';
import { costSentence } from '#shared/application/cost-text.ts';
import { addDemoContacts } from '#shared/application/import/demo-contacts.ts';
import { importCustomers } from '#shared/application/import/import-customers.ts';
import { importPurchases } from '#shared/application/import/import-purchases.ts';
import { importStaff } from '#shared/application/import/import-staff.ts';
import { loadPolicy, readActivePolicy, storePolicy } from '#shared/application/run/run-ports.ts';
import { summaryText } from '#shared/application/summary-text.ts';
import { waveCounts } from '#shared/application/wave-counts.ts';
import { waveIdOf } from '#shared/application/wave-record.ts';
import { costOfRun } from '#shared/application/work-cost.ts';
import { RunSummary } from '#shared/contracts/run-record.ts';
import { addMonths, dateIn, lastDayOf, type Period, periodOf } from '#shared/domain/calendar.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { isResegmentError, PermanentError } from '#shared/errors.ts';
import { damageCustomers } from './database.ts';
import { fileSource, firstRejects, textSource } from './import-files.ts';
import { currentRunId, type LoopPlan, type Progress, planLoop, playLoop, playNextMonth } from './loop.ts';
import { findReader, showReader, watchReader } from './reader.ts';
import { SAMPLE_NAMES, SAMPLES, type SampleName, sampleForPolicy } from './sample-for-policy.ts';
import { sampleStaff } from './sample-staff.ts';
import { LOOP, openStack, readJsonFile, runningFile, type Stack, writeJsonFile } from './stack.ts';
import { readStartOptions, START_HELP, type StartOptions } from './start-options.ts';

/** What the command was given is wrong; nothing was done. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'usage',
  'map-invalid',
  'encoding-unknown',
  'decimal-unknown',
  'loop-differs',
  'policy-not-found',
  'policy-unreadable',
  'policy-invalid',
  'sample-lacks-input',
]);

/** Something waits for a person. */
const HELD_CODES: ReadonlySet<string> = new Set(['run-held', 'wave-paused']);

/** What the loop of a folder plays; written once, so that a later start goes on with the same. */
const LoopFile = z.object({
  source: z.enum(['sample', 'purchases']),
  /** Which sample; a folder of an earlier version has the companies. */
  sample: z._default(z.enum(SAMPLE_NAMES), 'companies'),
  /** First month of the sample. */
  first: z.string(),
  companies: z.number(),
  current: z.string(),
  asOf: z.optional(z.string()),
  policyHash: z.string(),
});
type LoopFile = z.infer<typeof LoopFile>;

const main = async (): Promise<number> => {
  const given = readStartOptions(process.argv.slice(2));
  if (given.help) {
    process.stdout.write(START_HELP);
    return 0;
  }
  const begun = performance.now();
  const progress = progressLine();
  const chosen = readPolicy(given.policy);
  const sample = given.purchases === undefined && !given.dataGiven ? sampleForPolicy(chosen) : 'companies';
  const options =
    sample === 'companies' ? given : { ...given, dataDir: path.join(path.dirname(given.dataDir), `demo-${sample}`) };
  if (options.fresh) removeData(options.dataDir);
  const kept = readJsonFile(path.join(options.dataDir, 'loop.json'), LoopFile);
  if (kept !== undefined) assertSameLoop(kept, options, chosen);
  const settings = kept ?? newLoop(options, chosen);
  const plan = planLoop(settings.current, settings.asOf);
  const stack = await openStack({
    dataDir: options.dataDir,
    stage: { timeZone: chosen.timeZone, currency: chosen.currency },
    startAt: `${lastDayOf(plan.earlier[0] ?? settings.current)}T04:00:00.000Z`,
    trouble: options.trouble,
    throttleDatabase: options.throttleDatabase,
    ...(options.mailsPerSecond === undefined ? {} : { mailsPerSecond: options.mailsPerSecond }),
    onStep: (step) => progress(step),
  });
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await stack.close();
  };
  const interrupted = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(130));
  });
  try {
    if (kept === undefined) await storePolicy(stack.run.objects, chosen, { by: LOOP, at: stack.clock.now() });
    const active = await readActivePolicy(stack.run.objects);
    // What `policy activate` made of it since holds for the months to come.
    const current = { ...settings, policyHash: active?.hash ?? settings.policyHash };
    const policy = await loadPolicy(stack.run.objects, current.policyHash);
    writeJsonFile(path.join(options.dataDir, 'loop.json'), current);
    await damageCustomers(stack.parts, options.unreadable);
    const played = play(stack, current, plan, options, progress);
    const outcome = await Promise.race([played, interrupted]);
    if (typeof outcome === 'number') return outcome;
    await stack.sweepCases();
    progress('');
    await showResult(stack, outcome.runId, policy, options, settings.sample, performance.now() - begun);
    if (options.once) return 0;
    process.stdout.write(
      `\nThe stack stays up; press Ctrl-C to stop it. Go on by a month: npm start -- --next-month${dataFlag(options)}\n`,
    );
    const reader = await findReader(stack, waveIdOf(outcome.runId), options.language);
    if (reader !== undefined) watchReader(stack, reader, (text) => process.stdout.write(text));
    await interrupted;
    return 0;
  } finally {
    progress('');
    await stop();
  }
};

/** @throws PermanentError `loop-differs` where the options ask for another loop than the folder holds */
const assertSameLoop = (kept: LoopFile, options: StartOptions, chosen: Policy): void => {
  const differs = [
    ...((options.purchases === undefined) === (kept.source === 'sample') || options.purchases === undefined
      ? []
      : ['it holds the sample, not purchases']),
    ...(options.asOf === undefined || options.asOf === (kept.asOf ?? lastDayOf(kept.current))
      ? []
      : [`its last date is ${kept.asOf ?? lastDayOf(kept.current)}, not ${options.asOf}`]),
    ...(!options.policyGiven || chosen.hash === kept.policyHash
      ? []
      : [`it was begun with another version of the policy than ${options.policy}`]),
  ];
  if (differs.length === 0) return;
  throw new PermanentError('loop-differs', `${options.dataDir} was begun differently: ${differs.join('; ')}`, {
    hint: 'start over with --fresh, or keep both with --data DIR; to try a policy: npx resegment plan --policy FILE',
  });
};

const newLoop = (options: StartOptions, policy: Policy): LoopFile => {
  const lastMonth = addMonths(periodOf(dateIn(policy.timeZone, new Date().toISOString())), -1);
  const current = options.asOf === undefined ? lastMonth : periodOf(options.asOf);
  return {
    source: options.purchases === undefined ? 'sample' : 'purchases',
    sample: options.purchases === undefined ? sampleForPolicy(policy) : 'companies',
    first: planLoop(current).earlier[0] ?? current,
    companies: options.companies,
    current,
    ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    policyHash: policy.hash,
  };
};

/** Seeds the folder if it is new, plays the loop, and a month more if asked. @returns the run to show */
const play = async (
  stack: Stack,
  settings: LoopFile,
  plan: LoopPlan,
  options: StartOptions,
  progress: Progress,
): Promise<{ readonly runId: string }> => {
  const pauses = { wait: !options.once, commandOptions: dataFlag(options) };
  const last = (await stack.run.pointer.get()).published;
  const finished = last !== null && last.runId === currentRunId(plan);
  const beyond = last !== null && last.period > plan.current;
  if (!beyond) {
    if (settings.source === 'sample') await seedSample(stack, settings, addMonths(plan.current, -1), progress);
    else if (!finished) await seedPurchases(stack, options, progress);
    const arrive = (): Promise<void> =>
      settings.source === 'sample' ? importSampleMonth(stack, settings, plan.current) : Promise.resolve();
    await playLoop(stack, { ...plan, arrive, pauses }, settings.policyHash, progress);
  }
  if (options.nextMonth && (finished || beyond)) {
    const period = addMonths(last.period, 1);
    const arrive = (): Promise<void> =>
      settings.source === 'sample' ? importSampleMonth(stack, settings, period) : Promise.resolve();
    await playNextMonth(stack, period, settings.policyHash, progress, arrive, pauses);
  }
  const published = (await stack.run.pointer.get()).published;
  if (published === null) throw new PermanentError('nothing-published', 'the loop ended without a published run');
  return { runId: published.runId };
};

const SAMPLE_CUSTOMERS = {
  id: 'id',
  date: 'date',
  name: 'name',
  email: 'email',
  language: 'language',
  region: 'region',
  branch: 'branch',
  manager: 'manager',
  status: 'status',
  consent: 'consent',
};
const SAMPLE_PURCHASES = { customer: 'customer', date: 'date', amount: 'amount' };

const monthsFrom = (first: Period, last: Period): readonly Period[] => {
  const months: Period[] = [];
  for (let month = first; month <= last; month = addMonths(month, 1)) months.push(month);
  return months;
};

const seedSample = async (stack: Stack, settings: LoopFile, last: Period, progress: Progress): Promise<void> => {
  const batches = await stack.tool.batches.list();
  const seeded =
    batches.filter(({ record }) => record.fileName.startsWith('sample-until-') && record.state === 'done').length === 2;
  if (seeded) return;
  const { called, make } = SAMPLES[settings.sample];
  progress(`making up ${settings.companies} ${called} (synthetic) and importing their months`);
  const sample = make({
    count: settings.companies,
    months: monthsFrom(settings.first, last),
  });
  await importStaff(textSource('sample-staff.csv', await sampleStaff(sample.customersCsv)), {}, stack.tool);
  await importSample(stack, `sample-until-${last}`, sample.customersCsv, sample.purchasesCsv);
};

const importSampleMonth = async (stack: Stack, settings: LoopFile, month: Period): Promise<void> => {
  const rows = SAMPLES[settings.sample]
    .make({
      count: settings.companies,
      months: monthsFrom(settings.first, month),
    })
    .monthRows(month);
  await importSample(stack, `sample-${month}`, rows.customersCsv, rows.purchasesCsv);
};

const importSample = async (stack: Stack, name: string, customersCsv: string, purchasesCsv: string): Promise<void> => {
  if (hasRows(customersCsv)) {
    await importCustomers(
      textSource(`${name}-customers.csv`, customersCsv),
      { map: SAMPLE_CUSTOMERS, source: 'sample' },
      stack.tool.imports,
    );
  }
  await importPurchases(
    textSource(`${name}-purchases.csv`, purchasesCsv),
    { map: SAMPLE_PURCHASES, currency: stack.stage.currency, source: 'sample' },
    stack.tool.imports,
  );
};

const hasRows = (csv: string): boolean => csv.trimEnd().includes('\n');

const seedPurchases = async (stack: Stack, options: StartOptions, progress: Progress): Promise<void> => {
  const { purchases } = options;
  if (purchases === undefined) {
    throw new PermanentError(
      'purchases-not-given',
      'this folder was begun with a purchases file and its import is not finished',
      {
        hint: 'give the same --purchases and --map again, or start over with --fresh',
      },
    );
  }
  progress(`importing ${purchases.file}`);
  const rejects = firstRejects(3);
  const { file, map, format } = purchases;
  const result = await importPurchases(
    fileSource(file),
    { ...format, ...(map === undefined ? {} : { map }), currency: stack.stage.currency, rejects },
    stack.tool.imports,
  );
  if (result.rejected > 0) {
    process.stderr.write(`${result.rejected} rows were rejected: ${rejects.shown.join('; ')}\n`);
  }
  progress('making up addresses at example.com for the customers');
  await addDemoContacts(stack.tool.imports);
};

const showResult = async (
  stack: Stack,
  runId: string,
  policy: Policy,
  options: StartOptions,
  sample: SampleName,
  tookMs: number,
): Promise<void> => {
  const summary = RunSummary.parse(await stack.run.files.readJson(runId, 'summary.json'));
  const record = (await stack.run.runs.get(runId))?.record;
  const used = record === undefined ? policy : await loadPolicy(stack.run.objects, record.policy.hash);
  const before =
    record?.basedOn === null || record?.basedOn === undefined
      ? undefined
      : await stack.tool.waveStatus(waveIdOf(record.basedOn));
  const synthetic =
    options.purchases === undefined ? `The ${SAMPLES[sample].called} are synthetic; ` : 'Addresses are invented; ';
  process.stdout.write(
    `\n${summaryText(summary, before === undefined ? undefined : waveCounts(before, options.language), options.language, used)}`,
  );
  const cost =
    record === undefined
      ? undefined
      : await costOfRun(record, summary, { usage: stack.tool.usage, customers: stack.tool.imports.customers });
  if (cost !== undefined) process.stdout.write(`${costSentence(cost, 'local', options.language)}\n`);
  process.stdout.write(
    `\n${synthetic}who answered the survey of the month before, and what the staff did, is simulated. This took ${(tookMs / 1000).toFixed(1)} s.\n`,
  );
  const reader = await findReader(stack, waveIdOf(runId), options.language);
  if (reader !== undefined) process.stdout.write(await showReader(stack, reader));
  process.stdout.write(`
Inbox      ${stack.addresses.inbox}
Report     ${stack.reports.reportUrl(runId)}
           ${stack.reports.reportUrl(runId, 'zh-CN')}
`);
  if (reader !== undefined) process.stdout.write(`Answer     ${reader.link}\n`);
  // An upgrade is proposed for those who nearly reach the next class: the near misses.
  const nearMiss = (await stack.run.flags.listOpen()).find((flag) => flag.kind === 'upgrade');
  const miss = nearMiss?.customerId ?? reader?.customerId ?? 'CUSTOMER';
  process.stdout.write(`
Try, in another terminal:
  npx resegment explain ${miss}${dataFlag(options)}
  npx resegment plan --policy my-policy.yaml${dataFlag(options)}     (first: npx resegment policy new --from ${policy.name} --out my-policy.yaml, and change a cut-off)
  npx resegment flag list --limit 10${dataFlag(options)}
  npx resegment export ${runId} --format csv --out segments.csv${dataFlag(options)}
`);
};

const dataFlag = (options: StartOptions): string => {
  const relative = path.relative(process.cwd(), options.dataDir);
  return relative === path.join('.local', 'demo')
    ? ''
    : ` --data ${relative.startsWith('..') ? options.dataDir : relative}`;
};

const removeData = (dataDir: string): void => {
  const running = readJsonFile(runningFile(dataDir), z.object({ pid: z.number() }));
  if (running !== undefined && isAlive(running.pid)) {
    throw new PermanentError('data-folder-in-use', `a stack runs on ${dataDir} (process ${running.pid})`, {
      hint: 'stop it first',
    });
  }
  const isOurs =
    !existsSync(dataDir) || existsSync(path.join(dataDir, 'stage.json')) || existsSync(path.join(dataDir, 'database'));
  if (!isOurs) {
    throw new PermanentError(
      'not-a-data-folder',
      `${dataDir} holds something else than the data of a local stack; --fresh leaves it alone`,
    );
  }
  rmSync(dataDir, { recursive: true, force: true });
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** One line that changes on a terminal; one line a step elsewhere. */
const progressLine = (): Progress => {
  let shown = '';
  return (step, done, total) => {
    const count = done === undefined || total === undefined ? '' : ` ${done}/${total}`;
    if (process.stderr.isTTY) {
      process.stderr.write(
        `\r\x1b[2K${step === '' ? '' : styleText('dim', `${step}${count} …`, { stream: process.stderr })}`,
      );
    } else if (step !== shown && step !== '') process.stderr.write(`${step} …\n`);
    shown = step;
  };
};

try {
  process.exitCode = await main();
} catch (error) {
  if (!isResegmentError(error)) throw error;
  process.stderr.write(`\n${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
  process.exitCode = USAGE_CODES.has(error.code) ? 2 : HELD_CODES.has(error.code) ? 3 : 1;
}
