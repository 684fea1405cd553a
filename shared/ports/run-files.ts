import type { Calibration, FrameRow, PlanRow } from '../domain/standing.ts';
import type { QuarantinedRecord } from './customer-store.ts';

/** Files of a run in the workspace: `runs/<runId>/{frame,plan}/shard=NNNN.parquet` and JSON documents. Write-once. */
export interface RunFiles {
  writeFrame(runId: string, shard: number, rows: readonly FrameRow[]): Promise<void>;
  readFrame(runId: string, shard: number): Promise<readonly FrameRow[]>;
  writePlan(runId: string, shard: number, rows: readonly PlanRow[]): Promise<void>;
  readPlan(runId: string, shard: number): Promise<readonly PlanRow[]>;
  /** The bytes of a plan's file, to be compared with what `encodePlan` makes of its rows. */
  readPlanBytes(runId: string, shard: number): Promise<Uint8Array>;
  /** The file that `writePlan` would write; the same rows give the same bytes. */
  encodePlan(rows: readonly PlanRow[]): Uint8Array;
  /** Receipts and other small documents, such as `measure/shard=0003.json`, `summary.json`, `report.html`. */
  writeJson(runId: string, name: string, document: unknown): Promise<void>;
  readJson(runId: string, name: string): Promise<unknown>;
  listJson(runId: string, folder: string): Promise<readonly { readonly name: string; readonly document: unknown }[]>;
  writeCalibration(runId: string, calibration: Calibration): Promise<void>;
  readCalibration(runId: string): Promise<Calibration>;
  writeText(runId: string, name: string, text: string, contentType: string): Promise<void>;
  readText(runId: string, name: string): Promise<string | undefined>;
}

/** What `measure-shard` leaves behind. */
export interface MeasureReceipt {
  readonly shard: number;
  readonly read: number;
  readonly quarantined: readonly QuarantinedRecord[];
  /** Newest business date of any fact, `YYYY-MM-DD`; null if none. */
  readonly newestFact: string | null;
  readonly units: { readonly read: number; readonly write: number };
  /** The run in force when it was measured; absent in receipts of earlier versions, which are not gone by. */
  readonly basedOn?: string | null;
}
