import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionName } from '#shared/contracts/environment.ts';
import { FUNCTION_SIZES } from '../function-sizes.ts';

export interface NodeFunctionProps {
  /** File in functions/ without its ending. */
  readonly name: FunctionName;
  /** Physical name. */
  readonly functionName: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logRetention: RetentionDays;
  /** False where the function is synthesized for the local stack, which runs the sources themselves. */
  readonly bundled: boolean;
  readonly tracing: boolean;
}

const PROJECT_ROOT = join(import.meta.dirname, '..', '..');
const LAMBDA_CREDENTIALS = join(PROJECT_ROOT, 'functions', 'runtime', 'lambda-credentials.ts');
/** Some libraries still call `require`, which an ESM bundle does not have by itself. */
const CREATE_REQUIRE =
  "import{createRequire as createBundleRequire}from'node:module';const require=createBundleRequire(import.meta.url);";

/** One Lambda of functions/: its code, its log and a role that may do nothing but write that log until it is granted more. */
export class NodeFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    super(scope, id);
    const size = FUNCTION_SIZES[props.name];
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${props.functionName}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    const common = {
      functionName: props.functionName,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: size.memoryMb,
      timeout: Duration.seconds(size.timeoutSeconds),
      environment: { ...props.environment },
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      role: this.role,
      tracing: props.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
    };
    this.function = props.bundled
      ? new NodejsFunction(this, 'Function', {
          ...common,
          entry: join(PROJECT_ROOT, 'functions', `${props.name}.ts`),
          projectRoot: PROJECT_ROOT,
          depsLockFilePath: join(PROJECT_ROOT, 'package-lock.json'),
          awsSdkConnectionReuse: false,
          bundling: {
            format: OutputFormat.ESM,
            target: 'node24',
            minify: true,
            mainFields: ['module', 'main'],
            banner: CREATE_REQUIRE,
            esbuildArgs: { '--alias:@aws-sdk/credential-provider-node': LAMBDA_CREDENTIALS },
            bundleAwsSDK: true,
            forceDockerBundling: false,
          },
        })
      : new LambdaFunction(this, 'Function', {
          ...common,
          handler: 'index.handler',
          code: Code.fromInline(
            'export const handler = () => { throw new Error("synthesized for the local stack"); };',
          ),
        });
  }
}
