import type { SurveyIdentity } from '#shared/contracts/survey.ts';
import { REGIONS, REGIONS_WITHOUT_BUDGETS } from './regions.ts';
import type { StageConfig } from './stage-config.ts';

/** Children of a Distributed Map that Step Functions allows; 0 would mean no bound at all. */
const MOST_CHILDREN = 10_000;
/** Lambda's bounds for what takes from a queue at once. */
const FROM_QUEUE = { least: 2, most: 1_000 };
const MOST_SHARDS = 2_048;
/** A day that every month has: a schedule leaves out the months that lack its day. */
const LAST_DAY_OF_ALL = 28;
/** Bytes of the company's texts as JSON: all variables of a function have 4 KB together, and the others need half of it. */
export const MOST_IDENTITY_BYTES = 1_800;
const ADDRESS = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
const CERTIFICATE = /^arn:[a-z-]+:acm:([a-z0-9-]+):\d{12}:certificate\/\S+$/;

/**
 * Values of a stage that compile and would stop its deployment half-way, or do something else than they say: `path: what is given
 * and what is allowed`, in the order of the settings. Empty if there is none.
 */
export const faultsOf = (config: StageConfig): readonly string[] => {
  const { pages, identity } = config;
  const whole = (path: string, value: number, least: number, most: number): string | undefined =>
    Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `${path}: must be a whole number from ${least} to ${most}, got ${value}`;
  const positive = (path: string, value: number): string | undefined =>
    Number.isFinite(value) && value > 0 ? undefined : `${path}: must be above 0, got ${value}`;
  const address = (path: string, value: string): string | undefined =>
    ADDRESS.test(value) ? undefined : `${path}: must be a mail address, got ${JSON.stringify(value)}`;
  return [
    regionFault(config.region),
    isTimeZone(config.businessTimeZone)
      ? undefined
      : `businessTimeZone: must be an IANA name such as Europe/Berlin, got ${JSON.stringify(config.businessTimeZone)}`,
    Intl.supportedValuesOf('currency').includes(config.currency)
      ? undefined
      : `currency: must be an ISO 4217 code such as EUR, got ${JSON.stringify(config.currency)}`,
    whole('shards', config.shards, 1, Math.min(MOST_SHARDS, config.buckets)),
    whole('mapConcurrency', config.mapConcurrency, 1, MOST_CHILDREN),
    whole('importConcurrency', config.importConcurrency, 1, MOST_CHILDREN),
    whole('sendConcurrency', config.sendConcurrency, 1, MOST_CHILDREN),
    positive('planExpiresHours', config.planExpiresHours),
    whole('monthlyRun.dayOfMonth', config.monthlyRun.dayOfMonth, 1, LAST_DAY_OF_ALL),
    whole('monthlyRun.hour', config.monthlyRun.hour, 0, 23),
    positive('mailRatePerSecond', config.mailRatePerSecond),
    whole('mailEventConcurrency', config.mailEventConcurrency, FROM_QUEUE.least, FROM_QUEUE.most),
    address('identity.senderAddress', identity.senderAddress),
    address('identity.replyToAddress', identity.replyToAddress),
    textsFault(identity),
    address('operatorAddress', config.operatorAddress),
    ...(pages.kind === 'own' ? [certificateFault(pages.certificateArn, config.region), zoneFault(pages)] : []),
    budgetFault(config),
  ].filter((fault) => fault !== undefined);
};

const textsFault = (identity: SurveyIdentity): string | undefined => {
  const bytes = Buffer.byteLength(JSON.stringify(identity));
  return bytes <= MOST_IDENTITY_BYTES
    ? undefined
    : `identity: its texts are ${bytes} bytes, of ${MOST_IDENTITY_BYTES} that fit; shorten legalNotice, such as by a link`;
};

const regionFault = (region: string): string | undefined =>
  [...REGIONS, ...REGIONS_WITHOUT_BUDGETS].includes(region)
    ? undefined
    : `region: ${JSON.stringify(region)} is not one in which CloudFormation knows all that a stage needs, Amazon SES above all; infra/regions.ts has those`;

const budgetFault = ({ monthlyBudgetUsd, region }: StageConfig): string | undefined => {
  if (monthlyBudgetUsd === 'none') return undefined;
  if (REGIONS_WITHOUT_BUDGETS.includes(region))
    return `monthlyBudgetUsd: CloudFormation makes no budgets in ${region}; set 'none' and make one in Billing`;
  return Number.isFinite(monthlyBudgetUsd) && monthlyBudgetUsd > 0
    ? undefined
    : `monthlyBudgetUsd: must be above 0 or 'none', got ${monthlyBudgetUsd}`;
};

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

const certificateFault = (arn: string, region: string): string | undefined => {
  const found = CERTIFICATE.exec(arn)?.[1];
  if (found === undefined) return `pages.certificateArn: must be the ARN of a certificate of ACM, got ${arn}`;
  return found === region
    ? undefined
    : `pages.certificateArn: must be of the stage’s region ${region}, got one of ${found}`;
};

const zoneFault = ({
  domainName,
  hostedZone,
}: {
  readonly domainName: string;
  readonly hostedZone?: { readonly zoneName: string };
}): string | undefined => {
  const zone = hostedZone?.zoneName.replace(/\.$/, '');
  return zone === undefined || domainName === zone || domainName.endsWith(`.${zone}`)
    ? undefined
    : `pages.hostedZone.zoneName: ${domainName} is not in the zone ${zone}`;
};
