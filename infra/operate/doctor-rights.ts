import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminUpdateUserAttributesCommand,
  AdminUserGlobalSignOutCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { CreateServiceCommand, DeregisterTaskDefinitionCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { TagResourceCommand } from '@aws-sdk/client-efs';
import { CreateRuleCommand, ModifyTargetGroupAttributesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { familyName, serviceName, tagsOf, targetGroupName } from '../../reconcilers/aws/names.ts';
import { type DoctorOptions, denied, type Finding, note, ok, wrong } from './finding.ts';

/** An id that no workspace has: theirs are longer. */
const nobody = 'doctor';
const nothing = '0'.repeat(16);
/** What AWS says of something that is not there: whoever may not write is told that first. */
const absent = /NotFound|ResourceNotFound|ClientException|InvalidParameter/;

/** A write of the controller about something that does not exist, so that nothing can come of it. */
interface Try {
  readonly action: string;
  readonly call: () => Promise<unknown>;
}

/** Whether this identity may write what the controller writes; nothing is changed, for what is written to is not there. */
export async function checkRights(options: Pick<DoctorOptions, 'clients' | 'deployment'>): Promise<readonly Finding[]> {
  const refused: string[] = [];
  const unclear: string[] = [];
  const tries = triesOf(options);
  for (const { action, call } of tries) {
    const name = await call().then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
    if (denied.test(name)) refused.push(action);
    else if (!absent.test(name)) unclear.push(`${action} (${name})`);
  }
  const findings: Finding[] = [];
  if (refused.length > 0)
    findings.push(
      wrong(
        `rights: this identity may not ${refused.join(', ')}. Nothing can be kept as asked without: give it what the stack's ControllerRole has, or update the stack if this is that role.`,
      ),
    );
  if (unclear.length > 0)
    findings.push(note(`rights: it can't be told whether this identity may ${unclear.join(', ')}`));
  const known = tries.length - refused.length - unclear.length;
  if (known === tries.length)
    findings.push(ok(`rights: all ${known} writes that can be tried without effect are allowed`));
  return findings;
}

function triesOf({ clients, deployment }: Pick<DoctorOptions, 'clients' | 'deployment'>): readonly Try[] {
  const { cognito, ecs, efs, elb } = clients;
  const { cluster, userPoolId: UserPoolId } = deployment;
  const owner = { deployment: deployment.deployment, kind: 'workspace', id: nobody, name: nobody };
  const pairs = tagsOf(owner);
  const tags = pairs.map(([key, value]) => ({ key, value }));
  const Tags = pairs.map(([Key, Value]) => ({ Key, Value }));
  const service = serviceName(owner.deployment, nobody);
  const taskDefinition = `${familyName(owner.deployment, nobody)}:1`;
  const user = { UserPoolId, Username: `${nobody}@${nothing}.invalid` };
  const ListenerArn = deployment.balancers[0]?.listenerArn ?? '';
  const TargetGroupArn = `${ListenerArn.split(':').slice(0, 5).join(':')}:targetgroup/${targetGroupName(owner.deployment, nobody)}/${nothing}`;
  const Conditions = [{ Field: 'host-header', Values: [`${nobody}.invalid`] }];
  const Actions = [{ Type: 'forward' as const, TargetGroupArn }];
  const list: readonly (readonly [action: string, call: () => Promise<unknown>])[] = [
    [
      'ecs:CreateService',
      () =>
        ecs.send(new CreateServiceCommand({ cluster, serviceName: service, taskDefinition, desiredCount: 0, tags })),
    ],
    ['ecs:UpdateService', () => ecs.send(new UpdateServiceCommand({ cluster, service, desiredCount: 0 }))],
    ['ecs:DeregisterTaskDefinition', () => ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }))],
    [
      'elasticloadbalancing:CreateRule',
      () => elb.send(new CreateRuleCommand({ ListenerArn, Priority: 50_000, Conditions, Actions, Tags })),
    ],
    [
      'elasticloadbalancing:ModifyTargetGroupAttributes',
      () =>
        elb.send(
          new ModifyTargetGroupAttributesCommand({
            TargetGroupArn,
            Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '5' }],
          }),
        ),
    ],
    ['elasticfilesystem:TagResource', () => efs.send(new TagResourceCommand({ ResourceId: `fsap-${nothing}0`, Tags }))],
    [
      'cognito-idp:AdminCreateUser',
      () => cognito.send(new AdminCreateUserCommand({ ...user, MessageAction: 'RESEND' })),
    ],
    [
      'cognito-idp:AdminUpdateUserAttributes',
      () => cognito.send(new AdminUpdateUserAttributesCommand({ ...user, UserAttributes: [] })),
    ],
    [
      'cognito-idp:AdminAddUserToGroup',
      () => cognito.send(new AdminAddUserToGroupCommand({ ...user, GroupName: 'student' })),
    ],
    [
      'cognito-idp:AdminRemoveUserFromGroup',
      () => cognito.send(new AdminRemoveUserFromGroupCommand({ ...user, GroupName: 'student' })),
    ],
    ['cognito-idp:AdminDisableUser', () => cognito.send(new AdminDisableUserCommand(user))],
    ['cognito-idp:AdminEnableUser', () => cognito.send(new AdminEnableUserCommand(user))],
    ['cognito-idp:AdminUserGlobalSignOut', () => cognito.send(new AdminUserGlobalSignOutCommand(user))],
    ['cognito-idp:AdminDeleteUser', () => cognito.send(new AdminDeleteUserCommand(user))],
  ];
  return list.map(([action, call]) => ({ action, call }));
}
