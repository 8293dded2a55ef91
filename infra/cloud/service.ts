import {
  Duration,
  aws_ecs as ecs,
  Fn,
  aws_iam as iam,
  aws_logs as logs,
  RemovalPolicy,
  type Stack,
  aws_secretsmanager as secrets,
} from 'aws-cdk-lib';
import type { Size } from '../../api/resources/sizes.ts';
import { accept } from './accepted.ts';
import type { Database } from './database.ts';
import { appPort, type Network } from './network.ts';
import type { Parameters } from './parameters.ts';
import type { Ground, Roles } from './roles.ts';

/** The app: API and controller, one image, two services. */
export interface App {
  readonly api: ecs.FargateService;
  readonly controller: ecs.FargateService;
}

export interface AppOptions {
  readonly network: Network;
  readonly parameters: Parameters;
  readonly size: Size;
  readonly ground: Ground;
  readonly roles: Roles;
  readonly database: Database;
}

/** Where the controller tells its health, on its task's own loopback. */
const controllerPort = 9464;

/** The smallest Fargate task: 0.25 vCPU and 0.5 GB. */
const smallest = { cpu: 256, memoryLimitMiB: 512 };

/** Runs API and controller on the smallest Fargate tasks in the public subnets, reached by the balancers alone. */
export function createApp(stack: Stack, options: AppOptions): App {
  const { database, ground, network, parameters, roles, size } = options;
  const secret = new secrets.Secret(stack, 'ArmadaSecret', {
    description: 'Armada derives its ticket key and heartbeat tokens from this',
    generateSecretString: { passwordLength: 48, excludePunctuation: true },
  });
  accept(secret, { SMG4: 'It derives the keys of running gates: changing it is a deliberate step, not a schedule.' });
  const shared = {
    logGroup: new logs.LogGroup(stack, 'AppLogs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    }),
    environment: environmentOf(stack, options),
    secrets: {
      ARMADA_SECRET: ecs.Secret.fromSecretsManager(secret),
      PGPASSWORD: ecs.Secret.fromSecretsManager(database.secret, 'password'),
    },
    image: ecs.ContainerImage.fromRegistry(`${parameters.imagePrefix}-app:${parameters.imageTag}`),
  };
  const service = (id: 'Api' | 'Controller', command: string[], port: number) => {
    const taskRole = id === 'Api' ? roles.api : roles.controller;
    const task = new ecs.FargateTaskDefinition(stack, `${id}Task`, { ...smallest, taskRole });
    const raw = task.node.defaultChild;
    if (raw instanceof ecs.CfnTaskDefinition)
      raw.addPropertyOverride('RuntimePlatform', {
        CpuArchitecture: Fn.conditionIf(parameters.isArm.logicalId, 'ARM64', 'X86_64'),
        OperatingSystemFamily: 'LINUX',
      });
    allowPulling(stack, task);
    accept(task, { ECS2: 'These are names and addresses; what is secret comes from Secrets Manager.' });
    task.addContainer('app', {
      image: shared.image,
      command,
      environment:
        id === 'Api' ? shared.environment : { ...shared.environment, ARMADA_METRICS_PORT: String(controllerPort) },
      secrets: shared.secrets,
      portMappings: id === 'Api' ? [{ containerPort: appPort }] : [],
      logging: ecs.LogDrivers.awsLogs({ logGroup: shared.logGroup, streamPrefix: id.toLowerCase() }),
      readonlyRootFilesystem: true,
      healthCheck: {
        command: ['CMD', 'node', 'infra/images/app/healthy.mjs', `http://127.0.0.1:${port}/healthz`],
        interval: Duration.seconds(15),
        startPeriod: Duration.seconds(60),
      },
    });
    const made = new ecs.FargateService(stack, id, {
      cluster: ground.cluster.cluster,
      taskDefinition: task,
      desiredCount: size.replicas,
      assignPublicIp: true,
      vpcSubnets: { subnetGroupName: 'public' },
      securityGroups: [network.appGroup],
      circuitBreaker: { enable: true, rollback: true },
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      enableExecuteCommand: false,
    });
    // A task that starts before it may pull, log or reach anything would trip the circuit breaker.
    made.node.addDependency(network.vpc.internetConnectivityEstablished, task.obtainExecutionRole(), taskRole);
    return made;
  };
  const api = service('Api', ['node', 'api/http/server.ts'], appPort);
  const controller = service('Controller', ['node', 'controller/main.ts'], controllerPort);
  const cfn = api.node.defaultChild;
  if (cfn instanceof ecs.CfnService) {
    cfn.loadBalancers = ground.entrance.appTargetGroupArns.map(targetGroupArn => ({
      containerName: 'app',
      containerPort: appPort,
      targetGroupArn,
    }));
    cfn.healthCheckGracePeriodSeconds = 120;
    for (const listener of ground.entrance.listeners) cfn.addResourceDependency(listener);
  }
  return { api, controller };
}

/** From this account's own registry; a public one asks for nothing. */
function allowPulling(stack: Stack, task: ecs.FargateTaskDefinition): void {
  const role = task.obtainExecutionRole();
  const repository = `arn:${stack.partition}:ecr:${stack.region}:${stack.account}:repository/*-app`;
  const statement = (actions: string[], resource: string) =>
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({ actions: actions.map(name => `ecr:${name}`), resources: [resource] }),
    );
  statement(['GetAuthorizationToken'], '*');
  statement(['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer'], repository);
  accept(task, {
    'IAM5[Resource::*]': 'Asking for a token to pull with knows no resource.',
    'IAM5[Resource::arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/*-app]':
      'Whoever builds the app’s image chooses what its name begins with.',
  });
}

/** Where the app's image keeps the certificates of RDS's authorities. */
const databaseAuthorities = '/app/rds-authorities.pem';

/** The settings of API and controller, as ARCHITECTURE.md's table has them. */
function environmentOf(stack: Stack, { database, ground, network, parameters }: AppOptions): Record<string, string> {
  const { cluster, deployment, entrance, events, files, identity } = ground;
  const image = (name: string) => `${parameters.imagePrefix}-${name}:${parameters.imageTag}`;
  return {
    NODE_ENV: 'production',
    // What the image's Dockerfile fetches: DATABASE_URL demands that the database's certificate is of one of these.
    NODE_EXTRA_CA_CERTS: databaseAuthorities,
    AWS_REGION: stack.region,
    DATABASE_URL: database.url,
    ARMADA_DEPLOYMENT: deployment,
    ARMADA_CLUSTER: cluster.cluster.clusterName,
    ARMADA_CAPACITY_PROVIDER: cluster.capacityProvider,
    ARMADA_VPC_ID: network.vpc.vpcId,
    ARMADA_BALANCERS: entrance.balancersJson,
    ARMADA_PROXIES: entrance.proxies,
    ARMADA_EVENTS_QUEUE_URL: events.queue.queueUrl,
    ARMADA_FILE_SYSTEM_ID: files.fileSystem.ref,
    ARMADA_USER_POOL_ID: identity.pool.userPoolId,
    ARMADA_USER_POOL_CLIENT_ID: identity.client.userPoolClientId,
    ARMADA_PORTAL_URL: entrance.portalUrl,
    ARMADA_GATE_IMAGE: image('gate'),
    ARMADA_IDE_IMAGE: image('ide'),
    ARMADA_EXECUTION_ROLE_ARN: cluster.workspaceExecutionRole.roleArn,
    ARMADA_LOG_GROUP: cluster.workspaceLogs.logGroupName,
    // The container's own network: the security group is the wall.
    HOST: '0.0.0.0',
    PORT: String(appPort),
  };
}
