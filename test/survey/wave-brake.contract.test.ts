import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoRecords } from '#shared/adapters/dynamo-records.ts';
import { mailFigures, noteBatchSent, noteMailFailed, type WaveBrakePorts } from '#shared/application/brake-wave.ts';
import { MailTally, WaveRecord } from '#shared/contracts/survey.ts';
import { DEFAULT_MAIL_BRAKES } from '#shared/domain/mail-brake.ts';
import { type OpenTables, openTables } from '#test/support/open-tables.ts';
import { invitationOf, memoryRecords, NOW, waveRecord } from './memory.ts';

let tables: OpenTables;
beforeAll(async () => {
  tables = await openTables();
});
afterAll(() => tables.close());

const engines = {
  memory: () => ({ waves: memoryRecords<WaveRecord>(), tallies: memoryRecords<MailTally>() }),
  dynamo: () => {
    const { client } = tables;
    return {
      waves: dynamoRecords({ client, table: 'runs', kind: 'WAVE', schema: WaveRecord }),
      tallies: dynamoRecords({ client, table: 'runs', kind: 'TALLY', schema: MailTally }),
    };
  },
};

describe.each(['memory', 'dynamo'] as const)('the brake of a wave on %s', (engine) => {
  it('R09 R39 counts each mail once and tells the operators once, however many workers write at the same time', async () => {
    const waveId = `w-${engine}`;
    const stores = engines[engine]();
    // Tallies of another wave, of which this one’s id is the beginning, are none of its business.
    const other = { from: null, sent: 999, until: null, bounced: {}, complained: {} };
    await stores.tallies.create(`${waveId}-2#invitation#0`, other);
    await stores.waves.create(waveId, waveRecord({ waveId }));
    let notices = 0;
    const ports: WaveBrakePorts = {
      ...stores,
      clock: { now: () => NOW },
      mailBrakes: DEFAULT_MAIL_BRAKES,
      tellWaveBraked: async () => {
        notices += 1;
        return { kind: 'accepted', messageId: 'm' };
      },
    };
    const batches = Array.from({ length: 6 }, (_, batch) =>
      Array.from({ length: 40 }, (_, index) =>
        invitationOf(batch * 40 + index + 1, { waveId, invitation: { state: 'sent', attempts: 0, at: NOW } }),
      ),
    );
    const counts = batches.flatMap((invitations, batch) =>
      (['under way', 'sent', 'sent'] as const).map((stage) =>
        noteBatchSent({ waveId, batch }, 'invitation', { stage, read: async () => invitations }, ports),
      ),
    );
    const failures = batches.flatMap((invitations, batch) =>
      invitations
        .slice(0, 4)
        .flatMap(({ invitationId }) =>
          [1, 2].map(() =>
            noteMailFailed(
              { waveId, batch },
              { kind: 'invitation', invitationId, type: 'bounced', sentAt: NOW },
              ports,
            ),
          ),
        ),
    );

    await Promise.all([...counts, ...failures]);
    for (const [batch, invitations] of batches.entries()) {
      await noteBatchSent({ waveId, batch }, 'invitation', { stage: 'sent', read: async () => invitations }, ports);
    }

    expect(await mailFigures({ waveId }, ports)).toEqual({ sent: 240, bounced: 24, complained: 0 });
    expect((await stores.waves.get(waveId))?.record).toMatchObject({
      pause: { by: 'reputation' },
      braked: { notice: 'sent' },
    });
    expect(notices).toBe(1);
  });
});
