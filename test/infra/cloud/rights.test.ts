import { AdminCreateUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DescribeRulesCommand, ModifyRuleCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIdentity } from '../../../api/http/identity.ts';
import { readSettings as readApiSettings } from '../../../api/http/settings.ts';
import type { Home } from '../../../api/resources/home.ts';
import { keysOf } from '../../../api/resources/keys.ts';
import { sizes } from '../../../api/resources/sizes.ts';
import type { Student } from '../../../api/resources/student.ts';
import type { Workspace } from '../../../api/resources/workspace.ts';
import { readSettings } from '../../../controller/settings.ts';
import { unsignedAllowed } from '../../../infra/local/aws/authentication.ts';
import type { LoggedCall } from '../../../infra/local/aws/call-log.ts';
import { createEcsHints } from '../../../reconcilers/aws/events.ts';
import { createHomeReconciler } from '../../../reconcilers/home/index.ts';
import { createStudentReconciler } from '../../../reconcilers/student/index.ts';
import { createWorkspaceReconciler } from '../../../reconcilers/workspace/index.ts';
import { homeRow, Rows, studentRow, workspaceRow } from '../../reconcilers/rows.ts';
import { eventually } from '../../support/eventually.ts';
import { allowing, like, listed, type Place, type Question, questionsOf } from './policy.ts';
import { type Stand, type Statement, standUp, templateOf } from './stand.ts';

/** In the policy though no test makes the call, each with its reason. */
const unmade: Readonly<Record<string, string>> = {
  'People cognito-idp:CreateGroup': 'a group that somebody deleted is made again; the local Cognito deletes none',
};

const secrets = { ARMADA_SECRET: 'a secret of more than thirty-two characters', PGPASSWORD: 'password' };
const instructor = 'grace@school.example';
const workspaceId = 'aaaabbbbccccdddd';
let stand: Stand;
let place: Place;
beforeAll(async () => {
  stand = await standUp(templateOf(sizes.small), { InstructorEmail: instructor, DomainName: 'class.school.example' });
  const text = (value: unknown) => stand.intrinsics.text(value);
  place = {
    clusterArn: await text({ 'Fn::GetAtt': [await only('AWS::ECS::Cluster'), 'Arn'] }),
    fileSystemArn: await text({ 'Fn::GetAtt': [await only('AWS::EFS::FileSystem'), 'Arn'] }),
    userPoolArn: await text({ 'Fn::GetAtt': [await only('AWS::Cognito::UserPool'), 'Arn'] }),
    deployment: 'armada',
  };
});
afterAll(() => stand.close());

async function only(type: string): Promise<string> {
  return Object.entries(templateOf(sizes.small).Resources).find(([, resource]) => resource.Type === type)?.[0] ?? '';
}

/** The calls that reached AWS during `work`, without those that need no signature. */
async function callsOf(work: (unheard: <T>(drift: () => Promise<T>) => Promise<T>) => Promise<void>) {
  const calls: LoggedCall[] = [];
  let heard = true;
  const end = stand.aws.endpoint.calls.listen(call => {
    if (heard && !unsignedAllowed(call.service, call.operation)) calls.push(call);
  });
  await work(async drift => {
    heard = false;
    try {
      return await drift();
    } finally {
      heard = true;
    }
  });
  end();
  return calls;
}

function judge(statements: readonly Statement[], questions: readonly Question[]) {
  const refused = new Set<string>();
  const used = new Set<string>();
  for (const question of questions) {
    const by = allowing(statements, question);
    if (by.length === 0) refused.add(`${question.action} on ${question.resource}`);
    for (const { Sid, Action } of by)
      for (const pattern of listed(Action)) if (like(pattern, question.action)) used.add(`${Sid} ${pattern}`);
  }
  const granted = statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Sid, Action }) => listed(Action).map(action => `${Sid} ${action}`));
  return { refused: [...refused], unused: granted.filter(each => !used.has(each) && !(each in unmade)) };
}

async function controllersLife(unheard: <T>(drift: () => Promise<T>) => Promise<T>): Promise<void> {
  const { environment } = await stand.container('Controller');
  const settings = readSettings({ ...environment, ...secrets });
  const { clients } = stand;
  const workspaces = Rows.of<Workspace, never, never>(
    createWorkspaceReconciler({
      clients,
      deployment: settings.ARMADA_DEPLOYMENT,
      cluster: settings.ARMADA_CLUSTER,
      capacityProvider: settings.ARMADA_CAPACITY_PROVIDER,
      vpcId: settings.ARMADA_VPC_ID,
      balancers: settings.balancers,
      fileSystemId: settings.ARMADA_FILE_SYSTEM_ID,
      portalUrl: settings.ARMADA_PORTAL_URL,
      heartbeatUrl: settings.ARMADA_PORTAL_URL,
      gateImage: settings.ARMADA_GATE_IMAGE,
      ideImage: settings.ARMADA_IDE_IMAGE,
      keys: keysOf(settings.ARMADA_SECRET),
      executionRoleArn: settings.ARMADA_EXECUTION_ROLE_ARN,
      logs: settings.logs,
    }) as never,
    (row, slot) => ({ ...row, slot }),
  );
  const change = async (to: Partial<Workspace>) => {
    workspaces.ask(workspaceId, to);
    await workspaces.settle(workspaceId);
  };
  workspaces.rows.set(workspaceId, workspaceRow(workspaceId));
  await workspaces.settle(workspaceId);
  await change({ spec: { running: true, restarts: 0 } });
  await change({ spec: { running: true, restarts: 1 } });
  await unheard(() => pointRuleElsewhere(settings.balancers[0]?.listenerArn ?? ''));
  await change({});
  await change({ spec: { running: false, restarts: 1 } });
  // A resync looks with fewer calls, and with one of its own.
  await workspaces.pass(workspaceId, false);
  const { template } = workspaces.get(workspaceId);
  await change({ template: { ...template, image: 'school/other:1' }, spec: { running: true, restarts: 1 } });
  await change({ deletedAt: new Date().toISOString() });

  // Not last: a call that its end cuts off may arrive a moment later.
  await hearsEvents(settings.ARMADA_EVENTS_QUEUE_URL ?? '', unheard);
  await purgesHome(settings);

  const students = Rows.of<Student, never, never>(
    createStudentReconciler({
      clients,
      userPoolId: settings.ARMADA_USER_POOL_ID,
      deployment: settings.ARMADA_DEPLOYMENT,
    }) as never,
  );
  const student = studentRow();
  const { id, spec } = student;
  const tell = async (to: Partial<Student>) => {
    students.ask(id, to);
    await students.settle(id);
  };
  students.rows.set(id, student);
  await students.settle(id);
  await tell({ spec: { ...spec, email: 'ada.lovelace@school.example' } });
  await tell({ role: 'instructor' });
  await tell({ spec: { ...spec, email: 'ada.lovelace@school.example', disabled: true } });
  await tell({ spec: { ...spec, email: 'ada.lovelace@school.example' } });
  await tell({ deletedAt: new Date().toISOString() });
}

/** A keeper's whole life: it ends by itself, its work done. */
async function purgesHome(settings: ReturnType<typeof readSettings>): Promise<void> {
  const { clients, driver } = stand;
  const homes = Rows.of<Home, never, never>(
    createHomeReconciler({
      clients,
      deployment: settings.ARMADA_DEPLOYMENT,
      cluster: settings.ARMADA_CLUSTER,
      capacityProvider: settings.ARMADA_CAPACITY_PROVIDER,
      fileSystemId: settings.ARMADA_FILE_SYSTEM_ID,
      gateImage: settings.ARMADA_GATE_IMAGE,
      executionRoleArn: settings.ARMADA_EXECUTION_ROLE_ARN,
      logs: settings.logs,
    }) as never,
  );
  const home = homeRow();
  homes.rows.set(home.id, home);
  driver.images.set(settings.ARMADA_GATE_IMAGE, { exits: { afterMilliseconds: 10, exitCode: 0 } });
  expect((await homes.settle(home.id)).verdict).toBe('gone');
  driver.images.delete(settings.ARMADA_GATE_IMAGE);
}

async function hearsEvents(queueUrl: string, unheard: <T>(drift: () => Promise<T>) => Promise<T>): Promise<void> {
  const { url: endpoint } = stand.aws;
  const client = new SQSClient({ endpoint, region: 'us-east-1', credentials: stand.credentials });
  const called: string[] = [];
  const hints = createEcsHints({ client, queueUrl, deployment: 'armada', called: operation => called.push(operation) });
  await unheard(() => client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'poison' })));
  const hearing = hints.open(() => {}, pino({ level: 'silent' }));
  await eventually(() => called.includes('DeleteMessageBatch'));
  await hearing.close();
  client.destroy();
}

/** By hand, as somebody in the console might. */
async function pointRuleElsewhere(ListenerArn: string): Promise<void> {
  const { Rules } = await stand.clients.elb.send(new DescribeRulesCommand({ ListenerArn }));
  const TargetGroupArn = await stand.intrinsics.text({ Ref: 'AppTargets1' });
  const RuleArn = Rules?.find(rule => !rule.IsDefault)?.RuleArn;
  const Actions = [{ Type: 'forward' as const, TargetGroupArn }];
  await stand.clients.elb.send(new ModifyRuleCommand({ RuleArn, Actions }));
}

async function apisLife(unheard: <T>(drift: () => Promise<T>) => Promise<T>): Promise<void> {
  const { environment } = await stand.container('Api');
  const settings = readApiSettings({ ...environment, ...secrets, AWS_ENDPOINT_URL: stand.aws.url });
  const identity = createIdentity(settings, stand.clients.cognito);
  const mail = () => stand.aws.cognito.outbox.list().filter(({ to }) => to === instructor);
  const password = /Password: ([^<\s]+)/.exec(mail()[0]?.text ?? '')?.[1] ?? '';
  const answer = await identity.signIn(instructor, password);
  if (answer.outcome !== 'new-password') throw new Error(`the first password gave ${answer.outcome}`);
  expect((await identity.setNewPassword(instructor, answer.challenge, 'Correct-horse-7')).outcome).toBe('proved');
  const handed = { UserPoolId: settings.userPoolId, Username: 'handed@school.example' };
  const command = new AdminCreateUserCommand({ ...handed, MessageAction: 'SUPPRESS' });
  await unheard(() => stand.clients.cognito.send(command));
  expect(await identity.setFirstPassword(handed.Username, 'Correct-horse-9')).toBe('set');
  expect(await identity.sendCode(instructor)).toBe('sent');
  expect(await identity.resetPassword(instructor, '000000', 'Correct-horse-8')).not.toBe('throttled');
}

describe.each([
  ['controller', 'ControllerRole', controllersLife, 30],
  ['API', 'ApiRole', apisLife, 4],
] as const)('the role of the %s', (_name, role, life, fewestActions) => {
  it('allows each call that it makes, and nothing that it never does', async () => {
    const statements = await stand.statements(role);
    const calls = await callsOf(life);
    expect(new Set(calls.map(({ operation }) => operation)).size).toBeGreaterThanOrEqual(fewestActions);
    const { refused, unused } = judge(
      statements,
      calls.flatMap(call => questionsOf(call, place)),
    );
    expect(refused).toEqual([]);
    // Workspaces have no role of their own.
    expect(calls.filter(({ input }) => 'taskRoleArn' in input)).toEqual([]);
    expect(unused).toEqual([]);
  });
});

describe('the policy of the controller', () => {
  const ask = async (question: Question) => allowing(await stand.statements('ControllerRole'), question);
  const inCluster = () => ({ 'ecs:cluster': place.clusterArn });

  it('leaves other systems of the account alone', async () => {
    const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:000000000000:${rest}`;
    const tagged = { 'aws:RequestTag/armada:deployment': 'armada' };
    const foreign = { 'aws:ResourceTag/armada:deployment': 'other' };
    for (const [action, resource, context] of [
      ['ecs:DeleteService', arn('ecs', 'service/armada/Armada-Api-1'), inCluster()],
      ['ecs:UpdateService', arn('ecs', 'service/other/ws-armada-x'), {}],
      ['ecs:RegisterTaskDefinition', arn('ecs', 'task-definition/payroll:1'), {}],
      // Only keepers are run by themselves, and only here: no student's editor, no other's task.
      ['ecs:RunTask', arn('ecs', 'task-definition/payroll:1'), { ...inCluster(), ...tagged }],
      ['ecs:RunTask', arn('ecs', 'task-definition/armada-armada-aaaabbbbccccdddd:1'), { ...inCluster(), ...tagged }],
      ['ecs:RunTask', arn('ecs', 'task-definition/armada-armada-k-aaaabbbbccccdddd:1'), tagged],
      ['ecs:TagResource', arn('ecs', 'task/armada/0a'), tagged],
      ['elasticloadbalancing:DeleteTargetGroup', arn('elasticloadbalancing', 'targetgroup/payroll/0a'), foreign],
      ['elasticloadbalancing:DeleteRule', arn('elasticloadbalancing', 'listener-rule/app/payroll/0a/0b/0c'), foreign],
      ['elasticfilesystem:DeleteAccessPoint', arn('elasticfilesystem', 'access-point/fsap-1'), foreign],
      ['elasticfilesystem:DeleteFileSystem', place.fileSystemArn, {}],
      ['cognito-idp:AdminCreateUser', arn('cognito-idp', 'userpool/us-east-1_other'), {}],
      ['iam:PassRole', 'arn:aws:iam::000000000000:role/Admin', { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }],
      ['secretsmanager:GetSecretValue', '*', {}],
    ] as const)
      expect(await ask({ action, resource, context }), `${action} on ${resource}`).toEqual([]);
  });

  it('never gives a shell into a container, nor a privileged one', async () => {
    const service = 'arn:aws:ecs:us-east-1:000000000000:service/armada/ws-armada-x';
    expect(await ask({ action: 'ecs:UpdateService', resource: service, context: inCluster() })).not.toEqual([]);
    const shell = { ...inCluster(), 'ecs:enable-execute-command': 'true' };
    expect(await ask({ action: 'ecs:UpdateService', resource: service, context: shell })).toEqual([]);
    const family = 'arn:aws:ecs:us-east-1:000000000000:task-definition/armada-armada-x:1';
    const tagged = { 'aws:RequestTag/armada:deployment': 'armada' };
    expect(await ask({ action: 'ecs:RegisterTaskDefinition', resource: family, context: tagged })).not.toEqual([]);
    const privileged = { ...tagged, 'ecs:privileged': 'true' };
    expect(await ask({ action: 'ecs:RegisterTaskDefinition', resource: family, context: privileged })).toEqual([]);
  });
});
