import { aws_iam as iam, type Stack } from 'aws-cdk-lib';
import { accept } from './accepted.ts';
import type { Entrance } from './balancer.ts';
import type { Cluster } from './cluster.ts';
import type { Events } from './events.ts';
import type { Files } from './files.ts';
import type { Identity } from './identity.ts';

/** What the roles are about. */
export interface Ground {
  readonly cluster: Cluster;
  readonly entrance: Entrance;
  readonly events: Events;
  readonly files: Files;
  readonly identity: Identity;
  /** ARMADA_DEPLOYMENT: in every name and tag of what the controller makes. */
  readonly deployment: string;
}

/** API and controller each have a role of their own; workspaces have none. */
export interface Roles {
  readonly api: iam.Role;
  readonly controller: iam.Role;
}

/**
 * The least that each needs. Conditions by name or tag wherever AWS has them (Service Authorization Reference): what
 * another system owns in the same account is out of reach. Describe and List know no resource for the most part.
 */
export function createRoles(stack: Stack, ground: Ground): Roles {
  const role = (id: string, description: string) =>
    new iam.Role(stack, id, { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'), description });
  const api = role('ApiRole', 'Armada API: asks Cognito who somebody is, sets first passwords');
  const controller = role('ControllerRole', 'Armada controller: services, rules, target groups, access points, users');
  for (const statement of apiStatements(ground)) api.addToPolicy(statement);
  for (const statement of controllerStatements(stack, ground)) controller.addToPolicy(statement);
  acceptPatterns(controller, ground);
  return { api, controller };
}

/** Each pattern in the controller's policy, by the name that cdk-nag gives it. */
function acceptPatterns(controller: iam.Role, { cluster, deployment, entrance }: Ground): void {
  const pattern = (service: string, resource: string) =>
    `IAM5[Resource::arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>:${resource}]`;
  const named = 'Workspaces come and go: the pattern is what their names begin with in this deployment.';
  accept(controller, {
    'IAM5[Action::elasticloadbalancing:Describe*]': 'Reading balancers knows no resource.',
    'IAM5[Resource::*]': 'AWS knows no resource for these reads and for deregistering; the denials are for all.',
    [pattern('ecs', `service/${cluster.name}/ws-${deployment}-*`)]: named,
    [pattern('ecs', `task-definition/armada-${deployment}-*:*`)]: named,
    [pattern('ecs', `task-definition/armada-${deployment}-k-*:*`)]: named,
    [pattern('ecs', `task/${cluster.name}/*`)]: 'Tasks have random ids; nothing else runs in this cluster but the app.',
    [pattern('elasticloadbalancing', `targetgroup/a-${deployment}-*/*`)]: named,
    [pattern('elasticfilesystem', 'access-point/*')]: 'Access points have random ids; their tag decides.',
  });
  for (const [index] of entrance.balancerFullNames.entries())
    accept(controller, {
      [pattern('elasticloadbalancing', `listener-rule/<Balancer${index + 1}.LoadBalancerFullName>/*`)]:
        'Rules have random ids; the balancer is ours, and their tag decides.',
    });
}

function apiStatements({ identity }: Ground): iam.PolicyStatement[] {
  const actions = (...names: string[]) => names.map(name => `cognito-idp:${name}`);
  const resources = [identity.pool.userPoolArn];
  return [
    new iam.PolicyStatement({
      sid: 'WhoIsThis',
      actions: actions('AdminInitiateAuth', 'AdminRespondToAuthChallenge'),
      resources,
    }),
    // For who came by a handed link and has no password yet.
    new iam.PolicyStatement({
      sid: 'FirstPassword',
      actions: actions('AdminGetUser', 'AdminSetUserPassword'),
      resources,
    }),
  ];
}

function controllerStatements(stack: Stack, ground: Ground): iam.PolicyStatement[] {
  const { cluster, deployment, entrance, events, files, identity } = ground;
  const arn = (service: string, resource: string) =>
    `arn:${stack.partition}:${service}:${stack.region}:${stack.account}:${resource}`;
  const { name } = cluster;
  const ours = { 'aws:ResourceTag/armada:deployment': deployment };
  const made = { 'aws:RequestTag/armada:deployment': deployment };
  const inCluster = { ArnEquals: { 'ecs:cluster': cluster.cluster.clusterArn } };
  const allow = (sid: string, actions: string[], resources: string[], conditions?: Record<string, object>) =>
    new iam.PolicyStatement({ sid, actions, resources, ...(conditions ? { conditions } : {}) });
  // The names of reconcilers/aws/names.ts; a test compares them.
  const services = arn('ecs', `service/${name}/ws-${deployment}-*`);
  const taskDefinitions = arn('ecs', `task-definition/armada-${deployment}-*:*`);
  const keepers = arn('ecs', `task-definition/armada-${deployment}-k-*:*`);
  const rules = entrance.balancerFullNames.map(balancer => arn('elasticloadbalancing', `listener-rule/${balancer}/*`));
  const targetGroups = arn('elasticloadbalancing', `targetgroup/a-${deployment}-*/*`);
  const accessPoints = arn('elasticfilesystem', 'access-point/*');
  return [
    allow('NewServices', ['ecs:CreateService'], [services], { ...inCluster, StringEquals: made }),
    // By name, not by tag: a service whose tags somebody stripped is still put right.
    allow('Services', ['ecs:UpdateService', 'ecs:DescribeServices'], [services], inCluster),
    allow('EndServices', ['ecs:DeleteService'], [services], { ...inCluster, StringEquals: ours }),
    new iam.PolicyStatement({
      sid: 'NoShellIntoContainers',
      effect: iam.Effect.DENY,
      actions: ['ecs:CreateService', 'ecs:UpdateService', 'ecs:RunTask'],
      resources: ['*'],
      conditions: { StringEquals: { 'ecs:enable-execute-command': 'true' } },
    }),
    allow('Lists', ['ecs:ListTasks', 'ecs:ListServices'], ['*'], inCluster),
    allow('Tasks', ['ecs:DescribeTasks'], [arn('ecs', `task/${name}/*`)], inCluster),
    allow('NewTaskDefinitions', ['ecs:RegisterTaskDefinition'], [taskDefinitions], { StringEquals: made }),
    allow('EndTaskDefinitions', ['ecs:DeleteTaskDefinitions'], [taskDefinitions], { StringEquals: ours }),
    new iam.PolicyStatement({
      sid: 'NoPrivilegedContainers',
      effect: iam.Effect.DENY,
      actions: ['ecs:RegisterTaskDefinition'],
      resources: ['*'],
      conditions: { StringEquals: { 'ecs:privileged': 'true' } },
    }),
    // AWS knows no resource for these three.
    allow(
      'TaskDefinitions',
      ['ecs:DescribeTaskDefinition', 'ecs:ListTaskDefinitions', 'ecs:DeregisterTaskDefinition'],
      ['*'],
    ),
    // At birth, and again where somebody stripped them: what bears our name is marked as ours.
    allow('Tags', ['ecs:TagResource'], [services, taskDefinitions], { StringEquals: made }),
    allow('NewTargetGroups', ['elasticloadbalancing:CreateTargetGroup'], [targetGroups], { StringEquals: made }),
    // A keeper works inside a home whose workspace is gone; no other task is ever run by itself.
    allow('RunKeepers', ['ecs:RunTask'], [keepers], { ...inCluster, StringEquals: made }),
    allow('KeeperTags', ['ecs:TagResource'], [arn('ecs', `task/${name}/*`)], {
      StringEquals: { ...made, 'ecs:CreateAction': 'RunTask' },
    }),
    // By name, as services.
    allow('TargetGroups', ['elasticloadbalancing:ModifyTargetGroupAttributes'], [targetGroups]),
    allow('EndTargetGroups', ['elasticloadbalancing:DeleteTargetGroup'], [targetGroups], { StringEquals: ours }),
    allow('NewRules', ['elasticloadbalancing:CreateRule'], [...entrance.listenerArns], { StringEquals: made }),
    allow('Rules', ['elasticloadbalancing:ModifyRule', 'elasticloadbalancing:DeleteRule'], rules, {
      StringEquals: ours,
    }),
    allow('BalancerTags', ['elasticloadbalancing:AddTags'], [targetGroups, ...rules], { StringEquals: made }),
    allow('ReadBalancers', ['elasticloadbalancing:Describe*'], ['*']),
    allow('NewHomes', ['elasticfilesystem:CreateAccessPoint'], [files.fileSystem.attrArn], { StringEquals: made }),
    allow('HomeTags', ['elasticfilesystem:TagResource'], [files.fileSystem.attrArn, accessPoints], {
      StringEquals: made,
    }),
    allow('ReadHomes', ['elasticfilesystem:DescribeAccessPoints'], [files.fileSystem.attrArn, accessPoints]),
    allow('Homes', ['elasticfilesystem:DeleteAccessPoint'], [accessPoints], { StringEquals: ours }),
    allow(
      'People',
      [
        'AdminCreateUser',
        'AdminGetUser',
        'AdminDeleteUser',
        'AdminDisableUser',
        'AdminEnableUser',
        'AdminUserGlobalSignOut',
        'AdminUpdateUserAttributes',
        'AdminAddUserToGroup',
        'AdminRemoveUserFromGroup',
        'AdminListGroupsForUser',
        // A group that somebody deleted is made again.
        'CreateGroup',
      ].map(action => `cognito-idp:${action}`),
      [identity.pool.userPoolArn],
    ),
    allow('HearEvents', ['sqs:ReceiveMessage', 'sqs:DeleteMessage'], [events.queue.queueArn]),
    allow('PassExecutionRole', ['iam:PassRole'], [cluster.workspaceExecutionRole.roleArn], {
      StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
    }),
  ];
}
