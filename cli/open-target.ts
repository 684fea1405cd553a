import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod/mini';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import { openAwsTarget } from './aws-target.ts';
import type { Target, TargetOptions } from './target.ts';
import { NO_DATA, UsageError } from './usage-error.ts';

/** Opens what the options name: a stage of an account; else a running local stack, or one opened for this command. */
export const openTarget = async (options: TargetOptions): Promise<Target> =>
  options.target === 'aws' ? openAwsTarget(options) : openLocalTarget(path.resolve(options.data), options);

/** Whether a local stack has worked in the folder, or works there now. */
const holdsStack = (dataDir: string): boolean =>
  ['stage.json', 'database', 'stack.json'].some((name) => existsSync(path.join(dataDir, name)));

/** A mistyped folder must not turn into an empty stack that says there is nothing. */
const noStackIn = (dataDir: string, shownAs: string): UsageError => {
  const near = stacksNear(dataDir).map((name) => path.join(path.dirname(shownAs), name));
  const there = existsSync(dataDir) ? 'has no data of a local stack' : 'is not there';
  return new UsageError(NO_DATA, `--data ${JSON.stringify(shownAs)}: this folder ${there}; nothing was made`, {
    hint: `${near.length === 0 ? 'check the name' : `beside it there is ${near.join(', ')}`}; a new one is made by \`npm start\` (the demo) or by \`resegment import … --data ${shownAs}\``,
  });
};

const MOST_NEAR = 3;

/** Folders beside the one given in which there is a stack, first those whose names begin most like it. */
const stacksNear = (dataDir: string): readonly string[] => {
  const parent = path.dirname(dataDir);
  const wanted = path.basename(dataDir);
  const alike = (name: string): number => {
    const differs = [...name].findIndex((character, index) => character !== wanted[index]);
    return differs === -1 ? name.length : differs;
  };
  if (!existsSync(parent)) return [];
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(parent, entry.name, 'stage.json')))
    .map(({ name }) => name)
    .sort((a, b) => alike(b) - alike(a) || (a < b ? -1 : 1))
    .slice(0, MOST_NEAR);
};

/** The local stack is loaded only where it is used, so that commands on an account do not wait for it. */
const openLocalTarget = async (
  dataDir: string,
  { data: shownAs, mayCreate = false }: Pick<TargetOptions, 'data' | 'mayCreate'>,
): Promise<Target> => {
  const isNew = !holdsStack(dataDir);
  if (isNew && !mayCreate) throw noStackIn(dataDir, shownAs);
  const local = await import('#local/stack.ts');
  const description = { target: 'local' as const, stage: 'local', data: shownAs, ...(isNew ? { isNew } : {}) };
  const running = await findRunning(local.runningFile(dataDir));
  if (running !== undefined) {
    const stage = local.readStage(dataDir);
    if (stage === undefined) {
      throw new PermanentError('data-folder-broken', `${shownAs} has a running stack but no stage.json`);
    }
    const clock = fileClock(path.join(dataDir, 'clock.json'));
    const parts = local.partsFor(dataDir, running.database, clock, stage.timeZone);
    const { storesFrom } = await import('#functions/runtime/stores.ts');
    return {
      describe: () => description,
      ...storesFrom(parts),
      ...local.toolPorts(parts),
      checkWave: local.waveCheckAt(parts, running.inbox),
      clock,
      moveClock: (instant) => moveRunning(running.workflows, instant),
      timeZone: stage.timeZone,
      currency: stage.currency,
      workflows: await local.workflowsAt(running.workflows),
      // The stack's own process sends them.
      events: { sendWaiting: async () => undefined, read: (from) => local.eventFileOf(dataDir).read(from) },
      close: async () => parts.dynamo.destroy(),
    };
  }
  // What fails in the stack fails the command, which says so itself.
  process.env['LOG_LEVEL'] ??= 'silent';
  const stack = await local.openStack({ dataDir, port: 0 });
  return {
    describe: () => description,
    ...stack.run,
    ...stack.tool,
    checkWave: local.waveCheckAt(stack.parts, stack.addresses.inbox),
    clock: stack.clock,
    moveClock: async (instant) => {
      await stack.clock.moveTo(instant);
      return { now: stack.clock.now(), cases: await stack.sweepCases() };
    },
    timeZone: stack.stage.timeZone,
    currency: stack.stage.currency,
    workflows: stack.workflows,
    events: { sendWaiting: () => stack.emitEvents(), read: (from) => local.eventFileOf(dataDir).read(from) },
    close: () => stack.close(),
  };
};

const Moved = z.object({
  now: z.string(),
  cases: z.object({ mailed: z.number(), escalated: z.number(), uncertain: z.number(), failed: z.number() }),
});

/** Asks a running stack to move its clock. */
const moveRunning = async (workflows: string, instant: string): Promise<z.infer<typeof Moved>> => {
  const reply = await fetch(`${workflows}/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ now: instant }),
    signal: AbortSignal.timeout(120_000),
  });
  const moved = z.safeParse(Moved, await reply.json().catch(() => undefined));
  if (reply.ok && moved.success) return moved.data;
  throw new PermanentError('clock-not-moved', `the running stack did not move its clock to ${instant}`, {
    hint: 'resegment clock show tells where it stands',
  });
};

/** What a running stack says of itself in its folder. */
const Running = z.object({ pid: z.number(), database: z.string(), workflows: z.string(), inbox: z.string() });

/** The running stack of a folder: its process lives and its database answers. */
const findRunning = async (file: string): Promise<z.infer<typeof Running> | undefined> => {
  if (!existsSync(file)) return undefined;
  const parsed = z.safeParse(Running, JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success || !isAlive(parsed.data.pid)) return undefined;
  return (await answers(parsed.data.database)) ? parsed.data : undefined;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

const answers = async (url: string): Promise<boolean> => {
  try {
    await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  }
};

/** The business clock of a stack in another process, which writes it down every second. */
const fileClock = (file: string): Clock => ({
  now: () => {
    const document: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof document === 'object' && document !== null && 'now' in document && typeof document.now === 'string') {
      return document.now;
    }
    throw new PermanentError('clock-unreadable', `${file} does not say what the business clock shows`);
  },
});
