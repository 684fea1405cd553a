import type { RunFiles } from '#shared/ports/run-files.ts';
import type { ApplyReceipt } from './apply-shard.ts';

/** The name of the receipt that an applied shard leaves. */
export const applyReceiptName = (shard: number): string => `apply/shard=${String(shard).padStart(4, '0')}.json`;

/** Receipts of the shards that were applied so far. */
export const applyReceipts = async (
  runId: string,
  ports: { readonly files: Pick<RunFiles, 'listJson'> },
): Promise<readonly ApplyReceipt[]> => {
  const receipts: ApplyReceipt[] = [];
  for (const { document } of await ports.files.listJson(runId, 'apply')) {
    if (isApplyReceipt(document)) receipts.push(document);
  }
  return receipts;
};

/** Whether a shard was applied under this sequence number and has left its receipt. */
export const isApplied = async (
  runId: string,
  shard: number,
  seq: number,
  ports: { readonly files: Pick<RunFiles, 'readJson'> },
): Promise<boolean> => {
  const document = await ports.files.readJson(runId, applyReceiptName(shard));
  return isApplyReceipt(document) && document.seq === seq;
};

/** Subjects of one shard whose facts had changed since the plan, so that the run left them as they were. */
export const staleSubjects = async (
  runId: string,
  shard: number,
  ports: { readonly files: Pick<RunFiles, 'readJson'> },
): Promise<readonly string[]> => {
  const document = await ports.files.readJson(runId, applyReceiptName(shard));
  return isApplyReceipt(document) ? document.stale : [];
};

const isApplyReceipt = (document: unknown): document is ApplyReceipt =>
  typeof document === 'object' && document !== null && 'written' in document && 'stale' in document;
