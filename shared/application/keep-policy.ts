import type { ActivePolicy } from '#shared/contracts/active-policy.ts';
import type { Policy } from '#shared/domain/policy.ts';
import { PermanentError } from '#shared/errors.ts';
import type { AuditJournal, JournalEntry } from '#shared/ports/audit-journal.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { ObjectStore } from '#shared/ports/object-store.ts';
import { ACTIVE_POLICY_KEY, policyKey, readActivePolicy, storePolicy } from './run/run-ports.ts';

export interface KeepPolicyPorts {
  readonly objects: ObjectStore;
  readonly journal: AuditJournal;
  readonly clock: Clock;
}

/** A policy that a person brings. */
export interface BroughtPolicy {
  readonly policy: Policy;
  /** Where it was read: the name of a file, without its folder, or of a preset. */
  readonly from: string;
  readonly by: string;
}

/** `my-bank 0b639d01e3ea (my-policy.yaml)`: the name, the version that runs show, and the file. */
export const policyInJournal = ({ policy, from }: Pick<BroughtPolicy, 'policy' | 'from'>): string =>
  `${policy.name} ${policy.version} (${from})`;

/**
 * Keeps a policy that a run is to use. Where it is new to the workspace, the journal says who brought it and from which file,
 * before it is stored. It becomes the policy of scheduled runs only where there is none yet.
 *
 * @returns the policy of scheduled runs
 */
export const keepPolicy = async (brought: BroughtPolicy, ports: KeepPolicyPorts): Promise<ActivePolicy | undefined> => {
  const { policy, by } = brought;
  const at = ports.clock.now();
  await noteIfNew(brought, at, ports);
  await storePolicy(ports.objects, policy, { by, at });
  return readActivePolicy(ports.objects);
};

const noteIfNew = async (brought: BroughtPolicy, at: string, { objects, journal }: KeepPolicyPorts): Promise<void> => {
  if ((await objects.get(policyKey(brought.policy.hash))) !== undefined) return;
  await journal.add({
    at,
    by: brought.by,
    kind: 'policy',
    action: 'stored',
    what: policyInJournal(brought),
    reason: null,
  });
};

const LONGEST_REASON = 500;

/**
 * Makes a policy the one of scheduled runs, and of runs that name none. Nothing moves before the next run. Who, when, why and
 * from which file is in the journal before it holds; so is the activation that it replaces.
 *
 * @returns the policy that was active before, and whether anything changed
 * @throws PermanentError `reason-missing`
 */
export const activatePolicy = async (
  { reason: given, ...brought }: BroughtPolicy & { readonly reason: string },
  ports: KeepPolicyPorts,
): Promise<{ readonly before: ActivePolicy | undefined; readonly outcome: 'done' | 'unchanged' }> => {
  const reason = given.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  if (reason === '' || [...reason].length > LONGEST_REASON) {
    throw new PermanentError(
      'reason-missing',
      `--reason must say why in 1 to ${LONGEST_REASON} characters, got ${[...reason].length}; it is kept in the audit`,
      { hint: '--reason "cut-offs agreed by the board in October"' },
    );
  }
  const { objects, journal, clock } = ports;
  const { policy, by } = brought;
  const before = await readActivePolicy(objects);
  if (before?.hash === policy.hash) return { before, outcome: 'unchanged' };
  const at = clock.now();
  await noteIfNew(brought, at, ports);
  await keepEarlierActivation(before, journal);
  await journal.add({ at, by, kind: 'policy', action: 'activated', what: policyInJournal(brought), reason });
  const encoded = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document));
  const contentType = 'application/json';
  await objects.put(policyKey(policy.hash), encoded(policy.source), { ifAbsent: true, contentType });
  const active: ActivePolicy = { hash: policy.hash, name: policy.name, by, at };
  await objects.put(ACTIVE_POLICY_KEY, encoded(active), { contentType });
  return { before, outcome: 'done' };
};

/** The first activation is kept with the active policy alone, and would be lost with it. */
const keepEarlierActivation = async (before: ActivePolicy | undefined, journal: AuditJournal): Promise<void> => {
  if (before?.by === undefined || before.at === undefined) return;
  const { at, by } = before;
  const known = (await journal.list()).some((entry) => isActivationOf(entry, before));
  if (known) return;
  await journal.add({ at, by, kind: 'policy', action: 'activated', what: shortPolicy(before), reason: null });
};

/** `my-bank 0b639d01e3ea`: an active policy where its file is not known. */
export const shortPolicy = ({ name, hash }: Pick<ActivePolicy, 'name' | 'hash'>): string =>
  `${name ?? ''} ${hash.slice(0, 12)}`.trim();

/** Whether an entry of the journal is the activation that the active policy came from. */
export const isActivationOf = (
  entry: Pick<JournalEntry, 'kind' | 'action' | 'at' | 'what'>,
  active: ActivePolicy,
): boolean =>
  entry.kind === 'policy' &&
  entry.action === 'activated' &&
  entry.at === active.at &&
  entry.what.startsWith(shortPolicy(active));
