import { Duration, aws_events as events, type Stack, aws_sqs as sqs, aws_events_targets as targets } from 'aws-cdk-lib';
import { accept } from './accepted.ts';
import type { Cluster } from './cluster.ts';

/** Where ECS's events arrive for the controller. */
export interface Events {
  readonly queue: sqs.Queue;
}

/** An event is a hint: after this the controller's own look, every 30 s, has long seen what it was about. */
const retention = Duration.minutes(5);
/** One that a controller took and did not delete, because it died, is the next one's. */
const visibility = Duration.seconds(30);

/** ECS's INFO says what its tasks' own events have said. */
const unwell = ['WARN', 'ERROR'];
/**
 * A task that has come up, is unwell or has ended, a service that is unwell, and hosts: nothing hangs on what lies between,
 * and a class that starts sends several of it for each. The controller passes over the same.
 */
const worthALook = [
  { lastStatus: ['RUNNING', 'STOPPED'] },
  { eventType: unwell },
  { agentConnected: [{ exists: true }] },
] as const;

/** Sends what ECS tells of this cluster to an encrypted queue that only the controller reads. */
export function createEvents(stack: Stack, { cluster }: Cluster): Events {
  const queue = new sqs.Queue(stack, 'Events', {
    encryption: sqs.QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: retention,
    visibilityTimeout: visibility,
  });
  accept(queue, { SQS3: 'What can not be read is deleted by its reader; nothing depends on any one event.' });
  const target = new targets.SqsQueue(queue);
  new events.Rule(stack, 'ClusterEvents', {
    description: 'Armada: tasks, hosts and services of the cluster, as hints to the controller',
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change', 'ECS Container Instance State Change', 'ECS Service Action'],
      detail: { clusterArn: [cluster.clusterArn], $or: [...worthALook] },
    },
    targets: [target],
  });
  // These name no cluster but in their service's ARN.
  const services = stack.formatArn({ service: 'ecs', resource: 'service', resourceName: `${cluster.clusterName}/` });
  new events.Rule(stack, 'DeploymentEvents', {
    description: 'Armada: deployments of the cluster’s services, as hints to the controller',
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Deployment State Change'],
      resources: events.Match.prefix(services),
      detail: { eventType: unwell },
    },
    targets: [target],
  });
  return { queue };
}
