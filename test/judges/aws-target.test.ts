import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTables } from '#local/database.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';

const ENDPOINT = process.env['RESEGMENT_JUDGE_AWS'] ?? '';
const REGION = 'us-east-1';
const ACCOUNT = '123456789012';
const TOOL = join(import.meta.dirname, '..', '..', 'cli', 'resegment.mjs');
const folder = mkdtempSync(join(tmpdir(), 'resegment-aws-'));
const environment = {
  ...process.env,
  AWS_ENDPOINT_URL: ENDPOINT,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: 'judge',
  AWS_SECRET_ACCESS_KEY: 'judge',
  RESEGMENT_TARGET: 'aws',
  RESEGMENT_STAGE: 'dev',
};
const client = { endpoint: ENDPOINT, region: REGION, credentials: { accessKeyId: 'judge', secretAccessKey: 'judge' } };

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The operator's tool as a process of its own. */
const resegment = (...arguments_: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(process.execPath, [TOOL, ...arguments_], { env: environment }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
    });
  });
const json = async (...arguments_: string[]) => {
  const ran = await resegment('--json', ...arguments_);
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return JSON.parse(ran.stdout);
};

beforeAll(async () => {
  await fetch(`${ENDPOINT}/moto-api/reset`, { method: 'POST' });
  await createTables(
    ENDPOINT,
    TABLE_DEFINITIONS.map((table) => tableProperties(table, `resegment-dev-${table.name}`)),
  );
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: `resegment-dev-workspace-${ACCOUNT}-${REGION}` }));
  const kms = new KMSClient(client);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await kms.send(
    new CreateAliasCommand({ AliasName: 'alias/resegment-dev-key-ring', TargetKeyId: KeyMetadata?.KeyId ?? '' }),
  );
  const states = new SFNClient(client);
  for (const name of ['resegmentation', 'survey-wave']) {
    await states.send(
      new CreateStateMachineCommand({
        name: `resegment-dev-${name}`,
        roleArn: `arn:aws:iam::${ACCOUNT}:role/states`,
        definition: JSON.stringify({ StartAt: 'Done', States: { Done: { Type: 'Succeed' } } }),
      }),
    );
  }
  writeFileSync(
    join(folder, 'orders.csv'),
    'customer,date,amount,email\nC-1,2026-09-01,120.50,\nC-2,2026-10-03,80,\nC-1,2026-10-20,-20,\nC-3,never,1,\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tool in an account, over the APIs of AWS as others made them', () => {
  it('names account, region and stage first, and the caller as AWS knows it', async () => {
    const ran = await resegment('key', 'create');

    expect(ran.stderr.split('\n')[0]).toBe(`target aws, account ${ACCOUNT}, region ${REGION}, stage dev`);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    const { history } = await json('key', 'list');
    expect(history).toMatchObject([{ event: 'created', kid: 'k1', by: expect.stringMatching(/^arn:aws:sts::/) }]);
  });

  it('adds and retires keys of links, but never the one that signs', async () => {
    expect(await json('key', 'add', 'k2')).toEqual({ kid: 'k2', outcome: 'added' });
    expect((await resegment('key', 'retire', 'k1')).code).toBe(1);
    expect(await json('key', 'retire', 'k2')).toEqual({ kid: 'k2', outcome: 'retired' });
    expect(await json('key', 'list')).toMatchObject({ signs: 'k1', links: ['k1'] });
  });

  it('refuses a name that the caller chose', async () => {
    const ran = await resegment('--as', 'Li Wei', 'status');

    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--as "Li Wei" is for the local stack only');
  });

  it('imports purchases once, with the rejected rows in a file', async () => {
    const file = join(folder, 'orders.csv');
    const map = '--map=customer=customer,date=date,amount=amount';
    const rejects = join(folder, 'rejects.csv');

    const first = await resegment('--json', 'import', 'purchases', file, map, '--source', 'shop', '--rejects', rejects);
    const again = await resegment('--json', 'import', 'purchases', file, map, '--source', 'shop', '--rejects', rejects);

    expect(JSON.parse(first.stdout), first.stderr).toMatchObject({ rows: 4, accepted: 3, rejected: 1, customers: 2 });
    expect(JSON.parse(again.stdout)).toMatchObject({ alreadyImported: true });
    const history = await json('contact', 'show', 'C-1');
    expect(JSON.stringify(history)).toContain('2026-10-20');
  });

  it('imports addresses under the key of the ring, hands out what is held about a person, and erases it', async () => {
    const file = join(folder, 'customers.csv');
    writeFileSync(file, 'id,email,name\nC-1,wang.fang@customer.test,Wang Fang\nC-2,li.wei@customer.test,Li Wei\n');
    const import_ = ['import', 'customers', file, '--as-of', '2026-10-31', '--map', 'id=id,email=email,name=name'];

    expect(await json(...import_)).toMatchObject({ rows: 2, accepted: 2, rejected: 0 });
    expect(await json(...import_)).toMatchObject({ alreadyImported: true });
    expect(await json('contact', 'show', 'C-1')).toMatchObject({
      addresses: [{ address: 'wang.fang@customer.test', name: 'Wang Fang' }],
    });
    expect(await json('contact', 'erase', 'C-1', '--reason', 'request of 12 May', '--yes')).toMatchObject({
      outcome: 'erased',
    });
    expect(await json('contact', 'erase', '--restored', '--yes')).toEqual({ looked: 1, erased: 0, unreadable: 0 });
    expect(JSON.parse((await resegment('--json', 'contact', 'show', 'C-1')).stdout)).toMatchObject({
      error: { code: 'customer-erased' },
    });
  });

  it('shows a stage without a run, and lists that are empty', async () => {
    await json('status');
    for (const list of [
      ['run', 'list'],
      ['wave', 'list'],
      ['flag', 'list'],
      ['case', 'list'],
    ])
      await json(...list);
  });

  it('starts one execution for a plan, with the request as input, and follows it until the operator goes away', async () => {
    const tool = spawn(process.execPath, [TOOL, 'plan', '--policy', 'retail-rfm'], { env: environment });
    let said = '';
    tool.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const states = new SFNClient(client);
    const stateMachineArn = `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:resegment-dev-resegmentation`;
    await vi.waitFor(
      async () => {
        const { executions } = await states.send(new ListExecutionsCommand({ stateMachineArn }));
        expect(executions, said).toHaveLength(1);
      },
      { timeout: 40_000, interval: 500 },
    );
    const { executions } = await states.send(new ListExecutionsCommand({ stateMachineArn }));
    const { input } = await states.send(
      new DescribeExecutionCommand({ executionArn: executions?.[0]?.executionArn ?? '' }),
    );
    const ended = new Promise((resolve) => tool.on('exit', resolve));
    tool.kill('SIGINT');

    expect(JSON.parse(input ?? '')).toMatchObject({
      schema: 1,
      trigger: 'operator',
      by: expect.stringMatching(/^arn:/),
    });
    expect(await ended).toBe(130);
  });
});
