import { describe, expect, it } from 'vitest';
import { sendInvitations } from '#shared/application/send-batch.ts';
import { SCORE_POLICY } from '#test/support/score-policy.ts';
import { surveyPorts } from '#test/survey/wave-machine.ts';
import { NOW, OTHER, openPersonBench, PERSON, WAVE_ID } from './person-bench.ts';

const QUIET =
  'brakes: { movedShare: 1, flagShare: 1, inputDropShare: 1, staleInputDays: 9000, emptiedSegment: allow, quarantineShare: 1 }\n';

describe('after an erasure', () => {
  it('R26 the next run neither scores the person nor counts it, and the wave under way neither mails nor invites it', async () => {
    const { bench, survey, clock, say, subjectOf } = await openPersonBench();
    await bench.usePolicy(SCORE_POLICY.replace(/brakes:\n[\s\S]*$/u, QUIET));
    const placed = async (runId: string): Promise<readonly string[]> => {
      const rows: string[] = [];
      for (let shard = 0; shard < 4; shard += 1) {
        for (const row of await bench.ports.files.readPlan(runId, shard)) rows.push(row.subject);
      }
      return rows.sort();
    };
    const before = await bench.run({ requestId: 'before', asOf: '2026-10-31' });
    expect(await placed(before.runId)).toEqual([subjectOf(PERSON.customerId), subjectOf(OTHER.customerId)].sort());

    await say('contact', 'erase', PERSON.customerId, '--reason', 'request of 12 May', '--yes');

    const after = await bench.run({ requestId: 'after', asOf: '2026-10-31' });
    expect(after.summary.population).toBe(1);
    expect(await placed(after.runId)).toEqual([subjectOf(OTHER.customerId)]);
    const mailed: string[] = [];
    await sendInvitations(
      { waveId: WAVE_ID, batch: 0 },
      surveyPorts(survey, clock, async ({ to }) => {
        mailed.push(to);
        return { kind: 'accepted', messageId: 'm' };
      }),
    );
    expect(mailed).toEqual([OTHER.email]);
    await survey.contacts.upsertPerson({ ...PERSON, consent: { given: true, source: 'crm', at: NOW.slice(0, 10) } });
    expect(JSON.stringify(await survey.contacts.ofCustomer(PERSON.customerId))).not.toContain(PERSON.email);
  });
});
