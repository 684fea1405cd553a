import { describe, expect, it } from 'vitest';
import { cdkCall, firstSteps, placeholdersOf } from '#infra/deployment.ts';
import { STAGES, type StageConfig } from '#infra/stage-config.ts';

const own = (text: string): string =>
  text
    .replaceAll('example.com', 'nordbank.eu')
    .replaceAll('123456789012', '210987654321')
    .replaceAll(/Example Company|示例公司/g, 'Nordbank')
    .replaceAll(/1 Example Road|示例路1号/g, 'Quay 1');

describe('deploying', () => {
  it('is refused while a setting is an example’s, and names each', () => {
    const found = placeholdersOf(STAGES.prod);

    expect(found.map((one) => one.split(':')[0])).toEqual([
      'identity.company.en',
      'identity.company.zh-CN',
      'identity.postalAddress.en',
      'identity.postalAddress.zh-CN',
      'identity.replyToAddress',
      'identity.senderAddress',
      'operatorAddress',
      'pages.certificateArn',
      'pages.domainName',
    ]);
    expect(() => cdkCall('deploy', ['--stage', 'prod'])).toThrow('identity.senderAddress: survey@example.com');
  });

  it('finds nothing to refuse in a company’s own settings', () => {
    const config: StageConfig = JSON.parse(own(JSON.stringify(STAGES.prod)));

    expect(placeholdersOf(config)).toEqual([]);
  });

  it.each([
    [[], 'none'],
    [['--stage', 'local'], 'local'],
    [['--stage', 'Prod'], 'Prod'],
  ])('wants a stage of an account, got %j', (given, shown) => {
    expect(() => cdkCall('deploy', given)).toThrow(`--stage must be one of dev, prod, got ${shown}`);
  });
});

describe('a call that the CDK ended', () => {
  it('says how to sign in, and how to bootstrap the region of the stage', () => {
    expect(firstSteps('dev')).toContain('aws sts get-caller-identity shows the account of stage dev');
    expect(firstSteps('dev')).toContain(`npx cdk bootstrap aws://ACCOUNT/${STAGES.dev.region}`);
  });
});

describe('destroying', () => {
  it('takes the loop and nothing that holds data, and asks unless told not to', () => {
    expect(cdkCall('destroy', ['--stage', 'prod']).arguments).toEqual([
      'destroy',
      'Resegment-prod-Loop',
      '--exclusively',
      '--app',
      'node infra/app.ts --stage prod',
    ]);
    expect(cdkCall('destroy', ['--stage', 'prod', '--yes']).arguments).toContain('--force');
  });
});
