import { CfnCondition, CfnParameter, Fn, type Stack } from 'aws-cdk-lib';
import type { Size } from './sizes.ts';

/** What the person who uploads the template may say. Only the e-mail address has no default. */
export interface Parameters {
  readonly instructorEmail: string;
  readonly domainName: string;
  readonly hostedZoneId: string;
  readonly certificateArn: string;
  readonly imagePrefix: string;
  readonly imageTag: string;
  readonly instanceType: string;
  readonly maxHosts: number;
  readonly monthlyBudget: number;
  /** A domain of their own; without it TLS is on the provider's names. */
  readonly hasDomain: CfnCondition;
  readonly noDomain: CfnCondition;
  /** Records and certificate are ours to make. */
  readonly hasZone: CfnCondition;
  /** A domain whose records somebody else keeps: the outputs say which they are. */
  readonly tellsRecords: CfnCondition;
  readonly makesCertificate: CfnCondition;
}

/** Declares the template's parameters, grouped as the console shows them, and the conditions on them. */
export function declareParameters(stack: Stack, size: Size): Parameters {
  const text = (id: string, description: string, defaultValue: string, more = {}) =>
    new CfnParameter(stack, id, { type: 'String', description, default: defaultValue, ...more });
  const number = (id: string, description: string, defaultValue: number, minValue: number) =>
    new CfnParameter(stack, id, { type: 'Number', description, default: defaultValue, minValue });

  const email = new CfnParameter(stack, 'InstructorEmail', {
    type: 'String',
    description: 'Your e-mail address: the first sign-in and the alarms go there.',
    allowedPattern: '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
    constraintDescription: 'an e-mail address, such as you@school.edu',
  });
  const domain = text(
    'DomainName',
    'A domain for the class, such as class.school.edu. Without one only the portal can be reached, not the workspaces.',
    '',
    {
      allowedPattern: '^$|^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$',
      constraintDescription: 'a domain name in lower case, or nothing',
    },
  );
  const zone = text(
    'HostedZoneId',
    'Optional: the Route 53 hosted zone of that domain; records and certificate are made there.',
    '',
  );
  const certificate = text(
    'CertificateArn',
    'Optional: an existing certificate for the domain and its wildcards, instead of a new one.',
    '',
  );
  const prefix = text(
    'ImagePrefix',
    'Where the images come from: registry and prefix.',
    'public.ecr.aws/armada-class/armada',
  );
  const tag = text('ImageTag', 'Version of the images.', '0.1.0');
  const instanceType = text('HostInstanceType', 'EC2 type of the hosts that workspaces run on.', 'm7i.large');
  const maxHosts = number(
    'MaxHosts',
    'How many hosts the cluster may grow to; it shrinks to none when nobody works.',
    size.maxHosts,
    1,
  );
  const budget = number('MonthlyBudget', 'US dollars a month above which you get a mail.', 60, 1);

  const has = (id: string, value: string) =>
    new CfnCondition(stack, id, { expression: Fn.conditionNot(Fn.conditionEquals(value, '')) });
  const hasDomain = has('HasDomain', domain.valueAsString);
  const hasZone = has('HasHostedZone', zone.valueAsString);
  const hasCertificate = has('HasCertificate', certificate.valueAsString);
  stack.templateOptions.metadata = {
    'AWS::CloudFormation::Interface': {
      ParameterGroups: [
        { Label: { default: 'The one thing to type' }, Parameters: [email.logicalId] },
        {
          Label: { default: 'A domain of your own (optional)' },
          Parameters: [domain.logicalId, zone.logicalId, certificate.logicalId],
        },
        {
          Label: { default: 'Size (optional)' },
          Parameters: [instanceType.logicalId, maxHosts.logicalId, budget.logicalId],
        },
        { Label: { default: 'Images (optional)' }, Parameters: [prefix.logicalId, tag.logicalId] },
      ],
    },
  };
  return {
    instructorEmail: email.valueAsString,
    domainName: domain.valueAsString,
    hostedZoneId: zone.valueAsString,
    certificateArn: certificate.valueAsString,
    imagePrefix: prefix.valueAsString,
    imageTag: tag.valueAsString,
    instanceType: instanceType.valueAsString,
    maxHosts: maxHosts.valueAsNumber,
    monthlyBudget: budget.valueAsNumber,
    hasDomain,
    noDomain: new CfnCondition(stack, 'NoDomain', { expression: Fn.conditionNot(hasDomain) }),
    hasZone: new CfnCondition(stack, 'MakesRecords', { expression: Fn.conditionAnd(hasDomain, hasZone) }),
    tellsRecords: new CfnCondition(stack, 'TellsRecords', {
      expression: Fn.conditionAnd(hasDomain, Fn.conditionNot(hasZone)),
    }),
    makesCertificate: new CfnCondition(stack, 'MakesCertificate', {
      expression: Fn.conditionAnd(hasDomain, Fn.conditionNot(hasCertificate)),
    }),
  };
}
