import { describe, expect, it } from 'vitest';
import { costSentence, costTable } from '#shared/application/cost-text.ts';
import { renderReport } from '#shared/application/report/render-report.ts';
import { costOfRun, costOfWave } from '#shared/application/work-cost.ts';
import { NO_USAGE, type UsageBySteps } from '#shared/domain/usage.ts';
import { inventedReport } from './report-fixture.ts';

const USED: UsageBySteps = {
  'open-run': { ...NO_USAGE, attempts: 1, megabyteMs: 512_000 },
  'measure-shard': { ...NO_USAGE, attempts: 4, megabyteMs: 10_240_000, halfReadUnits: 2_000_000 },
  'apply-shard': { ...NO_USAGE, attempts: 4, writeUnits: 1_000_000, objectWrites: 1_000 },
};
const ledger = (steps: UsageBySteps) => ({ usage: { of: async () => steps } });
const run = { runId: 'r', shards: 4 };
const summary = { population: 1_000_000, changed: 150_000 };

describe('what a run cost', () => {
  it('stands in its report, in the reader’s language, at the prices of a day', async () => {
    const cost = await costOfRun(run, summary, ledger(USED));

    const english = renderReport({ ...inventedReport, cost: { ...cost!, usedOn: 'aws' } }, 'en');
    const chinese = renderReport({ ...inventedReport, cost: { ...cost!, usedOn: 'local' } }, 'zh-CN');

    expect(english).toContain('This run cost about $0.7556: database $0.7500, functions $0.0001');
    expect(chinese).toContain('若在 AWS 上，本次运行费用约 0.7556 美元');
    expect(renderReport(inventedReport, 'en')).not.toContain('cost about');
  });

  it('is beside what the estimate says for its size, and says what is measured and what is computed', async () => {
    const cost = await costOfRun(run, summary, ledger(USED));
    const table = costTable(cost!, 'aws', 'en');

    expect(cost?.estimated.question).toMatchObject({ customers: 1_000_000, changedShare: 0.15, shards: 4, mails: 0 });
    expect(table).toMatch(/database writes +1,000,000 write units +0\.6250 +0\.0938 +measured/u);
    expect(table).toMatch(/Step Functions +\d+ transitions .* computed/u);
    expect(costSentence(cost!, 'local', 'en')).toMatch(/^On AWS this run would cost about/u);
  });

  it('is not told of a run of an earlier version, which kept nothing', async () => {
    expect(await costOfRun(run, summary, ledger({}))).toBeUndefined();
    expect(await costOfWave({ waveId: 'w', answered: 0, suspect: 0 }, ledger({}))).toBeUndefined();
  });

  it('of a survey is mostly its mails, and counts suspect answers too, since they were sent', async () => {
    const steps = { 'send-invitations': { ...NO_USAGE, attempts: 2, mails: 1_000, writeUnits: 3_000 } };

    const cost = await costOfWave({ waveId: 'w', answered: 190, suspect: 10 }, ledger(steps));

    const part = (name: string) => cost?.measured.lines.find((line) => line.part === name);
    expect(part('mail')).toMatchObject({ amount: 1_000, nanoUsd: 100_000_000 });
    expect(part('answers')).toMatchObject({ amount: 800, how: 'computed' });
    expect(cost?.estimated.question).toMatchObject({ customers: 0, mails: 1_000, answerShare: 0.2 });
  });
});
