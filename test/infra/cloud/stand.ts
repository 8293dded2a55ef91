import * as cognito from '@aws-sdk/client-cognito-identity-provider';
import * as ecs from '@aws-sdk/client-ecs';
import * as efs from '@aws-sdk/client-efs';
import * as elb from '@aws-sdk/client-elastic-load-balancing-v2';
import * as sqs from '@aws-sdk/client-sqs';
import type { Size } from '../../../api/resources/sizes.ts';
import { createStack, stackName } from '../../../infra/cloud/app.ts';
import { createNoneDriver } from '../../../infra/local/aws/ecs/drivers/none.ts';
import { eventsQueue, region, startLocalAws } from '../../../infra/local/aws/local-aws.ts';
import { type Clients, createClients } from '../../../reconcilers/aws/clients.ts';
import { eventually } from '../../support/eventually.ts';
import { anyPort } from '../../support/product.ts';
import { Intrinsics, type Made, type TemplateJson } from './intrinsics.ts';

const templates = new Map<Size, TemplateJson>();

/** The template of a size, as `npm run synth` writes it. */
export function templateOf(size: Size): TemplateJson {
  const template: TemplateJson =
    templates.get(size) ?? createStack(size).app.synth().getStackByName(stackName).template;
  templates.set(size, template);
  return template;
}

/** A stack that stands in a local AWS: what the product needs of it is made through the SDK, the rest only named. */
export type Stand = Awaited<ReturnType<typeof standUp>>;

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret-of-the-test' };

/** Creates the template's resources in a local AWS without processes, with these parameters. */
export async function standUp(template: TemplateJson, parameters: Readonly<Record<string, string>>) {
  const [securePort, plainPort] = [await anyPort(), await anyPort()];
  const driver = createNoneDriver();
  const aws = await startLocalAws({
    stateFile: ':memory:',
    homes: undefined,
    credentials,
    driver: () => driver,
    instances: { memory: 1 << 20, cpu: 1 << 20, min: 1, max: 4 },
    port: 0,
    listenerPort: port => (port === 443 ? securePort : plainPort),
    probe: async () => true,
  });
  const clients = createClients({ endpoint: aws.url, region, credentials });
  const made = new Map<string, Promise<Made>>();
  const intrinsics = new Intrinsics(template, parameters, logicalId => {
    const known = made.get(logicalId) ?? make(logicalId);
    made.set(logicalId, known);
    return known;
  });

  async function make(logicalId: string): Promise<Made> {
    const resource = template.Resources[logicalId];
    if (!resource || !intrinsics.holds(resource.Condition)) throw new Error(`${logicalId} is not there`);
    const properties = (await intrinsics.resolve(resource.Properties ?? {})) as Properties;
    const create = makers[resource.Type];
    if (create) return create(clients, properties, logicalId);
    const arn = `arn:aws:${resource.Type.split('::')[1]?.toLowerCase()}:us-east-1:000000000000:${logicalId}`;
    return { ref: logicalId, attributes: { Arn: arn } };
  }

  for (const [logicalId, { Condition }] of Object.entries(template.Resources))
    if (intrinsics.holds(Condition)) await intrinsics.resolve({ Ref: logicalId });
  await eventually(async () => {
    const { FileSystems } = await clients.efs.send(new efs.DescribeFileSystemsCommand({}));
    return FileSystems?.every(each => each.LifeCycleState === 'available');
  });

  /** A service's container, its environment and the names of its secrets, from its task definition. */
  async function container(service: 'Api' | 'Controller') {
    const [task] = Object.entries(template.Resources).filter(
      ([id]) => id.startsWith(`${service}Task`) && is(id, 'AWS::ECS::TaskDefinition'),
    );
    const [definition] = (await intrinsics.resolve(task?.[1].Properties?.['ContainerDefinitions'])) as [Container];
    return {
      command: definition.Command,
      environment: Object.fromEntries(definition.Environment.map(({ Name, Value }) => [Name, Value])),
      secrets: definition.Secrets.map(({ Name }) => Name),
    };
  }

  const is = (logicalId: string, type: string) => template.Resources[logicalId]?.Type === type;

  /** The statements of a role's policies. */
  async function statements(role: 'ApiRole' | 'ControllerRole') {
    const policies = Object.entries(template.Resources).filter(
      ([id]) => id.startsWith(role) && is(id, 'AWS::IAM::Policy'),
    );
    const documents = (await intrinsics.resolve(
      policies.map(([, policy]) => policy.Properties?.['PolicyDocument']),
    )) as {
      readonly Statement: readonly Statement[];
    }[];
    return documents.flatMap(({ Statement }) => Statement);
  }

  return {
    aws,
    driver,
    clients,
    credentials,
    securePort,
    plainPort,
    intrinsics,
    container,
    statements,
    async close() {
      clients.destroy();
      await aws.close();
    },
  };
}

/** One statement of a policy, resolved. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

interface Container {
  readonly Command: readonly string[];
  readonly Environment: readonly { readonly Name: string; readonly Value: string }[];
  readonly Secrets: readonly { readonly Name: string }[];
}

// biome-ignore lint/suspicious/noExplicitAny: a template’s properties are checked by whom they are sent to
type Properties = any;

/** How each kind of resource that the product meets is made. Local balancers end no TLS: HTTPS listeners are HTTP. */
const makers: Readonly<Record<string, (clients: Clients, given: Properties, logicalId: string) => Promise<Made>>> = {
  async 'AWS::ECS::Cluster'(clients, { ClusterName }) {
    const { cluster } = await clients.ecs.send(new ecs.CreateClusterCommand({ clusterName: ClusterName }));
    return { ref: cluster!.clusterName!, attributes: { Arn: cluster!.clusterArn! } };
  },
  async 'AWS::ECS::CapacityProvider'(clients, { AutoScalingGroupProvider }, logicalId) {
    const autoScalingGroupArn = AutoScalingGroupProvider.AutoScalingGroupArn;
    const input = { name: logicalId, autoScalingGroupProvider: { autoScalingGroupArn } };
    await clients.ecs.send(new ecs.CreateCapacityProviderCommand(input));
    return { ref: logicalId, attributes: {} };
  },
  async 'AWS::ECS::ClusterCapacityProviderAssociations'(clients, given) {
    await clients.ecs.send(
      new ecs.PutClusterCapacityProvidersCommand({
        cluster: given.Cluster,
        capacityProviders: given.CapacityProviders,
        defaultCapacityProviderStrategy: [],
      }),
    );
    return { ref: given.Cluster, attributes: {} };
  },
  async 'AWS::ElasticLoadBalancingV2::LoadBalancer'(clients, given, logicalId) {
    const { LoadBalancers } = await clients.elb.send(
      new elb.CreateLoadBalancerCommand({
        Name: logicalId,
        Subnets: given.Subnets,
        Scheme: given.Scheme,
        SecurityGroups: given.SecurityGroups,
      }),
    );
    const { LoadBalancerArn = '', DNSName = '' } = LoadBalancers![0]!;
    const Attributes = given.LoadBalancerAttributes;
    await clients.elb.send(new elb.ModifyLoadBalancerAttributesCommand({ LoadBalancerArn, Attributes }));
    const LoadBalancerFullName = LoadBalancerArn.split(':loadbalancer/')[1]!;
    return { ref: LoadBalancerArn, attributes: { DNSName, LoadBalancerFullName, CanonicalHostedZoneID: 'Z1' } };
  },
  async 'AWS::ElasticLoadBalancingV2::TargetGroup'(clients, given, logicalId) {
    const { TargetGroupAttributes: Attributes, ...settings } = given;
    const { TargetGroups } = await clients.elb.send(new elb.CreateTargetGroupCommand({ Name: logicalId, ...settings }));
    const { TargetGroupArn = '' } = TargetGroups![0]!;
    await clients.elb.send(new elb.ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes }));
    return { ref: TargetGroupArn, attributes: {} };
  },
  async 'AWS::ElasticLoadBalancingV2::Listener'(clients, { LoadBalancerArn, Port, DefaultActions }) {
    const input = { LoadBalancerArn, Port, Protocol: 'HTTP', DefaultActions } as const;
    const { Listeners } = await clients.elb.send(new elb.CreateListenerCommand(input));
    return { ref: Listeners![0]!.ListenerArn!, attributes: {} };
  },
  async 'AWS::EFS::FileSystem'(clients, { Encrypted }, logicalId) {
    const made = await clients.efs.send(new efs.CreateFileSystemCommand({ CreationToken: logicalId, Encrypted }));
    return { ref: made.FileSystemId!, attributes: { Arn: made.FileSystemArn! } };
  },
  async 'AWS::SQS::Queue'(clients, given) {
    const { protocol, hostname, port } = await clients.ecs.config.endpoint!();
    const client = new sqs.SQSClient({ endpoint: `${protocol}//${hostname}:${port}`, region, credentials });
    const Attributes = {
      MessageRetentionPeriod: String(given.MessageRetentionPeriod),
      VisibilityTimeout: String(given.VisibilityTimeout),
    };
    // CloudFormation gives it a name; the local EventBridge knows this one.
    const { QueueUrl = '' } = await client.send(new sqs.CreateQueueCommand({ QueueName: eventsQueue, Attributes }));
    client.destroy();
    return { ref: QueueUrl, attributes: { Arn: `arn:aws:sqs:us-east-1:000000000000:${eventsQueue}` } };
  },
  async 'AWS::CloudFront::Distribution'(_clients, _given, logicalId) {
    return { ref: logicalId, attributes: { DomainName: `${logicalId.toLowerCase()}.cloudfront.net` } };
  },
  async 'AWS::Cognito::UserPool'(clients, given, logicalId) {
    const { Policies, UsernameAttributes, AutoVerifiedAttributes, AdminCreateUserConfig } = given;
    const { UserPool } = await clients.cognito.send(
      new cognito.CreateUserPoolCommand({
        PoolName: logicalId,
        ...{ Policies, UsernameAttributes, AutoVerifiedAttributes, AdminCreateUserConfig },
      }),
    );
    return { ref: UserPool!.Id!, attributes: { Arn: UserPool!.Arn! } };
  },
  async 'AWS::Cognito::UserPoolClient'(clients, given) {
    const { UserPoolId, ExplicitAuthFlows, PreventUserExistenceErrors, GenerateSecret } = given;
    const { UserPoolClient } = await clients.cognito.send(
      new cognito.CreateUserPoolClientCommand({
        ClientName: 'portal',
        ...{ UserPoolId, ExplicitAuthFlows, PreventUserExistenceErrors, GenerateSecret },
      }),
    );
    return { ref: UserPoolClient!.ClientId!, attributes: {} };
  },
  async 'AWS::Cognito::UserPoolGroup'(clients, { UserPoolId, GroupName }) {
    await clients.cognito.send(new cognito.CreateGroupCommand({ UserPoolId, GroupName }));
    return { ref: GroupName, attributes: {} };
  },
  async 'AWS::Cognito::UserPoolUser'(clients, { UserPoolId, Username, UserAttributes, DesiredDeliveryMediums }) {
    await clients.cognito.send(
      new cognito.AdminCreateUserCommand({ UserPoolId, Username, UserAttributes, DesiredDeliveryMediums }),
    );
    return { ref: Username, attributes: {} };
  },
  async 'AWS::Cognito::UserPoolUserToGroupAttachment'(clients, { UserPoolId, Username, GroupName }) {
    await clients.cognito.send(new cognito.AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
    return { ref: Username, attributes: {} };
  },
};
