import type { ContainerDefinition, RegisterTaskDefinitionRequest, Volume } from '@aws-sdk/client-ecs';
import { AwsError } from '../protocol.ts';
import { isName } from './names.ts';

/** AWS's limits. Source: Amazon ECS service quotas. */
const containersPerDefinition = 10;
const definitionBytes = 64 * 1024;

/** Refuses, as a ClientException, what AWS refuses to register. */
export function checkDefinition(input: RegisterTaskDefinitionRequest): void {
  const containers = input.containerDefinitions ?? [];
  if (!isName(input.family)) refuse('Invalid family. Up to 255 letters, numbers, hyphens and underscores are allowed.');
  if (containers.length === 0) refuse('Container list cannot be empty.');
  if (containers.length > containersPerDefinition) refuse('Container list cannot contain more than 10 items.');
  if (JSON.stringify(input).length > definitionBytes) refuse('Task definition size exceeds 64 KiB.');
  const names = containers.map(container => container.name);
  if (new Set(names).size < names.length) refuse('Container name should be unique.');
  if (!containers.some(container => container.essential !== false))
    refuse('Task definition must have at least one essential container.');
  for (const volume of input.volumes ?? []) checkVolume(volume);
  for (const container of containers) checkContainer(container, input);
  checkOrder(containers);
}

function refuse(message: string): never {
  throw new AwsError('ClientException', message);
}

function checkVolume(volume: Volume): void {
  if (!isName(volume.name)) refuse(`Volume name '${volume.name}' is not valid.`);
  const efs = volume.efsVolumeConfiguration;
  if (!efs) return;
  if (!efs.fileSystemId) refuse('EFS file system ID must be specified.');
  if (!efs.authorizationConfig?.accessPointId) return;
  if (efs.transitEncryption !== 'ENABLED')
    refuse('Transit encryption must be enabled when an access point is specified in the EFS authorization config.');
  if (efs.rootDirectory !== undefined && efs.rootDirectory !== '/')
    refuse('Root directory must either be omitted or set to "/" when an access point is specified.');
}

function checkContainer(container: ContainerDefinition, input: RegisterTaskDefinitionRequest): void {
  const { name } = container;
  if (!isName(name)) refuse('Container name is not valid.');
  if (!container.image) refuse('Container.image should not be null or empty.');
  if (container.memory === undefined && container.memoryReservation === undefined && input.memory === undefined)
    refuse(
      `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
    );
  if (container.memory !== undefined && container.memory < 6)
    refuse(`Invalid setting for container '${name}'. Memory must be at least 6 MiB.`);
  if ((container.memoryReservation ?? 0) > (container.memory ?? Number.POSITIVE_INFINITY))
    refuse(`Invalid setting for container '${name}'. 'memory' must be greater than 'memoryReservation'.`);
  if ((container.stopTimeout ?? 0) > 120)
    refuse(`Invalid setting for container '${name}'. 'stopTimeout' must be at most 120 seconds.`);
  for (const mount of container.mountPoints ?? [])
    if (!input.volumes?.some(volume => volume.name === mount.sourceVolume))
      refuse(`Unknown volume '${mount.sourceVolume}'.`);
  checkHealth(container);
}

function checkHealth({ name, healthCheck }: ContainerDefinition): void {
  if (!healthCheck) return;
  const form = healthCheck.command?.[0];
  if (form !== 'CMD' && form !== 'CMD-SHELL' && form !== 'NONE')
    refuse(`Container '${name}': health check command must start with CMD or CMD-SHELL.`);
  const limits = [
    ['interval', healthCheck.interval, 5, 300],
    ['timeout', healthCheck.timeout, 2, 60],
    ['retries', healthCheck.retries, 1, 10],
    ['startPeriod', healthCheck.startPeriod, 0, 300],
  ] as const;
  for (const [member, value, least, most] of limits)
    if (value !== undefined && (value < least || value > most))
      refuse(`Container '${name}': health check ${member} must be between ${least} and ${most}.`);
}

/** dependsOn must name containers, without a circle, and HEALTHY wants a health check. */
function checkOrder(containers: readonly ContainerDefinition[]): void {
  const done = new Set<string | undefined>();
  let left = containers;
  for (const container of containers)
    for (const { containerName, condition } of container.dependsOn ?? []) {
      const other = containers.find(candidate => candidate.name === containerName);
      if (!other)
        refuse(`Container '${container.name}' depends on '${containerName}', which is not in the task definition.`);
      if (condition === 'HEALTHY' && !other.healthCheck)
        refuse(
          `Container '${container.name}' depends on '${containerName}' being HEALTHY, but it has no health check.`,
        );
      if ((condition === 'COMPLETE' || condition === 'SUCCESS') && other.essential !== false)
        refuse(`Container '${containerName}' must not be essential: '${container.name}' waits for its end.`);
    }
  while (left.length > 0) {
    const free = left.filter(container =>
      (container.dependsOn ?? []).every(({ containerName }) => done.has(containerName)),
    );
    if (free.length === 0) refuse('There is a cycle in the container dependencies.');
    for (const container of free) done.add(container.name);
    left = left.filter(container => !done.has(container.name));
  }
}
