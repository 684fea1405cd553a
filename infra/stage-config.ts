import { DEFAULT_MAIL_BRAKES, type MailBrakeLimits, type SurveyIdentity } from '#shared/contracts/survey.ts';

/** Where the loop can be deployed; `local` is synthesized for the local stack and never deployed. */
export type Stage = 'dev' | 'prod' | 'local';

/** What differs from stage to stage. Business decisions are in the policy, not here. */
export interface StageConfig {
  /** Region of both stacks. Never changed once there is data. */
  readonly region: string;
  /** IANA name; business dates and the schedule are in it. */
  readonly businessTimeZone: string;
  /** ISO 4217 code of all money of the stage. */
  readonly currency: string;
  /** Key partitions of `customers` and `standings`. Never changed once there is data. */
  readonly buckets: number;
  /** Shards of a run that names no number; 1..2048 and at most `buckets`. */
  readonly shards: number;
  /** Children of a Distributed Map at once. Bounded by the write rate of a fresh table: 4,000 units per second. */
  readonly mapConcurrency: number;
  /** Ranges of a file that are imported at once; each writes with 16 calls at a time. */
  readonly importConcurrency: number;
  /** Batches of mail sent at once; the mail rate itself is one reservation for the whole account. */
  readonly sendConcurrency: number;
  /** A plan that nobody applied within so many hours is refused. */
  readonly planExpiresHours: number;
  /** Day of the month and hour in `businessTimeZone` at which the monthly run begins. */
  readonly monthlyRun: {
    readonly dayOfMonth: number;
    readonly hour: number;
    /** False until the first plan was looked at: a monthly run applies its plan and asks customers. */
    readonly enabled: boolean;
  };
  readonly logRetentionDays: 30 | 90 | 365;
  /** How long files of a run are kept. */
  readonly workspaceRetentionDays: number;
  /** Requests per second and burst that the pages take before they answer 429. */
  readonly pageThrottle: { readonly ratePerSecond: number; readonly burst: number };
  /** Mails per second; 0.8 × the account's quota. */
  readonly mailRatePerSecond: number;
  /** Calls of the function that reads mail events, at once; a call takes ten events. */
  readonly mailEventConcurrency: number;
  /** `existing` where the sender's domain is an identity of SES in this account and region already. */
  readonly senderIdentity: 'made' | 'existing';
  /** Addresses and domains that are identities of the account to receive mails, as long as it is in the sandbox of SES. */
  readonly sandboxRecipients: readonly string[];
  /** Shares of bounces and complaints from which on a wave stops sending; keep them below those of Amazon SES. */
  readonly mailBrakes: MailBrakeLimits;
  /** The company as customers see it, in mails and on pages. */
  readonly identity: SurveyIdentity;
  /** Who is told of held and failed runs. */
  readonly operatorAddress: string;
  /** Where customers reach the pages. */
  readonly pages: PagesDomain;
  /** Key with which new links are signed. */
  readonly linkKeyId: string;
  /**
   * Tables under a key of the company's own instead of one that AWS owns: about $1 a month and $0.03 per 10,000 calls. Once true it
   * stays: the data cannot give up a key that the deployed loop uses.
   */
  readonly customerManagedKey: boolean;
  /** Traces of functions and state machines: $5 per million. */
  readonly tracing: boolean;
  /**
   * US dollars in a month that the stage is expected to cost; at 80 % and where more is forecast, the operators get a mail.
   * `none` where the region's CloudFormation knows no budgets (infra/regions.ts).
   */
  readonly monthlyBudgetUsd: number | 'none';
}

/** The company's own domain for the links in its mails, with a certificate of the stage's region. */
export interface OwnDomain {
  readonly kind: 'own';
  readonly domainName: string;
  readonly certificateArn: string;
  /** Zone of Route 53 in which the name is made; without one the company makes a CNAME itself. */
  readonly hostedZone?: { readonly hostedZoneId: string; readonly zoneName: string };
}

/** `provider` is the address that API Gateway gives: to try the loop, never for customers. */
export type PagesDomain = OwnDomain | { readonly kind: 'provider' };

/** What production must have. A mail whose links lead to a provider's address looks like fraud. */
export interface ProductionConfig extends StageConfig {
  readonly pages: OwnDomain;
}

/** To be replaced by the company's own before anything is deployed. */
const IDENTITY = {
  company: { en: 'Example Company', 'zh-CN': '示例公司' },
  postalAddress: { en: '1 Example Road, Shanghai 200000, China', 'zh-CN': '中国上海市示例路1号，邮编200000' },
  defaultLanguage: 'zh-CN',
  howToVerify: {
    en: 'Ask your account manager, or call the number on your account statement.',
    'zh-CN': '请向您的客户经理核实，或拨打对账单上的电话。',
  },
} as const;

const SHARED = {
  region: 'ap-southeast-1',
  businessTimeZone: 'Asia/Shanghai',
  currency: 'CNY',
  planExpiresHours: 72,
  mailBrakes: DEFAULT_MAIL_BRAKES,
  monthlyRun: { dayOfMonth: 1, hour: 2, enabled: true },
  senderIdentity: 'made',
  sandboxRecipients: [],
  linkKeyId: 'k1',
} as const;

/** Every stage in full. A company replaces the addresses by its own before it deploys. */
export const STAGES = {
  dev: {
    ...SHARED,
    buckets: 4_096,
    shards: 16,
    // Room for the pages in a new account, which runs ten functions at once.
    mapConcurrency: 4,
    importConcurrency: 2,
    sendConcurrency: 2,
    logRetentionDays: 30,
    workspaceRetentionDays: 90,
    pageThrottle: { ratePerSecond: 20, burst: 40 },
    mailRatePerSecond: 0.8,
    mailEventConcurrency: 2,
    identity: { ...IDENTITY, senderAddress: 'survey@dev.example.com', replyToAddress: 'service@dev.example.com' },
    operatorAddress: 'operations@dev.example.com',
    pages: { kind: 'provider' },
    customerManagedKey: false,
    tracing: true,
    monthlyBudgetUsd: 20,
  },
  prod: {
    ...SHARED,
    buckets: 4_096,
    shards: 256,
    mapConcurrency: 100,
    importConcurrency: 8,
    sendConcurrency: 8,
    logRetentionDays: 365,
    workspaceRetentionDays: 760,
    pageThrottle: { ratePerSecond: 200, burst: 400 },
    mailRatePerSecond: 11.2,
    mailEventConcurrency: 10,
    identity: { ...IDENTITY, senderAddress: 'survey@example.com', replyToAddress: 'service@example.com' },
    operatorAddress: 'operations@example.com',
    pages: {
      kind: 'own',
      domainName: 'survey.example.com',
      certificateArn: 'arn:aws:acm:ap-southeast-1:123456789012:certificate/00000000-0000-0000-0000-000000000000',
    },
    customerManagedKey: true,
    tracing: false,
    monthlyBudgetUsd: 300,
  },
  local: {
    ...SHARED,
    region: 'us-east-1',
    buckets: 256,
    shards: 8,
    mapConcurrency: 4,
    importConcurrency: 2,
    sendConcurrency: 8,
    logRetentionDays: 30,
    workspaceRetentionDays: 90,
    pageThrottle: { ratePerSecond: 200, burst: 400 },
    mailRatePerSecond: 200,
    mailEventConcurrency: 10,
    identity: { ...IDENTITY, senderAddress: 'survey@example.com', replyToAddress: 'service@example.com' },
    operatorAddress: 'operations@example.com',
    pages: { kind: 'provider' },
    customerManagedKey: false,
    tracing: false,
    monthlyBudgetUsd: 1,
  },
} as const satisfies { readonly dev: StageConfig; readonly prod: ProductionConfig; readonly local: StageConfig };

export const isStage = (text: string): text is Stage => Object.hasOwn(STAGES, text);
