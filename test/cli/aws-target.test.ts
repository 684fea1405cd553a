import { afterEach, describe, expect, it, vi } from 'vitest';
import { openTarget } from '#cli/open-target.ts';
import { STAGES } from '#infra/stage-config.ts';
import { createTables, startDatabase } from '#local/database.ts';
import { TABLE_DEFINITIONS, tableProperties } from '#shared/contracts/tables.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

/** What somebody has who signed in nowhere. */
const signInNowhere = (): void => {
  const nowhere = `${temporaryFolder('home')}/nothing`;
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined);
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', nowhere);
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', nowhere);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
};
const openDev = () => openTarget({ target: 'aws', stage: 'dev', data: '' });

afterEach(() => vi.unstubAllEnvs());

describe('the tool on a stage of an account', () => {
  it('looks in the region of the stage where the caller has set none, and says how to sign in', async () => {
    signInNowhere();

    await expect(openDev()).rejects.toMatchObject({
      code: 'stage-not-reached',
      message: expect.stringContaining(`cannot be described in ${STAGES.dev.region}: Could not load credentials`),
      hint: expect.stringContaining('sign in as for the AWS CLI'),
    });
  });

  it('looks in the region of the stage where the caller has set another', async () => {
    signInNowhere();
    vi.stubEnv('AWS_REGION', 'eu-west-1');

    await expect(openDev()).rejects.toMatchObject({ message: expect.stringContaining(`in ${STAGES.dev.region}:`) });
  });

  it('says of an account without the stage that it may be another account, and how a stage is made', async () => {
    const database = await startDatabase();
    try {
      await createTables(
        database.endpoint,
        TABLE_DEFINITIONS.map((table) => tableProperties(table, `resegment-prod-${table.name}`)),
      );
      vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', database.endpoint);

      await expect(openDev()).rejects.toMatchObject({
        code: 'stage-not-reached',
        hint: expect.stringMatching(/no such stage in .*get-caller-identity.*npm run deploy/),
      });
    } finally {
      await database.stop();
    }
  });
});
