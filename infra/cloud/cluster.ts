import {
  aws_autoscaling as autoscaling,
  aws_ec2 as ec2,
  aws_ecs as ecs,
  Fn,
  aws_iam as iam,
  aws_logs as logs,
  RemovalPolicy,
  type Stack,
} from 'aws-cdk-lib';
import { accept } from './accepted.ts';
import { hostCommands } from './host-firewall.ts';
import type { Network } from './network.ts';
import type { Parameters } from './parameters.ts';

/** Where workspaces run. */
export interface Cluster {
  readonly cluster: ecs.Cluster;
  readonly name: string;
  readonly capacityProvider: string;
  /** Pulls images and writes logs for workspaces' tasks; nothing a student's process can reach. */
  readonly workspaceExecutionRole: iam.Role;
  readonly workspaceLogs: logs.LogGroup;
}

const clusterName = 'armada';

/**
 * A cluster of EC2 hosts that follows the memory that tasks reserve, from none to the parameter's number. A host with a
 * session on it never goes: managed termination protection.
 */
export function createCluster(stack: Stack, network: Network, parameters: Parameters): Cluster {
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc: network.vpc, clusterName });
  const role = new iam.Role(stack, 'HostRole', {
    assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role')],
  });
  const userData = ec2.UserData.forLinux();
  userData.addCommands(...hostCommands(clusterName));
  const launchTemplate = new ec2.LaunchTemplate(stack, 'HostTemplate', {
    machineImage: ecs.EcsOptimizedImage.amazonLinux2023(),
    instanceType: new ec2.InstanceType(parameters.instanceType),
    securityGroup: network.hostGroup,
    role,
    userData,
    requireImdsv2: true,
    // A packet from a container is one hop further away than the host: it never gets an answer.
    httpPutResponseHopLimit: 1,
    associatePublicIpAddress: true,
    blockDevices: [{ deviceName: '/dev/xvda', volume: autoscalingVolume(hostDisk) }],
  });
  const { isArm } = parameters;
  const arm = ecs.EcsOptimizedImage.amazonLinux2023(ecs.AmiHardwareType.ARM).getImage(stack).imageId;
  const x86 = ecs.EcsOptimizedImage.amazonLinux2023().getImage(stack).imageId;
  const raw = launchTemplate.node.defaultChild;
  if (raw instanceof ec2.CfnLaunchTemplate)
    raw.addPropertyOverride('LaunchTemplateData.ImageId', Fn.conditionIf(isArm.logicalId, arm, x86));
  const group = new autoscaling.AutoScalingGroup(stack, 'Hosts', {
    vpc: network.vpc,
    vpcSubnets: { subnetGroupName: 'public' },
    launchTemplate,
    minCapacity: 0,
    maxCapacity: parameters.maxHosts,
    newInstancesProtectedFromScaleIn: true,
    groupMetrics: [autoscaling.GroupMetrics.all()],
  });
  accept(cluster, { ECS4: 'Container Insights charges for each task’s metrics; alarms use the free ones.' });
  accept(role, {
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]':
      'AWS’s own policy for the ECS agent changes with the agent.',
    'IAM5[Action::ecs:Submit*]': 'What the agent reports with, as AWS’s own policy for it has it.',
    'IAM5[Resource::*]': 'The agent’s endpoint and telemetry calls know no resource.',
  });
  accept(group, { AS3: 'Hosts come and go all day; an alarm tells when they can’t.' });
  const provider = new ecs.AsgCapacityProvider(stack, 'HostCapacity', {
    autoScalingGroup: group,
    enableManagedScaling: true,
    enableManagedTerminationProtection: true,
    enableManagedDraining: true,
    targetCapacityPercent: 100,
  });
  cluster.addAsgCapacityProvider(provider);

  const workspaceLogs = new logs.LogGroup(stack, 'WorkspaceLogs', {
    retention: logs.RetentionDays.TWO_WEEKS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const workspaceExecutionRole = new iam.Role(stack, 'WorkspaceExecutionRole', {
    assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com'),
    managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonECSTaskExecutionRolePolicy')],
  });
  accept(workspaceExecutionRole, {
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy]':
      'Pulls images and writes logs, wherever an instructor keeps their images; no container can use it.',
  });
  return {
    cluster,
    name: clusterName,
    capacityProvider: provider.capacityProviderName,
    workspaceExecutionRole,
    workspaceLogs,
  };
}

/** Images and containers' own files, in GiB; homes are elsewhere. No smaller than ECS's own image. */
const hostDisk = 30;

/** A host's disk of this many GiB. */
function autoscalingVolume(gibibytes: number): ec2.BlockDeviceVolume {
  return ec2.BlockDeviceVolume.ebs(gibibytes, { encrypted: true, volumeType: ec2.EbsDeviceVolumeType.GP3 });
}
