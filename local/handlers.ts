import { handler as applyShard } from '#functions/apply-shard.ts';
import { handler as assertRunHealthy } from '#functions/assert-run-healthy.ts';
import { handler as assertWaveHealthy } from '#functions/assert-wave-healthy.ts';
import { handler as assignShard } from '#functions/assign-shard.ts';
import { handler as beginApply } from '#functions/begin-apply.ts';
import { handler as calibrate } from '#functions/calibrate.ts';
import { handler as checkImportRange } from '#functions/check-import-range.ts';
import { handler as closeWave } from '#functions/close-wave.ts';
import { handler as countAbsentCustomers } from '#functions/count-absent-customers.ts';
import { handler as emitEvents } from '#functions/emit-events.ts';
import { handler as escalateCases } from '#functions/escalate-cases.ts';
import { handler as failImport } from '#functions/fail-import.ts';
import { handler as failRun } from '#functions/fail-run.ts';
import { handler as finishImport } from '#functions/finish-import.ts';
import { handler as importWholeFile } from '#functions/import-whole-file.ts';
import { handler as ingestMailEvent } from '#functions/ingest-mail-event.ts';
import { handler as lookUpWave } from '#functions/look-up-wave.ts';
import { handler as mailActionLists } from '#functions/mail-action-lists.ts';
import { handler as measureShard } from '#functions/measure-shard.ts';
import { handler as openRun } from '#functions/open-run.ts';
import { handler as planShards } from '#functions/plan-shards.ts';
import { handler as planWave } from '#functions/plan-wave.ts';
import { handler as projectAnswers } from '#functions/project-answers.ts';
import { handler as publishRun } from '#functions/publish-run.ts';
import { handler as reviewImport } from '#functions/review-import.ts';
import { handler as reviewPlan } from '#functions/review-plan.ts';
import type { Metered } from '#functions/runtime/metered-step.ts';
import { handler as sendInvitations } from '#functions/send-invitations.ts';
import { handler as sendReminders } from '#functions/send-reminders.ts';
import { handler as splitImport } from '#functions/split-import.ts';
import { handler as startWave } from '#functions/start-wave.ts';
import { handler as sweepCustomers } from '#functions/sweep-customers.ts';
import { handler as tallyImportIds } from '#functions/tally-import-ids.ts';
import { handler as writeImportRange } from '#functions/write-import-range.ts';
import type { WaveHealthPorts } from '#shared/application/assert-wave-healthy.ts';
import type { CloseWavePorts } from '#shared/application/close-wave.ts';
import type { EmitEventsPorts } from '#shared/application/emit-events.ts';
import type { EscalateCasesPorts } from '#shared/application/escalate-cases.ts';
import type { ImportJobPorts } from '#shared/application/import/import-job.ts';
import type { MailEventPorts } from '#shared/application/ingest-mail-event.ts';
import type { MailActionListsPorts } from '#shared/application/mail-action-lists.ts';
import type { PlanWavePorts } from '#shared/application/plan-wave.ts';
import type { ProjectAnswerPorts } from '#shared/application/project-answer.ts';
import type { RunPorts } from '#shared/application/run/run-ports.ts';
import type { WriteReportPorts } from '#shared/application/run/write-run-report.ts';
import type { SendPorts } from '#shared/application/send-batch.ts';
import type { StartWavePorts } from '#shared/application/start-wave.ts';

/** What the handlers get here in place of what they would build from an account's environment. */
export interface HandlerServices {
  readonly run: RunPorts & Metered;
  readonly report: WriteReportPorts & Metered;
  readonly startWave: StartWavePorts & Metered;
  readonly planWave: PlanWavePorts & Metered;
  readonly send: SendPorts & Metered;
  readonly wave: CloseWavePorts & WaveHealthPorts & Metered;
  readonly mailEvents: MailEventPorts;
  readonly projectAnswers: ProjectAnswerPorts;
  readonly escalateCases: EscalateCasesPorts;
  readonly mailActionLists: MailActionListsPorts & Metered;
  readonly emitEvents: Omit<EmitEventsPorts, 'isOutOfTime'>;
  readonly imports: ImportJobPorts;
}

/** The same handlers that Lambda runs, by function name, bound to the local stack. */
export const bindHandlers = (services: HandlerServices) => ({
  'open-run': openRun.withServices(services.run),
  'plan-shards': planShards.withServices(services.run),
  'measure-shard': measureShard.withServices(services.run),
  calibrate: calibrate.withServices(services.run),
  'assign-shard': assignShard.withServices(services.run),
  'review-plan': reviewPlan.withServices(services.run),
  'begin-apply': beginApply.withServices(services.run),
  'apply-shard': applyShard.withServices(services.run),
  'publish-run': publishRun.withServices(services.run),
  // The charts are half of what a local stack would load, and most commands write no report.
  'write-report': async (event: unknown) => {
    const { handler } = await import('#functions/write-report.ts');
    return handler.withServices(services.report)(event);
  },
  'start-wave': startWave.withServices(services.startWave),
  'mail-action-lists': mailActionLists.withServices(services.mailActionLists),
  'assert-run-healthy': assertRunHealthy.withServices(services.run),
  'fail-run': failRun.withServices(services.run),
  'plan-wave': planWave.withServices(services.planWave),
  'send-invitations': sendInvitations.withServices(services.send),
  'look-up-wave': lookUpWave.withServices(services.wave),
  'send-reminders': sendReminders.withServices(services.send),
  'close-wave': closeWave.withServices(services.wave),
  'assert-wave-healthy': assertWaveHealthy.withServices(services.wave),
  'ingest-mail-event': ingestMailEvent.withServices(services.mailEvents),
  'project-answers': projectAnswers.withServices(services.projectAnswers),
  'escalate-cases': escalateCases.withServices(services.escalateCases),
  'emit-events': emitEvents.withServices(services.emitEvents),
  'split-import': splitImport.withServices(services.imports),
  'check-import-range': checkImportRange.withServices(services.imports),
  'tally-import-ids': tallyImportIds.withServices(services.imports),
  'count-absent-customers': countAbsentCustomers.withServices(services.imports),
  'review-import': reviewImport.withServices(services.imports),
  'write-import-range': writeImportRange.withServices(services.imports),
  'sweep-customers': sweepCustomers.withServices(services.imports),
  'import-whole-file': importWholeFile.withServices(services.imports),
  'finish-import': finishImport.withServices(services.imports),
  'fail-import': failImport.withServices(services.imports),
});
