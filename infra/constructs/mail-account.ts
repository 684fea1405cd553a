import { CfnOutput, Stack } from 'aws-cdk-lib';
import { ConfigurationSet, EmailIdentity, EmailSendingEvent, EventDestination, Identity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

export interface MailAccountProps {
  readonly configurationSetName: string;
  /** Its domain is the identity; DKIM signs for it. */
  readonly senderAddress: string;
  /** False where the domain is an identity of the account already, which no second stack can make. */
  readonly makesIdentity: boolean;
  /** Recipients who are identities of the account, while it is in the sandbox of SES: sending asks for rights on them too. */
  readonly sandboxRecipients: readonly string[];
}

/** The stage's sender in SES: the domain as identity with DKIM, a configuration set, and a topic for what happens to mails. */
export class MailAccount extends Construct {
  readonly events: Topic;
  readonly configurationSet: ConfigurationSet;
  /** ARNs that sending needs rights on: the domain's identity and the configuration set. */
  readonly arns: readonly string[];

  constructor(scope: Construct, id: string, props: MailAccountProps) {
    super(scope, id);
    const domain = props.senderAddress.replace(/^.*@/, '');
    this.events = new Topic(this, 'Events', { enforceSSL: true });
    this.configurationSet = new ConfigurationSet(this, 'ConfigurationSet', {
      configurationSetName: props.configurationSetName,
      reputationMetrics: true,
    });
    this.configurationSet.addEventDestination('ToTopic', {
      destination: EventDestination.snsTopic(this.events),
      events: [
        EmailSendingEvent.SEND,
        EmailSendingEvent.REJECT,
        EmailSendingEvent.BOUNCE,
        EmailSendingEvent.COMPLAINT,
        EmailSendingEvent.DELIVERY,
        EmailSendingEvent.DELIVERY_DELAY,
        EmailSendingEvent.RENDERING_FAILURE,
      ],
    });
    if (props.makesIdentity) this.makeIdentity(domain);
    const arn = (resource: string, resourceName: string): string =>
      Stack.of(this).formatArn({ service: 'ses', resource, resourceName });
    this.arns = [
      ...[domain, ...props.sandboxRecipients].map((identity) => arn('identity', identity)),
      arn('configuration-set', props.configurationSetName),
    ];
  }

  private makeIdentity(domain: string): void {
    const identity = new EmailIdentity(this, 'Identity', {
      identity: Identity.domain(domain),
      configurationSet: this.configurationSet,
    });
    identity.dkimRecords.forEach((record, index) => {
      new CfnOutput(this, `DkimRecord${index + 1}`, {
        value: `${record.name} CNAME ${record.value}`,
        description: `one of three records that prove ${domain} to SES and sign its mails`,
      });
    });
  }
}
