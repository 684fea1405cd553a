import { CreateConfigurationSetCommand, VerifyDomainIdentityCommand } from '@aws-sdk/client-ses';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import { beforeAll, describe, expect, it } from 'vitest';
import { callerOf } from '#shared/adapters/describe-stage.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';

const client = {
  endpoint: process.env['RESEGMENT_JUDGE_AWS'] ?? '',
  region: 'us-east-1',
  credentials: { accessKeyId: 'judge', secretAccessKey: 'judge' },
};

describe('SES as others made it', () => {
  const ses = newSesClient({ ...client, requestTimeoutMs: 5_000 });
  const sender = sesMailSender({ client: ses, configurationSet: 'resegment-judge' });
  const mail = (from: string) => ({
    raw: new TextEncoder().encode(`From: ${from}\r\nTo: a@customer.test\r\nSubject: Hello\r\n\r\nHello\r\n`),
    from,
    to: 'a@customer.test',
    tags: { run: 'w-2026-05', inv: 'AAAAAAAAAAAAAAAAAAAAAA' },
  });
  beforeAll(async () => {
    await ses.send(new VerifyDomainIdentityCommand({ Domain: 'bank.test' }));
    await ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: 'resegment-judge' } }));
  });

  it('takes the mail and gives its id', async () => {
    expect(await sender.send(mail('survey@bank.test'))).toMatchObject({
      kind: 'accepted',
      messageId: expect.any(String),
    });
  });

  it('proves that a mail of a sender who is not verified does not exist', async () => {
    expect(await sender.send(mail('survey@stranger.test'))).toMatchObject({ kind: 'notAccepted', retryable: false });
  });

  it('says its quota', async () => {
    const quota = await sender.quota();

    expect(quota.max24h).toBeGreaterThan(0);
    expect(quota.maxPerSecond).toBeGreaterThan(0);
    expect(quota.sentLast24h).toBeGreaterThanOrEqual(1);
  });
});

describe('Step Functions as others made it', () => {
  it('starts one execution per name, says the same of the second start, and describes it', async () => {
    const states = new SFNClient(client);
    const { stateMachineArn = '' } = await states.send(
      new CreateStateMachineCommand({
        name: `judged-${process.pid}`,
        roleArn: 'arn:aws:iam::123456789012:role/states',
        definition: JSON.stringify({ StartAt: 'Done', States: { Done: { Type: 'Succeed' } } }),
      }),
    );
    const workflows = sfnWorkflows({
      endpoint: client.endpoint,
      region: 'us-east-1',
      machineArns: { resegmentation: stateMachineArn, 'survey-wave': stateMachineArn },
    });

    const first = await workflows.start('survey-wave', 'w-2026-05', { schema: 1, waveId: 'w-2026-05' });
    const second = await workflows.start('survey-wave', 'w-2026-05', { schema: 1, waveId: 'w-2026-05' });

    expect(second.executionArn).toBe(first.executionArn);
    expect((await workflows.describe(first.executionArn)).status).toMatch(/^(RUNNING|SUCCEEDED)$/);
  });
});

describe('STS as others made it', () => {
  it('says who calls', async () => {
    expect(await callerOf('us-east-1', new STSClient(client))).toMatch(/^arn:aws:sts::123456789012:/);
  });
});
