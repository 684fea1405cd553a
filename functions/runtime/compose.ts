import { eventBridgeBus, eventBridgeClient } from '#shared/adapters/eventbridge-bus.ts';
import { s3Client, s3Objects } from '#shared/adapters/s3-objects.ts';
import { newSesClient, sesMailSender } from '#shared/adapters/ses-mail-sender.ts';
import { sfnWorkflows } from '#shared/adapters/sfn-workflows.ts';
import {
  BASE_VARIABLES,
  EVENT_VARIABLES,
  MAIL_EVENT_VARIABLES,
  RUN_VARIABLES,
  SEND_VARIABLES,
  STAFF_MAIL_VARIABLES,
  SURVEY_VARIABLES,
} from '#shared/contracts/environment.ts';
import { type BaseEnvironment, keyRing, tableParts } from './compose-pages.ts';
import { readEnvironment } from './environment.ts';
import {
  type BaseParts,
  emitEventsPortsFrom,
  escalateCasesPortsFrom,
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
  return runPortsFrom({
    ...base(env),
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
};

export const writeReportPorts = () => reportPortsFrom(base(readEnvironment(BASE_VARIABLES)));

export const startWavePorts = () => {
  const env = readEnvironment([...BASE_VARIABLES, ...RUN_VARIABLES]);
  return startWavePortsFrom({
    ...base(env),
    workflows: sfnWorkflows({ machineArns: { 'survey-wave': env.SURVEY_MACHINE_ARN } }),
  });
};

export const planWavePorts = async () => {
  const env = readEnvironment([...BASE_VARIABLES, ...SURVEY_VARIABLES]);
  const parts = base(env);
  return planWavePortsFrom({
    ...parts,
    addressKey: await keyRing(parts, env).addressKey(),
    mail: sesMailSender({ client: newSesClient(), configurationSet: env.CONFIGURATION_SET }),
    mailRatePerSecond: env.MAIL_RATE_PER_SECOND,
  });
};

export const sendPorts = async () => {
  const env = readEnvironment([...BASE_VARIABLES, ...SEND_VARIABLES]);
  const parts = base(env);
  const secrets = keyRing(parts, env);
  return sendPortsFrom({
    ...parts,
    addressKey: await secrets.addressKey(),
    linkKeys: await secrets.linkKeys(),
    ...brakeParts(env),
    publicBaseUrl: env.PUBLIC_BASE_URL,
    mailRatePerSecond: env.MAIL_RATE_PER_SECOND,
  });
};

export const wavePorts = () => wavePortsFrom(base(readEnvironment(BASE_VARIABLES)));

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

export const escalateCasesPorts = () => escalateCasesPortsFrom(staffMailParts());

export const mailActionListsPorts = () => mailActionListsPortsFrom(staffMailParts());
