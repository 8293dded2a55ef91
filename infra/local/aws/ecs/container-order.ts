import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import type { ContainerExit } from './driver.ts';
import { newTaskId } from './names.ts';
import type { ContainerRecord, TaskDefinitionRecord } from './records.ts';

/** Source: the SDK's comment on ContainerRestartPolicy.restartAttemptPeriod. */
const defaultRestartPeriod = 300;

/** The containers of a task that is about to start. */
export function newContainers(definition: TaskDefinitionRecord): ContainerRecord[] {
  return (definition.input.containerDefinitions ?? []).map(({ name = '', image = '' }) => ({
    name,
    image,
    runtimeId: newTaskId(),
    lastStatus: 'PENDING',
    healthStatus: 'UNKNOWN',
    ports: [],
  }));
}

/** Whether everything that a container's dependsOn asks for has come about. */
export function mayStart({ dependsOn = [] }: ContainerDefinition, records: readonly ContainerRecord[]): boolean {
  return dependsOn.every(({ containerName, condition }) => {
    const other = records.find(({ name }) => name === containerName);
    if (condition === 'HEALTHY') return other?.healthStatus === 'HEALTHY';
    if (condition === 'COMPLETE') return other?.lastStatus === 'STOPPED';
    if (condition === 'SUCCESS') return other?.lastStatus === 'STOPPED' && other.exitCode === 0;
    return other !== undefined && other.lastStatus !== 'PENDING';
  });
}

/** Whether a container that ended is started again in its place. */
export function mayRestart(
  { restartPolicy }: ContainerDefinition,
  { startedAt }: ContainerRecord,
  { exitCode }: ContainerExit,
  now: number,
): boolean {
  if (!restartPolicy?.enabled || restartPolicy.ignoredExitCodes?.includes(exitCode)) return false;
  if (startedAt === undefined) return false;
  return now - startedAt >= (restartPolicy.restartAttemptPeriod ?? defaultRestartPeriod) * 1000;
}

/** The order of stopping: dependants first, then what they depend on. */
export function stopLayers(containers: readonly ContainerDefinition[]): ContainerDefinition[][] {
  const layers: ContainerDefinition[][] = [];
  let left = containers;
  while (left.length > 0) {
    const depended = new Set(left.flatMap(({ dependsOn }) => dependsOn?.map(d => d.containerName) ?? []));
    const layer = left.filter(({ name }) => !depended.has(name));
    layers.push(layer);
    left = left.filter(container => !layer.includes(container));
  }
  return layers;
}
