import type { LoggedCall } from '../../../infra/local/aws/call-log.ts';
import type { Statement } from './stand.ts';

/** One thing that IAM is asked: may this be done to that, under these circumstances? */
export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

/** The ground that calls are about. */
export interface Place {
  readonly clusterArn: string;
  readonly fileSystemArn: string;
  readonly userPoolArn: string;
  /** Tag of all that the deployment owns. */
  readonly deployment: string;
}

const account = 'us-east-1:000000000000';
type Input = Readonly<Record<string, unknown>>;

/** What IAM is asked for one call, as the Service Authorization Reference has it: actions, resources, condition keys. */
export function questionsOf({ service, operation, input }: LoggedCall, place: Place): readonly Question[] {
  const given = input as Input;
  // A batch needs the right to each.
  const action = `${service}:${operation.replace(/Batch$/, '')}`;
  const tags = Object.fromEntries(tagsOf(given).map(([key, value]) => [`aws:RequestTag/${key}`, value]));
  const context: Readonly<Record<string, string>> = {
    'aws:ResourceTag/armada:deployment': place.deployment,
    ...(given['cluster'] ? { 'ecs:cluster': place.clusterArn } : {}),
    ...tags,
  };
  const asked = resourcesOf(service, operation, given, place).map(resource => ({ action, resource, context }));
  const tagging = taggers[service];
  if (tagging && Object.keys(tags).length > 0 && /^(Create|Register|RunTask)/.test(operation)) {
    const [resource = ''] = tagging.resource(operation, given, asked[0]?.resource ?? '');
    const create = { [`${service}:CreateAction`]: operation };
    asked.push({ action: tagging.action, resource, context: { ...context, ...create } });
  }
  const role = given['executionRoleArn'];
  if (typeof role === 'string')
    asked.push({
      action: 'iam:PassRole',
      resource: role,
      context: { ...context, 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
    });
  return asked;
}

/** The tagging that a creation with tags asks for too, and of what. */
const taggers: Readonly<
  Record<string, { action: string; resource(operation: string, input: Input, made: string): readonly string[] }>
> = {
  ecs: {
    action: 'ecs:TagResource',
    resource: (operation, input, made) =>
      operation === 'RunTask' ? [`arn:aws:ecs:${account}:task/${String(input['cluster'])}/0a0a`] : [made],
  },
  elasticloadbalancing: {
    action: 'elasticloadbalancing:AddTags',
    resource: (operation, input, made) =>
      operation === 'CreateRule'
        ? [`${String(input['ListenerArn']).replace(':listener/', ':listener-rule/')}/0a0a`]
        : [made],
  },
  elasticfilesystem: { action: 'elasticfilesystem:TagResource', resource: (_operation, _input, made) => [made] },
};

function resourcesOf(service: string, operation: string, input: Input, place: Place): readonly string[] {
  const text = (name: string) => (typeof input[name] === 'string' ? String(input[name]) : undefined);
  const cluster = place.clusterArn.split('/')[1];
  const arn = (value: string, kind: string) =>
    value.startsWith('arn:') ? value : `arn:aws:${service}:${account}:${kind}/${value}`;
  if (service === 'sqs') return [`arn:aws:sqs:${account}:${text('QueueUrl')?.split('/').at(-1)}`];
  if (service === 'cognito-idp') return [place.userPoolArn];
  if (service === 'ecs') {
    const list = (name: string, kind: string) => ((input[name] ?? []) as string[]).map(value => arn(value, kind));
    if (operation === 'DescribeServices') return list('services', `service/${cluster}`);
    if (operation === 'DescribeTasks') return list('tasks', `task/${cluster}`);
    if (operation === 'DeleteTaskDefinitions') return list('taskDefinitions', 'task-definition');
    if (operation === 'RunTask') return [text('taskDefinition') ?? '*'];
    if (operation === 'RegisterTaskDefinition') return [arn(`${text('family')}:1`, 'task-definition')];
    const name = text('serviceName') ?? text('service');
    return [name === undefined ? '*' : arn(name, `service/${cluster}`)];
  }
  if (service === 'elasticfilesystem') {
    const id = text('AccessPointId');
    return [id === undefined ? place.fileSystemArn : arn(id, 'access-point')];
  }
  if (operation.startsWith('Describe')) return ['*'];
  if (operation === 'CreateTargetGroup') return [arn(`${text('Name')}/0a0a`, 'targetgroup')];
  return [text('RuleArn') ?? text('ListenerArn') ?? text('TargetGroupArn') ?? '*'];
}

function tagsOf(input: Input): readonly (readonly [string, string])[] {
  const tags = (input['tags'] ?? input['Tags'] ?? []) as readonly Readonly<Record<string, string>>[];
  return tags.map(tag => [tag['key'] ?? tag['Key'] ?? '', tag['value'] ?? tag['Value'] ?? '']);
}

/** The statements that allow it; none when one denies it. Source: IAM, policy evaluation within one account. */
export function allowing(statements: readonly Statement[], question: Question): readonly Statement[] {
  const fitting = statements.filter(statement => fits(statement, question));
  return fitting.some(({ Effect }) => Effect === 'Deny') ? [] : fitting;
}

function fits(statement: Statement, { action, resource, context }: Question): boolean {
  return (
    listed(statement.Action).some(pattern => like(pattern, action)) &&
    listed(statement.Resource).some(pattern => like(pattern, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) => {
      if (!['StringEquals', 'ArnEquals'].includes(operator)) throw new Error(`${operator} is not worked out here`);
      return Object.entries(keys).every(([key, values]) => listed(values).includes(context[key] ?? ''));
    })
  );
}

/** A policy's value as a list. */
export function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/** Whether IAM's pattern, with its `*`, matches. */
export function like(pattern: string, text: string): boolean {
  const escaped = pattern.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(text);
}
