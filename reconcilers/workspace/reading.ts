import { isDeepStrictEqual } from 'node:util';
import type { Container, Service as EcsService, Task as EcsTask } from '@aws-sdk/client-ecs';
import type { AccessPointDescription } from '@aws-sdk/client-efs';
import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import { type Owner, ownership } from '../aws/names.ts';
import { containerNames } from './blueprint.ts';
import type { Address } from './ground.ts';
import type { Crash, Deployment, Home, Service, Task } from './model.ts';

/** AWS's answers in our words. */

/** A task that was told to stop, or lost its host, is no crash. Source: ECS, stopped tasks. */
const crashCodes: readonly (string | undefined)[] = ['TaskFailedToStart', 'EssentialContainerExited'];
/** SIGKILL and SIGTERM: how a container ends when its task is stopped because of the other one. */
const killedCodes = [137, 143];

export function homeFrom(accessPoint: AccessPointDescription, owner: Owner): Home {
  const tags = new Map(accessPoint.Tags?.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
  const { LifeCycleState } = accessPoint;
  const isGoing = LifeCycleState === 'deleting' || LifeCycleState === 'deleted' || LifeCycleState === 'error';
  return {
    id: accessPoint.AccessPointId ?? '',
    state: isGoing ? 'going' : LifeCycleState === 'available' ? 'available' : 'preparing',
    owner: ownership(tags, owner),
  };
}

/** Undefined for a service that is over: its name is free. */
export function serviceFrom(service: EcsService | undefined, owner: Owner): Service | undefined {
  if (!service || service.status === 'INACTIVE') return undefined;
  const deployment = deploymentFrom(service);
  return {
    arn: service.serviceArn ?? '',
    state: service.status === 'DRAINING' ? 'draining' : 'active',
    // An answer without tags says nothing: writes leave them out.
    owner: ownership(new Map(service.tags?.map(({ key, value }) => [key ?? '', value ?? ''])), owner),
    desired: service.desiredCount ?? 0,
    running: service.runningCount ?? 0,
    pending: service.pendingCount ?? 0,
    blueprintId: service.taskDefinition ?? '',
    targetId: service.loadBalancers?.[0]?.targetGroupArn,
    deployment,
    noRoom:
      service.events?.some(event => isNoRoom(event.message) && (event.createdAt ?? 0) >= deployment.startedAt) ?? false,
  };
}

/** The one thing that ECS says in an event's text alone. It decides what is shown, and nothing that is done. */
function isNoRoom(message: string | undefined): boolean {
  return message?.includes('unable to place a task') ?? false;
}

function deploymentFrom(service: EcsService): Deployment {
  const primary = service.deployments?.find(({ status }) => status === 'PRIMARY');
  const rollout = primary?.rolloutState;
  return {
    id: primary?.id ?? '',
    startedAt: primary?.createdAt ?? service.createdAt ?? new Date(0),
    rollout: rollout === 'FAILED' ? 'failed' : rollout === 'COMPLETED' ? 'completed' : 'going',
    failures: primary?.failedTasks ?? 0,
  };
}

export function taskFrom(task: EcsTask): Task {
  return {
    id: task.taskArn ?? '',
    state: stateOf(task),
    createdAt: task.createdAt ?? new Date(0),
    startedAt: task.startedAt,
    stoppedAt: task.stoppedAt,
    crash: crashOf(task),
  };
}

function stateOf({ lastStatus, desiredStatus, pullStartedAt, pullStoppedAt }: EcsTask): Task['state'] {
  if (lastStatus === 'STOPPED' || lastStatus === 'DELETED') return 'stopped';
  if (desiredStatus === 'STOPPED') return 'stopping';
  if (lastStatus === 'RUNNING' || lastStatus === 'ACTIVATING') return 'running';
  return pullStartedAt && !pullStoppedAt ? 'loading' : 'pending';
}

function crashOf(task: EcsTask): Crash | undefined {
  if (!task.stopCode || !crashCodes.includes(task.stopCode)) return undefined;
  const container = culprit(task.containers ?? []);
  return {
    container: container?.name ?? containerNames.ide,
    exitCode: container?.exitCode ?? null,
    reason: container?.reason ?? task.stoppedReason ?? task.stopCode,
  };
}

/** The container that began it: one with a reason of its own, else one that nobody killed. */
function culprit(containers: readonly Container[]): Container | undefined {
  const ended = containers.filter(({ exitCode }) => exitCode !== undefined);
  return (
    containers.find(({ reason }) => reason !== undefined) ??
    ended.find(({ exitCode }) => exitCode !== 0 && !killedCodes.includes(exitCode ?? 0)) ??
    ended.find(({ exitCode }) => !killedCodes.includes(exitCode ?? 0)) ??
    ended[0]
  );
}

/** Ports of its host under which a running task can be reached. */
export function portsOf(tasks: readonly EcsTask[]): readonly number[] {
  const running = tasks.filter(
    ({ lastStatus, desiredStatus }) => lastStatus === 'RUNNING' && desiredStatus === 'RUNNING',
  );
  const bindings = running.flatMap(task => task.containers ?? []).flatMap(container => container.networkBindings ?? []);
  return bindings.flatMap(({ hostPort }) => hostPort ?? []);
}

/** Whether a rule matches exactly this address; conditions of other kinds are a stranger's idea. */
export function matchesOnly(rule: Rule, address: Address | undefined): boolean {
  if (!address) return false;
  const conditions = rule.Conditions ?? [];
  const hosts = conditions.flatMap(({ HostHeaderConfig, Field, Values }) =>
    Field === 'host-header' ? (HostHeaderConfig?.Values ?? Values ?? []) : [],
  );
  const paths = conditions.flatMap(({ PathPatternConfig, Field, Values }) =>
    Field === 'path-pattern' ? (PathPatternConfig?.Values ?? Values ?? []) : [],
  );
  return (
    conditions.length === (address.paths.length === 0 ? 1 : 2) &&
    isDeepStrictEqual(
      hosts.map(host => host.toLowerCase()),
      [address.host],
    ) &&
    isDeepStrictEqual(paths.toSorted(), address.paths.toSorted())
  );
}

/** Target groups that a rule forwards to. */
export function targetsOf(rule: Rule): readonly string[] {
  const forwards = rule.Actions?.filter(({ Type }) => Type === 'forward') ?? [];
  return forwards.flatMap(
    ({ TargetGroupArn, ForwardConfig }) =>
      TargetGroupArn ?? ForwardConfig?.TargetGroups?.flatMap(group => group.TargetGroupArn ?? []) ?? [],
  );
}
