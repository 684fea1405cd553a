import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateArchiveCommand, CreateEventBusCommand, DescribeArchiveCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { eventBridgeBus, eventBridgeClient } from '#shared/adapters/eventbridge-bus.ts';
import { moveEvent } from '#shared/domain/document-events.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'events.md'), 'utf8');
/** The rule that the page shows. */
const RULE = /```json\n(\{\s+"source".*?)\n```/su.exec(PAGE)?.[1] ?? '';

describe('the bus of an account, as others made EventBridge', () => {
  it('takes every event, and the rule of the page picks the upgrades', async () => {
    const client = eventBridgeClient(process.env['RESEGMENT_JUDGE_AWS'] ?? '');
    const { EventBusArn } = await client.send(new CreateEventBusCommand({ Name: 'resegment-judge' }));
    await client.send(
      new CreateArchiveCommand({ ArchiveName: 'upgrades', EventSourceArn: EventBusArn, EventPattern: RULE }),
    );
    const events = Array.from({ length: 25 }, (_, number) =>
      moveEvent(
        { runId: 'r', seq: 1, period: '2026-05', asOf: '2026-05-31' },
        { subject: `s${number}`, customerId: `C-${number}`, branch: 'North' },
        { dimension: 'class', from: 'hold', to: 'core', kind: number % 5 === 0 ? 'up' : 'sideways' },
        'run',
        '2026-06-01T02:00:00.000Z',
      ),
    );

    expect(await eventBridgeBus({ client, busName: 'resegment-judge' }).send(events)).toEqual(new Set());

    const archive = await client.send(new DescribeArchiveCommand({ ArchiveName: 'upgrades' }));
    expect(archive.EventCount).toBe(5);
  });
});
