/** A finding of the AwsSolutions rules that is right about the template and wrong about the risk. */
export interface AcceptedFinding {
  /** Rule, with the part in brackets where the rule names what it found. */
  readonly rule: RegExp;
  /** Constructs that may have it. */
  readonly path: RegExp;
  /** What would convince a reviewer. */
  readonly reason: string;
}

/** Every finding of cdk-nag's AwsSolutions pack that stands. A finding that is not here, or an entry that no finding needs, fails a test. */
export const ACCEPTED_FINDINGS: readonly AcceptedFinding[] = [
  {
    rule: /^AwsSolutions-APIG4$/,
    path: /\/Pages\/Api\//,
    reason:
      'Customers have no account here. The link in the mail carries 128 random bits and a 128-bit MAC, checked before anything is read.',
  },
  {
    rule: /^AwsSolutions-SQS3$/,
    path: /\/ScheduleDeadLetters\//,
    reason: 'It is itself the dead-letter queue of the schedules, which the rule does not see.',
  },
  {
    rule: /^AwsSolutions-SF2$/,
    path: /\/(Resegmentation|SurveyWave|Import)\//,
    reason: 'Traces are an option of the stage. Logs and the execution history say which state took how long.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*Workspace.*\/(runs|waves|policies|requests|imports|incoming)\/\*\]$/,
    path: /\/Role\/DefaultPolicy\//,
    reason: 'Objects of one named folder of one named bucket. Their names are not known when the role is made.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::<[A-Za-z]+Function[0-9A-F]{8}\.Arn>:\*\]$/,
    path: /\/(Resegmentation|SurveyWave|Import)\/Role\/|\/Schedule|\/SchedulerRole/,
    reason: 'Versions and aliases of one named function, which are the same code.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:states:.*:execution:.*\]$/,
    path: /\/(Resegmentation|SurveyWave|Import)\//,
    reason: 'Executions of the machine itself: a Distributed Map starts its children and takes them up again.',
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::\*\]$/,
    path: /\/(Resegmentation|SurveyWave|Import)\/Role\/|\/Role\/DefaultPolicy\//,
    reason: 'Log delivery and traces: AWS lists no resource for these actions. Another test names each action.',
  },
];
