import { CfnCondition, CfnParameter, Fn, type Stack } from 'aws-cdk-lib';
import { defaultArmHost, defaultHost } from '../../api/resources/forecast.ts';
import type { Size } from '../../api/resources/sizes.ts';

/** What the person who uploads the template may say. Only the e-mail address has no default. */
export interface Parameters {
  readonly instructorEmail: string;
  readonly domainName: string;
  readonly hostedZoneId: string;
  readonly certificateArn: string;
  readonly imagePrefix: string;
  readonly imageTag: string;
  readonly instanceType: string;
  /** Hosts and app run on ARM (Graviton), as the images must. */
  readonly isArm: CfnCondition;
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

/** Where the images are that whoever hosts the template has published; an empty prefix: nowhere yet. */
export interface Images {
  readonly prefix: string;
  readonly tag: string;
}

/** Declares the template's parameters, grouped as the console shows them, and the conditions on them. */
export function declareParameters(
  stack: Stack,
  size: Size,
  images: Images = { prefix: '', tag: 'latest' },
): Parameters {
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
    'A domain for the class, such as class.school.edu. Without one all workspaces share one address, which parts students less from each other.',
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
    'Where the images come from: registry and prefix. Empty: the repositories armada-app, armada-gate and armada-ide of this account’s own ECR.',
    images.prefix,
  );
  const tag = text('ImageTag', 'Version of the images.', images.tag);
  const instanceType = text(
    'HostInstanceType',
    `EC2 type of the hosts that workspaces run on. Empty: ${defaultHost}, or ${defaultArmHost} on arm64.`,
    '',
  );
  const processor = text(
    'Processor',
    'What the images are built for, so what app and hosts run on. arm64 is cheaper by a tenth.',
    'x86_64',
    { allowedValues: ['x86_64', 'arm64'] },
  );
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
  const isArm = new CfnCondition(stack, 'OnArm', { expression: Fn.conditionEquals(processor.valueAsString, 'arm64') });
  const hasInstanceType = has('HasInstanceType', instanceType.valueAsString);
  const hasPrefix = has('HasImagePrefix', prefix.valueAsString);
  const ownRegistry = `${stack.account}.dkr.ecr.${stack.region}.${stack.urlSuffix}/armada`;
  const either = (condition: CfnCondition, yes: string, no: string) =>
    Fn.conditionIf(condition.logicalId, yes, no).toString();
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
          Parameters: [processor.logicalId, instanceType.logicalId, maxHosts.logicalId, budget.logicalId],
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
    imagePrefix: either(hasPrefix, prefix.valueAsString, ownRegistry),
    imageTag: tag.valueAsString,
    instanceType: either(hasInstanceType, instanceType.valueAsString, either(isArm, defaultArmHost, defaultHost)),
    isArm,
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
