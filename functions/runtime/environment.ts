import * as z from 'zod/mini';
import type { VariableName } from '#shared/contracts/environment.ts';
import { MailBrakes, SurveyIdentity } from '#shared/contracts/survey.ts';
import { PermanentError } from '#shared/errors.ts';

const Text = z.string().check(z.minLength(1));
const WholeNumber = z.pipe(z.string().check(z.regex(/^\d{1,9}$/)), z.transform(Number));
const PositiveNumber = z.pipe(z.string().check(z.regex(/^(?!0+(\.0+)?$)\d{1,6}(\.\d{1,3})?$/)), z.transform(Number));

/** How each variable is read. Addresses of the local stack's services are the SDK's own `AWS_ENDPOINT_URL_*`. */
const VARIABLES = {
  STAGE: Text,
  /** IANA name such as `Asia/Shanghai`; business dates are dates in it. */
  BUSINESS_TIME_ZONE: z.string().check(z.refine(isTimeZone)),
  /** ISO 4217 code of all money of the stage. */
  CURRENCY: z.string().check(z.regex(/^[A-Z]{3}$/)),
  /** Number of key partitions of `customers` and `standings`; fixed for the life of a stage. */
  BUCKETS: WholeNumber,
  WORKSPACE_BUCKET: Text,
  TABLE_CUSTOMERS: Text,
  TABLE_STANDINGS: Text,
  TABLE_CONTACTS: Text,
  TABLE_INVITATIONS: Text,
  TABLE_ANSWERS: Text,
  TABLE_FLAGS: Text,
  TABLE_CASES: Text,
  TABLE_RUNS: Text,
  /** Shards of a run that names no number; 1..2048. */
  SHARDS: WholeNumber,
  PLAN_EXPIRES_HOURS: WholeNumber,
  /** Who is told of held runs and stopped waves. */
  OPERATOR_ADDRESS: Text,
  /** The company as customers see it, as JSON: `SurveyIdentity` of shared/contracts/survey.ts. */
  SURVEY_IDENTITY: z.pipe(z.pipe(z.string(), z.transform(parseJson)), SurveyIdentity),
  /** From which shares of bounces and complaints on a wave stops, as JSON: `MailBrakes` of shared/contracts/survey.ts. */
  MAIL_BRAKES: z.pipe(z.pipe(z.string(), z.transform(parseJson)), MailBrakes),
  SURVEY_MACHINE_ARN: Text,
  /** Where customers reach the survey pages; without a slash at the end. */
  PUBLIC_BASE_URL: z.string().check(z.regex(/^https?:\/\/[^\s]*[^\s/]$/)),
  CONFIGURATION_SET: Text,
  /** Key id with which new links are signed. */
  LINK_KEY_ID: Text,
  /** Object of the workspace with the link keys by key id and the key of address hashes, encrypted under `KEY_RING_KMS_KEY_ARN`. */
  KEY_RING_KMS_KEY_ARN: Text,
  MAIL_RATE_PER_SECOND: PositiveNumber,
  MAIL_EVENTS_TOPIC_ARN: Text,
  /** Name of the EventBridge bus for other systems. */
  EVENT_BUS: Text,
} as const satisfies Record<VariableName, z.core.$ZodType>;

type Environment = { readonly [Name in VariableName]: z.infer<(typeof VARIABLES)[Name]> };

/**
 * Reads and checks the named variables.
 *
 * @throws PermanentError `environment-invalid`, which lists every missing and every malformed variable, not the first only
 */
export const readEnvironment = <Name extends VariableName>(
  names: readonly Name[],
  source: Readonly<Record<string, string | undefined>> = process.env,
): Pick<Environment, Name> => {
  const shape = Object.fromEntries(names.map((name) => [name, VARIABLES[name]]));
  const parsed = z.safeParse(z.object(shape), source);
  if (!parsed.success) {
    const wrong = [...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))].sort();
    const missing = wrong.filter((name) => source[name] === undefined);
    const malformed = wrong.filter((name) => source[name] !== undefined);
    const problems = [
      ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]),
      ...(malformed.length === 0 ? [] : [`malformed: ${malformed.join(', ')}`]),
    ];
    throw new PermanentError(
      'environment-invalid',
      `environment variables are not as they must be; ${problems.join('; ')}`,
      {
        details: { missing, malformed },
        hint: 'infra/function-environment.ts sets them',
      },
    );
  }
  return parsed.data as Pick<Environment, Name>;
};

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
