import fs from 'node:fs';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  type CreateUserPoolCommandInput,
  UpdateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { CreateClusterCommand, ECSClient } from '@aws-sdk/client-ecs';
import { CreateFileSystemCommand, EFSClient, FileSystemAlreadyExists } from '@aws-sdk/client-efs';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyLoadBalancerAttributesCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';

/** What a deployment stands on: on AWS the outputs of its stack, on one machine what `layGround` made. */
export interface Ground {
  readonly cluster: string;
  readonly vpcId: string;
  readonly listenerArn: string;
  readonly appTargetGroupArn: string;
  readonly fileSystemId: string;
  readonly userPoolId: string;
  readonly userPoolClientId: string;
}

export interface GroundOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Where what was made is written down; made anew only while this file is missing. */
  readonly file: string;
  readonly portalUrl: string;
  readonly instructor: { readonly email: string; readonly password: string };
}

/** The listener's port as AWS knows it; the balancer serves it on the port that the person chose. */
export const listenerPort = 80;
const sixtySixMinutes = '4000';

/**
 * Makes, through the SDK clients, what a CloudFormation stack makes on AWS: cluster, balancer, file system, user pool
 * with the first instructor. A half-laid ground is laid again: what has a name or token is found, and a user pool
 * that nobody was told of is left behind empty.
 */
export async function layGround(options: GroundOptions): Promise<Ground> {
  if (fs.existsSync(options.file)) return JSON.parse(fs.readFileSync(options.file, 'utf8'));
  const [network, cluster, fileSystemId, pool] = await Promise.all([
    makeBalancer(options),
    makeCluster(options),
    makeFileSystem(options),
    makeUserPool(options),
  ]);
  const ground: Ground = { vpcId, cluster, fileSystemId, ...network, ...pool };
  fs.writeFileSync(`${options.file}.new`, `${JSON.stringify(ground, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${options.file}.new`, options.file);
  return ground;
}

const vpcId = 'vpc-0a0a0a0a0a0a0a0a0';

async function makeCluster(options: GroundOptions): Promise<string> {
  const { cluster } = await new ECSClient(options).send(new CreateClusterCommand({ clusterName: 'armada' }));
  return known(cluster?.clusterName, 'cluster');
}

async function makeFileSystem(options: GroundOptions): Promise<string> {
  const Tags = [{ Key: 'Name', Value: 'armada' }];
  try {
    const make = new CreateFileSystemCommand({ CreationToken: 'armada', Encrypted: true, Tags });
    return known((await new EFSClient(options).send(make)).FileSystemId, 'file system');
  } catch (error) {
    if (error instanceof FileSystemAlreadyExists) return known(error.FileSystemId, 'file system');
    throw error;
  }
}

async function makeBalancer(options: GroundOptions) {
  const elb = new ElasticLoadBalancingV2Client(options);
  const Subnets = ['subnet-0a0a0a0a0a0a0a0a0', 'subnet-0b0b0b0b0b0b0b0b0'];
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: 'armada', Subnets }));
  const LoadBalancerArn = known(LoadBalancers?.[0]?.LoadBalancerArn, 'load balancer');
  const Attributes = [{ Key: 'idle_timeout.timeout_seconds', Value: sixtySixMinutes }];
  await elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn, Attributes }));
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({
      Name: 'armada-app',
      Protocol: 'HTTP',
      Port: 80,
      VpcId: vpcId,
      TargetType: 'ip',
      HealthCheckPath: '/healthz',
      HealthCheckIntervalSeconds: 5,
      HealthCheckTimeoutSeconds: 2,
    }),
  );
  const appTargetGroupArn = known(TargetGroups?.[0]?.TargetGroupArn, 'target group');
  const DefaultActions = [{ Type: 'forward' as const, TargetGroupArn: appTargetGroupArn }];
  const { Listeners } = await elb.send(
    new CreateListenerCommand({ LoadBalancerArn, Protocol: 'HTTP', Port: listenerPort, DefaultActions }),
  );
  return { listenerArn: known(Listeners?.[0]?.ListenerArn, 'listener'), appTargetGroupArn };
}

function poolSettings({ portalUrl }: Pick<GroundOptions, 'portalUrl'>) {
  return {
    AutoVerifiedAttributes: ['email'],
    Policies: { PasswordPolicy: { MinimumLength: 8, TemporaryPasswordValidityDays: 7 } },
    AdminCreateUserConfig: {
      AllowAdminCreateUserOnly: true,
      InviteMessageTemplate: {
        EmailSubject: 'Your place in class',
        EmailMessage: `You have an editor waiting. Open this link and choose a password; it works once, for 7 days:\n\n${portalUrl}/join#{username}/{####}\n\nOr sign in at ${portalUrl}\n\nSign in with: {username}\nPassword: {####}`,
      },
    },
  } satisfies Partial<CreateUserPoolCommandInput>;
}

async function makeUserPool(options: GroundOptions) {
  const cognito = new CognitoIdentityProviderClient(options);
  const { UserPool } = await cognito.send(
    new CreateUserPoolCommand({ PoolName: 'armada', UsernameAttributes: ['email'], ...poolSettings(options) }),
  );
  const UserPoolId = known(UserPool?.Id, 'user pool');
  const { UserPoolClient } = await cognito.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: 'portal',
      ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      PreventUserExistenceErrors: 'ENABLED',
    }),
  );
  for (const GroupName of ['instructor', 'student'])
    await cognito.send(new CreateGroupCommand({ UserPoolId, GroupName }));
  const { email, password } = options.instructor;
  await cognito.send(
    new AdminCreateUserCommand({
      UserPoolId,
      Username: email,
      TemporaryPassword: password,
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'email', Value: email },
        { Name: 'email_verified', Value: 'true' },
      ],
    }),
  );
  await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: email, GroupName: 'instructor' }));
  return { userPoolId: UserPoolId, userPoolClientId: known(UserPoolClient?.ClientId, 'user pool client') };
}

/** Has invitations name the portal where it is found now: its address may be another than at the first start. */
export async function nameThePortal(options: GroundOptions, { userPoolId }: Ground): Promise<void> {
  const cognito = new CognitoIdentityProviderClient(options);
  await cognito.send(new UpdateUserPoolCommand({ UserPoolId: userPoolId, ...poolSettings(options) }));
}

/** How long a hint that nobody heard is kept: later the 30 s look has long seen what it is about. */
const hintSeconds = '300';

/** Makes the queue that ECS's events go to, or finds it; answers with its URL. */
export async function layEventsQueue(
  options: Pick<GroundOptions, 'endpoint' | 'region' | 'credentials'>,
): Promise<string> {
  const Attributes = { MessageRetentionPeriod: hintSeconds };
  const make = new CreateQueueCommand({ QueueName: 'armada-events', Attributes });
  return known((await new SQSClient(options).send(make)).QueueUrl, 'events queue');
}

/** Points the balancer's default action at the app's present port, as an ECS service on AWS does. */
export async function registerApp(options: GroundOptions, ground: Ground, port: number): Promise<void> {
  const elb = new ElasticLoadBalancingV2Client(options);
  const TargetGroupArn = ground.appTargetGroupArn;
  const { TargetHealthDescriptions = [] } = await elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
  const old = TargetHealthDescriptions.map(each => each.Target).filter(target => target !== undefined);
  const gone = old.filter(target => target.Port !== port);
  if (gone.length) await elb.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets: gone }));
  await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '127.0.0.1', Port: port }] }));
}

/** True while the first instructor still has the one-time password. */
export async function firstPasswordStands(options: GroundOptions, ground: Ground): Promise<boolean> {
  const cognito = new CognitoIdentityProviderClient(options);
  const user = new AdminGetUserCommand({ UserPoolId: ground.userPoolId, Username: options.instructor.email });
  const { UserStatus } = await cognito.send(user);
  return UserStatus === 'FORCE_CHANGE_PASSWORD';
}

function known(value: string | undefined, what: string): string {
  if (value === undefined) throw new Error(`the ${what} was made without an id`);
  return value;
}
