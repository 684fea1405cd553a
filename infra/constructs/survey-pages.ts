import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import {
  ApiMapping,
  type CfnApi,
  type CfnStage,
  DomainName,
  HttpApi,
  HttpMethod,
  HttpStage,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import type { OwnDomain, PagesDomain } from '../stage-config.ts';

export interface SurveyPagesProps {
  /** Physical name of the API; its log is named after it. */
  readonly name: string;
  readonly answerSurvey: IFunction;
  readonly domain: PagesDomain;
  /** Requests per second and burst, for the pages and again for unsubscribing by itself. */
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number };
  readonly logRetention: RetentionDays;
}

/**
 * Pages and one-click unsubscription behind an HTTP API, under the company's own domain where it has one; the provider's
 * address is closed then. The access log has the route and never the path, which holds a token.
 */
export class SurveyPages extends Construct {
  /** Where links begin; without a slash at the end. */
  readonly baseUrl: string;
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, props: SurveyPagesProps) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      apiName: props.name,
      createDefaultStage: false,
      disableExecuteApiEndpoint: props.domain.kind === 'own',
    });
    const integration = new HttpLambdaIntegration('AnswerSurvey', props.answerSurvey);
    this.api.addRoutes({ path: '/{proxy+}', methods: [HttpMethod.ANY], integration });
    const unsubscribeRoutes = this.api.addRoutes({ path: '/u/{proxy+}', methods: [HttpMethod.ANY], integration });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      autoDeploy: true,
      throttle: { rateLimit: props.throttle.ratePerSecond, burstLimit: props.throttle.burst },
    });
    // The service allows itself to write there. Under this prefix it needs none of the ten resource policies of a region for it.
    const accessLog = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/vendedlogs/apis/${props.name}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const settings = stage.node.defaultChild as CfnStage;
    settings.accessLogSettings = {
      destinationArn: accessLog.logGroupArn,
      format: JSON.stringify({
        at: '$context.requestTime',
        route: '$context.routeKey',
        status: '$context.status',
        bytes: '$context.responseLength',
        milliseconds: '$context.integrationLatency',
      }),
    };
    settings.routeSettings = {
      'ANY /u/{proxy+}': {
        ThrottlingRateLimit: props.throttle.ratePerSecond,
        ThrottlingBurstLimit: props.throttle.burst,
      },
    };
    for (const route of unsubscribeRoutes) settings.node.addDependency(route);
    if (props.domain.kind === 'own') {
      this.useDomain(props.domain, stage);
      this.baseUrl = `https://${props.domain.domainName}`;
    } else {
      this.baseUrl = (this.api.node.defaultChild as CfnApi).attrApiEndpoint;
    }
    new CfnOutput(this, 'Url', { value: this.baseUrl });
  }

  private useDomain(domain: OwnDomain, stage: HttpStage): void {
    const name = new DomainName(this, 'Domain', {
      domainName: domain.domainName,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, 'Mapping', { api: this.api, domainName: name, stage });
    new CfnOutput(this, 'DomainTarget', {
      value: name.regionalDomainName,
      description: `${domain.domainName} must be a CNAME of this, unless the stage names a zone of Route 53`,
    });
    if (domain.hostedZone === undefined) return;
    new ARecord(this, 'Record', {
      zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', domain.hostedZone),
      recordName: domain.domainName,
      target: RecordTarget.fromAlias(
        new ApiGatewayv2DomainProperties(name.regionalDomainName, name.regionalHostedZoneId),
      ),
    });
  }
}
