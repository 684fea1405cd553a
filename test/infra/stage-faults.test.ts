import { describe, expect, it } from 'vitest';
import { STAGES, type StageConfig } from '#infra/stage-config.ts';
import { faultsOf, MOST_IDENTITY_BYTES } from '#infra/stage-faults.ts';
import { templatesOf } from './templates.ts';

const LONGEST_REFERENCE = 130;
const prod = (changes: Partial<StageConfig>): StageConfig => ({ ...STAGES.prod, ...changes });
const { pages, identity, monthlyRun } = STAGES.prod;
const certificateIn = (region: string): string => `arn:aws:acm:${region}:210987654321:certificate/0`;
const own = (changes: Partial<StageConfig['pages']>): Partial<StageConfig> => ({ pages: { ...pages, ...changes } });

describe('the settings of a stage', () => {
  it.each(Object.entries(STAGES))('are without fault for %s as it is delivered', (_, config) => {
    expect(faultsOf(config)).toEqual([]);
  });

  it.each<[Partial<StageConfig>, string]>([
    [
      { region: 'Frankfurt', pages: { kind: 'provider' } },
      'region: "Frankfurt" is not one in which CloudFormation knows',
    ],
    [{ businessTimeZone: 'Asia/Peking' }, 'businessTimeZone: must be an IANA name'],
    [{ currency: 'RMB' }, 'currency: must be an ISO 4217 code such as EUR, got "RMB"'],
    [{ shards: 2_049 }, 'shards: must be a whole number from 1 to 2048, got 2049'],
    [{ buckets: 16, shards: 17 }, 'shards: must be a whole number from 1 to 16, got 17'],
    [{ mapConcurrency: 0 }, 'mapConcurrency: must be a whole number from 1'],
    [{ importConcurrency: 1.5 }, 'importConcurrency: must be a whole number'],
    [{ sendConcurrency: 0 }, 'sendConcurrency: must be a whole number'],
    [{ planExpiresHours: 0 }, 'planExpiresHours: must be above 0, got 0'],
    [{ monthlyRun: { ...monthlyRun, dayOfMonth: 31 } }, 'monthlyRun.dayOfMonth: must be a whole number from 1 to 28'],
    [{ monthlyRun: { ...monthlyRun, hour: 24 } }, 'monthlyRun.hour: must be a whole number from 0 to 23, got 24'],
    [{ mailRatePerSecond: 0 }, 'mailRatePerSecond: must be above 0'],
    [{ mailEventConcurrency: 1 }, 'mailEventConcurrency: must be a whole number from 2 to 1000, got 1'],
    [{ identity: { ...identity, senderAddress: 'nordbank.eu' } }, 'identity.senderAddress: must be a mail address'],
    [{ identity: { ...identity, replyToAddress: '' } }, 'identity.replyToAddress: must be a mail address, got ""'],
    [{ operatorAddress: 'ops' }, 'operatorAddress: must be a mail address, got "ops"'],
    [own({ certificateArn: certificateIn('us-east-1') }), 'pages.certificateArn: must be of the stage’s region'],
    [
      own({ certificateArn: 'none yet' }),
      'pages.certificateArn: must be the ARN of a certificate of ACM, got none yet',
    ],
    [
      own({ hostedZone: { hostedZoneId: 'Z1', zoneName: 'ample.com' } }),
      'survey.example.com is not in the zone ample.com',
    ],
    [{ monthlyBudgetUsd: 0 }, "monthlyBudgetUsd: must be above 0 or 'none', got 0"],
    [
      { region: 'eu-south-1', pages: { kind: 'provider' } },
      "monthlyBudgetUsd: CloudFormation makes no budgets in eu-south-1; set 'none' and make one in Billing",
    ],
  ])('that would stop a deployment half-way are named: %j', (changes, fault) => {
    expect(faultsOf(prod(changes))).toEqual([expect.stringContaining(fault)]);
  });

  it('have room for a notice of the law in both languages, and say when it is too long', () => {
    const withNotice = (letters: number) =>
      prod({ identity: { ...identity, legalNotice: { en: 'x'.repeat(letters), 'zh-CN': '法'.repeat(letters / 3) } } });
    const rest = Buffer.byteLength(JSON.stringify(withNotice(0).identity));
    const fits = Math.floor((MOST_IDENTITY_BYTES - rest) / 6) * 3;

    expect(fits).toBeGreaterThan(500);
    expect(faultsOf(withNotice(fits))).toEqual([]);
    expect(faultsOf(withNotice(fits + 3))).toEqual([expect.stringContaining('shorten legalNotice')]);
  });

  it.each(['dev', 'prod'] as const)(
    'fit with their longest texts into the 4 KB of variables of each function of %s',
    (stage) => {
      for (const [id, { Type, ...resource }] of Object.entries(templatesOf(stage).loop.Resources)) {
        if (Type !== 'AWS::Lambda::Function') continue;
        const variables: Record<string, unknown> = resource['Properties'].Environment.Variables;
        const { SURVEY_IDENTITY = '', ...others } = variables;
        // What only CloudFormation knows is an ARN, a name or an address.
        const sizes = Object.entries(others).map(
          ([name, value]) => name.length + (typeof value === 'string' ? Buffer.byteLength(value) : LONGEST_REFERENCE),
        );
        const identityBytes = SURVEY_IDENTITY === '' ? 0 : 'SURVEY_IDENTITY'.length + MOST_IDENTITY_BYTES;

        expect(
          sizes.reduce((sum, size) => sum + size, identityBytes),
          id,
        ).toBeLessThan(4_096);
      }
    },
  );

  it('may name the zone of the pages with or without its last dot, or the name itself', () => {
    for (const zoneName of ['example.com', 'example.com.', 'survey.example.com'])
      expect(faultsOf(prod(own({ hostedZone: { hostedZoneId: 'Z1', zoneName } })))).toEqual([]);
  });

  it('say of China regions, which have no SES, that a stage cannot be there', () => {
    const stage = prod({ region: 'cn-north-1', ...own({ certificateArn: certificateIn('cn-north-1') }) });

    expect(faultsOf(stage)).toEqual([expect.stringMatching(/"cn-north-1" is not one .* Amazon SES/)]);
  });

  it('may be of a region without budgets, and leave the budget out', () => {
    expect(faultsOf({ ...STAGES.dev, region: 'us-gov-west-1', monthlyBudgetUsd: 'none' })).toEqual([]);
  });
});
