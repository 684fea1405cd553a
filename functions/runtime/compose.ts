import { dynamoUsage } from '#shared/adapters/dynamo-usage.ts';
import { eventBridgeBus, eventBridgeClient } from '#shared/adapters/eventbridge-bus.ts';
import { s3Files } from '#shared/adapters/s3-files.ts';
import { s3Client, s3Objects } from '#shared/adapters/s3-objects.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import {
  BASE_VARIABLES,
  EVENT_VARIABLES,
  IMPORT_VARIABLES,
  MAIL_EVENT_VARIABLES,
  RUN_VARIABLES,
  SEND_VARIABLES,
  STAFF_MAIL_VARIABLES,
  SURVEY_VARIABLES,
} from '#shared/contracts/environment.ts';
import { type BaseEnvironment, keyRing, tableParts } from './compose-pages.ts';
import { readEnvironment } from './environment.ts';
import type { Metered } from './metered-step.ts';
import {
  type BaseParts,
  emitEventsPortsFrom,
  escalateCasesPortsFrom,
  importJobPortsFrom,
  mailActionListsPortsFrom,
  mailEventPortsFrom,
  planWavePortsFrom,
  reportPortsFrom,
  runPortsFrom,
  sendPortsFrom,
  startWavePortsFrom,
  wavePortsFrom,
} from './ports.ts';

/** What a function in an account is built from. Each builder reads the variables of its functions and no others. */

const base = (env: BaseEnvironment): BaseParts => ({
  ...tableParts(env),
  objects: s3Objects({ client: s3Client(), bucket: env.WORKSPACE_BUCKET }),
});

/** Lambda ends a start-up that takes longer. */
const LONGEST_START_MS = 10_000;
let startIsTaken = false;

/** Start-up is billed since August 2025. It is known where the call began it: then it is the age of the process. */
const takeStartMs = (): number => {
  const isBilled = !startIsTaken && process.env['AWS_LAMBDA_INITIALIZATION_TYPE'] === 'on-demand';
  startIsTaken = true;
  return isBilled ? Math.min(LONGEST_START_MS, performance.now()) : 0;
};

/** The ports of a step, and where it keeps what it used. Memory is what Lambda says of the function. */
const withMeter = <Ports>({ dynamo, tables }: BaseParts, ports: Ports): Ports & Metered => ({
  ...ports,
  meter: {
    ledger: dynamoUsage({ client: dynamo, table: tables.runs }),
    memoryMbOf: () => Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 0),
    takeStartMs,
  },
});

const brakeParts = (
  env: Pick<
    ReturnType<typeof readEnvironment<(typeof SEND_VARIABLES)[number] | 'STAGE'>>,
    'SURVEY_IDENTITY' | 'CONFIGURATION_SET' | 'OPERATOR_ADDRESS' | 'MAIL_BRAKES' | 'STAGE'
  >,
) => ({
  mail: sesMailSender({ client: newSesClient(), configurationSet: env.CONFIGURATION_SET }),
  identity: env.SURVEY_IDENTITY,
  operatorAddress: env.OPERATOR_ADDRESS,
  commandOptions: `--target aws --stage ${env.STAGE}`,
  mailBrakes: env.MAIL_BRAKES,
});

export const runPorts = () => {
  const env = readEnvironment([...BASE_VARIABLES, ...RUN_VARIABLES]);
  const parts = base(env);
  const ports = runPortsFrom({
    ...parts,
    mail: sesMailSender({ client: newSesClient(), configurationSet: env.CONFIGURATION_SET }),
    identity: env.SURVEY_IDENTITY,
    operatorAddress: env.OPERATOR_ADDRESS,
    commandOptions: `--target aws --stage ${env.STAGE}`,
    settings: {
      businessTimeZone: env.BUSINESS_TIME_ZONE,
      shards: env.SHARDS,
      planExpiresHours: env.PLAN_EXPIRES_HOURS,
    },
  });
  return withMeter(parts, ports);
};

export const writeReportPorts = () => {
  const parts = base(readEnvironment(BASE_VARIABLES));
  return withMeter(parts, reportPortsFrom(parts));
};

export const startWavePorts = () => {
  const env = readEnvironment([...BASE_VARIABLES, ...RUN_VARIABLES]);
  const parts = base(env);
  const workflows = sfnWorkflows({ machineArns: { 'survey-wave': env.SURVEY_MACHINE_ARN } });
  return withMeter(parts, startWavePortsFrom({ ...parts, workflows }));
};

export const planWavePorts = async () => {
  const env = readEnvironment([...BASE_VARIABLES, ...SURVEY_VARIABLES]);
  const parts = base(env);
  const ports = planWavePortsFrom({
    identity: env.SURVEY_IDENTITY,
    ...parts,
    addressKey: await keyRing(parts, env).addressKey(),
    mail: sesMailSender({ client: newSesClient(), configurationSet: env.CONFIGURATION_SET }),
    mailRatePerSecond: env.MAIL_RATE_PER_SECOND,
  });
  return withMeter(parts, ports);
};

export const sendPorts = async () => {
  const env = readEnvironment([...BASE_VARIABLES, ...SEND_VARIABLES]);
  const parts = base(env);
  const secrets = keyRing(parts, env);
  const ports = sendPortsFrom({
    ...parts,
    addressKey: await secrets.addressKey(),
    linkKeys: await secrets.linkKeys(),
    ...brakeParts(env),
    publicBaseUrl: env.PUBLIC_BASE_URL,
    mailRatePerSecond: env.MAIL_RATE_PER_SECOND,
  });
  return withMeter(parts, ports);
};

export const wavePorts = () => {
  const parts = base(readEnvironment(BASE_VARIABLES));
  return withMeter(parts, wavePortsFrom(parts));
};

export const mailEventPorts = async () => {
  const env = readEnvironment([...BASE_VARIABLES, ...MAIL_EVENT_VARIABLES]);
  const parts = base(env);
  const secrets = keyRing(parts, env);
  return mailEventPortsFrom({
    ...parts,
    addressKey: await secrets.addressKey(),
    ...brakeParts(env),
    mailEventsTopicArn: env.MAIL_EVENTS_TOPIC_ARN,
  });
};

const staffMailParts = () => {
  const env = readEnvironment([...BASE_VARIABLES, ...STAFF_MAIL_VARIABLES]);
  return {
    ...base(env),
    mail: sesMailSender({ client: newSesClient(), configurationSet: env.CONFIGURATION_SET }),
    identity: env.SURVEY_IDENTITY,
    operatorAddress: env.OPERATOR_ADDRESS,
    commandOptions: `--target aws --stage ${env.STAGE}`,
    mailRatePerSecond: env.MAIL_RATE_PER_SECOND,
  };
};

export const emitEventsPorts = () => {
  const env = readEnvironment([...BASE_VARIABLES, ...EVENT_VARIABLES]);
  return emitEventsPortsFrom({
    ...base(env),
    bus: eventBridgeBus({ client: eventBridgeClient(), busName: env.EVENT_BUS }),
  });
};

/** The steps of an import. */
export const importJobPorts = () => {
  const env = readEnvironment([...BASE_VARIABLES, ...IMPORT_VARIABLES]);
  const parts = base(env);
  return importJobPortsFrom({
    ...parts,
    files: s3Files({ client: s3Client(), bucket: env.WORKSPACE_BUCKET }),
    currency: env.CURRENCY,
    loadAddressKey: () => keyRing(parts, env).addressKey(),
  });
};

export const escalateCasesPorts = () => escalateCasesPortsFrom(staffMailParts());

export const mailActionListsPorts = () => {
  const parts = staffMailParts();
  return withMeter(parts, mailActionListsPortsFrom(parts));
};
