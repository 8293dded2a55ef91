import { createHash } from 'node:crypto';
import type { ContainerDefinition, LogConfiguration, RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { gateEnvironment, taskPaths } from '../../api/resources/entrance.ts';
import { workspaceUrl } from '../../api/resources/host.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { familyName } from '../aws/names.ts';
import { ides } from './ides.ts';
import type { WorkspaceSettings } from './settings.ts';

/** Names of a task's two containers. */
export const containerNames = { gate: 'gate', ide: 'ide' } as const;
/** Port that the gate listens on inside its container. */
export const gatePort = 8080;

/** Gate and IDE are different users of one group, so that they share the socket and nothing else. */
const gateUidOffset = 100_000;
/** MiB. The gate holds a few sockets. */
const gateMemory = { soft: 64, hard: 128 };
/** Processes and threads of one student: editors and builds take some hundreds, a fork bomb all that there are. */
const mostProcesses = 2048;
/** Within this an editor saves and ends; every stop waits for it. */
const stopSeconds = 10;
/** Every 5 s, 3 misses; a minute for a first start. */
const healthCheck = { interval: 5, timeout: 4, retries: 3, startPeriod: 60 };

/** A task definition as it is asked for, without tags, and the hash that tells it from others. */
export interface RenderedBlueprint {
  readonly definition: RegisterTaskDefinitionRequest;
  readonly hash: string;
}

/** Image that a workspace's IDE runs. */
export function imageOf(workspace: Pick<Workspace, 'template'>, settings: Pick<WorkspaceSettings, 'ideImage'>): string {
  return workspace.template.image ?? settings.ideImage;
}

/** All of a workspace that its blueprint is made of: what is not here can't be in one, and a hash is remembered by it. */
type Drawn = Pick<Workspace, 'id' | 'slug' | 'home' | 'template'>;

/** Renders a workspace's task definition: a pure function of course, workspace, home and settings. */
export function renderBlueprint(workspace: Drawn, homeId: string, settings: WorkspaceSettings): RenderedBlueprint {
  const { fileSystemId, executionRoleArn } = settings;
  const definition = {
    family: familyName(settings.deployment, workspace.id),
    networkMode: 'bridge',
    requiresCompatibilities: ['EC2'],
    ...(executionRoleArn === undefined ? {} : { executionRoleArn }),
    containerDefinitions: [gate(workspace, settings), ide(workspace, settings)],
    volumes: [
      {
        name: 'home',
        efsVolumeConfiguration: {
          fileSystemId,
          transitEncryption: 'ENABLED',
          authorizationConfig: { accessPointId: homeId, iam: 'DISABLED' },
        },
      },
      // Lives as long as the task: holds the IDE's socket and the gate's sign that the home is held.
      { name: 'run', dockerVolumeConfiguration: { scope: 'task', driver: 'local' } },
    ],
  } satisfies RegisterTaskDefinitionRequest;
  return { definition, hash: createHash('sha256').update(JSON.stringify(definition)).digest('hex') };
}

/** A hash, and all of a workspace that it was made of. */
interface Hashed {
  readonly of: string;
  readonly hash: string;
}

const hashes = new WeakMap<WorkspaceSettings, Map<string, Hashed>>();
/** More workspaces than a deployment has: those that are gone are forgotten with the rest. */
const mostHashes = 20_000;

/** The hash alone, remembered: every look at every workspace compares it, and it seldom changes. */
export function blueprintHash(
  { id, slug, home, template }: Drawn,
  homeId: string,
  settings: WorkspaceSettings,
): string {
  const known = hashes.get(settings) ?? new Map<string, Hashed>();
  hashes.set(settings, known);
  const last = known.get(id);
  const drawn: Drawn = { id, slug, home, template };
  const of = JSON.stringify([homeId, drawn]);
  if (last?.of === of) return last.hash;
  const { hash } = renderBlueprint(drawn, homeId, settings);
  if (known.size >= mostHashes) known.clear();
  known.set(id, { of, hash });
  return hash;
}

/** Hash of what a task is told of where portal and workspace are: one that was told otherwise lets nobody in. */
export function addressesOf(workspace: Pick<Workspace, 'slug'>, settings: WorkspaceSettings): string {
  const { portalUrl, heartbeatUrl } = settings;
  return createHash('sha256')
    .update(`${portalUrl} ${heartbeatUrl} ${originsOf(workspace, settings)}`)
    .digest('hex')
    .slice(0, 16);
}

function originsOf({ slug }: Pick<Workspace, 'slug'>, { balancers, portalUrl }: WorkspaceSettings): string {
  return balancers.map(balancer => workspaceUrl(slug, balancer, portalUrl)).join(' ');
}

function gate(workspace: Drawn, settings: WorkspaceSettings): ContainerDefinition {
  const { id, slug, home } = workspace;
  const { portalUrl, heartbeatUrl, keys } = settings;
  return {
    ...common(settings, containerNames.gate),
    image: settings.gateImage,
    user: `${home.uid + gateUidOffset}:${home.uid}`,
    memory: gateMemory.hard,
    memoryReservation: gateMemory.soft,
    portMappings: [{ containerPort: gatePort, hostPort: 0, protocol: 'tcp' }],
    environment: pairs({
      [gateEnvironment.port]: String(gatePort),
      [gateEnvironment.workspaceId]: id,
      [gateEnvironment.slug]: slug,
      [gateEnvironment.homeId]: home.id,
      [gateEnvironment.homePath]: taskPaths.home,
      [gateEnvironment.origins]: originsOf(workspace, settings),
      [gateEnvironment.portalUrl]: portalUrl,
      [gateEnvironment.heartbeatUrl]: heartbeatUrl,
      [gateEnvironment.heartbeatToken]: keys.heartbeatToken(id),
      [gateEnvironment.ticketKeys]: JSON.stringify(keys.publicKeys),
      [gateEnvironment.ideSocket]: taskPaths.ideSocket,
      [gateEnvironment.readyFile]: taskPaths.gateReady,
    }),
    healthCheck: { command: ['CMD-SHELL', `test -e ${taskPaths.gateReady}`], ...healthCheck },
  };
}

function ide(workspace: Drawn, settings: WorkspaceSettings): ContainerDefinition {
  const { home, template } = workspace;
  const { command, environment } = ides[template.ide];
  return {
    ...common(settings, containerNames.ide),
    image: imageOf(workspace, settings),
    user: `${home.uid}:${home.uid}`,
    cpu: template.cpu,
    memory: template.memory,
    memoryReservation: template.memory,
    command: [...command],
    // By user, and each workspace has its own.
    ulimits: [{ name: 'nproc', softLimit: mostProcesses, hardLimit: mostProcesses }],
    environment: pairs({
      ...environment,
      // The image's start script clones it into an empty home.
      ...(template.repository === null ? undefined : { ARMADA_REPOSITORY: template.repository }),
    }),
    // No lock on the home, no typing: the gate is healthy once it holds it.
    dependsOn: [{ containerName: containerNames.gate, condition: 'HEALTHY' }],
  };
}

function common({ logs }: WorkspaceSettings, name: string) {
  return {
    name,
    essential: true,
    stopTimeout: stopSeconds,
    mountPoints: [
      { sourceVolume: 'home', containerPath: taskPaths.home },
      { sourceVolume: 'run', containerPath: taskPaths.run },
    ],
    // An init reaps what terminals leave behind; raw sockets would let one container spoof others on its bridge.
    linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['NET_RAW'] } },
    ...(logs === undefined ? {} : { logConfiguration: logsOf(logs, name) }),
  } satisfies ContainerDefinition;
}

function logsOf({ group, region }: NonNullable<WorkspaceSettings['logs']>, container: string): LogConfiguration {
  return {
    logDriver: 'awslogs',
    // Non-blocking: a slow log service must not stop an editor.
    options: {
      'awslogs-group': group,
      'awslogs-region': region,
      'awslogs-stream-prefix': container,
      mode: 'non-blocking',
    },
  };
}

function pairs(environment: Readonly<Record<string, string>>) {
  return Object.entries(environment).map(([name, value]) => ({ name, value }));
}
