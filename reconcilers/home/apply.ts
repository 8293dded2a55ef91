import {
  ConflictException,
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import {
  AccessPointAlreadyExists,
  CreateAccessPointCommand,
  DeleteAccessPointCommand,
  DescribeAccessPointsCommand,
} from '@aws-sdk/client-efs';
import type { Home } from '../../api/resources/home.ts';
import type { Context } from '../../controller/reconciler.ts';
import { is, unless } from '../aws/errors.ts';
import { homePath, homeToken, keeperFamily, keeperToken, tagsOf } from '../aws/names.ts';
import { renderKeeper } from './blueprint.ts';
import type { Action, Door, Observed } from './model.ts';
import { blueprintFrom, doorFrom, type Ground, keeperFrom, ownerOf } from './observe.ts';

/** As the workspace made it. */
const homePermissions = '0770';
/** What one DeleteTaskDefinitions holds. Source: the ECS API reference. */
const deletionsPerCall = 10;

interface Deed {
  readonly home: Home;
  readonly observed: Observed;
  readonly ground: Ground;
  readonly context: Context;
}

/** Does one thing. What is already so is success; what AWS refuses for now is folded in as `refusal`. */
export function apply(
  action: Action,
  home: Home,
  observed: Observed,
  context: Context,
  ground: Ground,
): Promise<Observed> {
  const deed = { home, observed, ground, context };
  switch (action.type) {
    case 'create-door':
      return createDoor(deed);
    case 'register-keeper':
      return registerKeeper(deed);
    case 'run-keeper':
      return runKeeper(deed);
    case 'delete-door':
      return deleteDoor(deed);
    case 'delete-keepers':
      return deleteKeepers(deed);
  }
}

/** The same door that the workspace had: of the same token, on the same directory. */
async function createDoor({ home, observed, ground }: Deed): Promise<Observed> {
  const { settings, clients, pace } = ground;
  const { uid, id } = home;
  const command = new CreateAccessPointCommand({
    ClientToken: homeToken(settings.deployment, id, settings.fileSystemId),
    FileSystemId: settings.fileSystemId,
    PosixUser: { Uid: uid, Gid: uid },
    RootDirectory: {
      Path: homePath(id),
      CreationInfo: { OwnerUid: uid, OwnerGid: uid, Permissions: homePermissions },
    },
    Tags: tagsOf(ownerOf(home, settings)).map(([Key, Value]) => ({ Key, Value })),
  });
  try {
    return { ...observed, door: doorFrom(await pace('efs', true, () => clients.efs.send(command)), home, settings) };
  } catch (error) {
    if (is(error, 'quota')) return { ...observed, refusal: 'quota' };
    if (is(error, 'unready')) return { ...observed, refusal: 'unseen' };
    if (!(error instanceof AccessPointAlreadyExists)) throw error;
    const door = await doorOf(error.AccessPointId, home, ground);
    return door ? { ...observed, door } : { ...observed, refusal: 'unseen' };
  }
}

async function doorOf(id: string | undefined, home: Home, ground: Ground): Promise<Door | undefined> {
  const command = new DescribeAccessPointsCommand({ AccessPointId: id });
  const answer = await unless(
    ground.pace('efs', true, () => ground.clients.efs.send(command)),
    'gone',
  );
  const [found] = answer?.AccessPoints ?? [];
  return found && doorFrom(found, home, ground.settings);
}

async function registerKeeper({ home, observed, ground, context }: Deed): Promise<Observed> {
  if (!observed.door) return observed;
  const { settings, clients, pace } = ground;
  const tags = tagsOf(ownerOf(home, settings)).map(([key, value]) => ({ key, value }));
  const command = new RegisterTaskDefinitionCommand({ ...renderKeeper(home, observed.door.id, settings), tags });
  const answer = await pace('ecs', context.urgent, () => clients.ecs.send(command));
  const blueprint = blueprintFrom(answer.taskDefinition?.taskDefinitionArn ?? '');
  ground.registered.note(keeperFamily(settings.deployment, home.id), blueprint, context.now());
  return { ...observed, blueprint };
}

/** One task for one try: the client token makes a repetition the same. */
async function runKeeper({ home, observed, ground, context }: Deed): Promise<Observed> {
  const { settings, clients, pace, started } = ground;
  const token = keeperToken(home.id, home.spec.attempt);
  const { capacityProvider } = settings;
  const command = new RunTaskCommand({
    cluster: settings.cluster,
    taskDefinition: observed.blueprint?.id,
    count: 1,
    clientToken: token,
    startedBy: token,
    enableExecuteCommand: false,
    ...(capacityProvider === undefined
      ? { launchType: 'EC2' }
      : { capacityProviderStrategy: [{ capacityProvider, weight: 1 }] }),
    tags: tagsOf(ownerOf(home, settings)).map(([key, value]) => ({ key, value })),
  });
  try {
    const answer = await pace('ecs', context.urgent, () => clients.ecs.send(command));
    const [task] = answer.tasks ?? [];
    if (!task) return { ...observed, refusal: 'no-room' };
    const keeper = keeperFrom(task);
    started.note(token, keeper, context.now());
    return { ...observed, keeper };
  } catch (error) {
    // The token was taken with a revision that we read at another time: its task is there, and shows itself.
    if (error instanceof ConflictException) return { ...observed, refusal: 'unseen' };
    throw error;
  }
}

/** Deletes the access point, after making sure that it is this home's. */
async function deleteDoor({ home, observed, ground }: Deed): Promise<Observed> {
  if (!observed.door) return observed;
  const door = await doorOf(observed.door.id, home, ground);
  if (door && door.owner !== 'foreign') {
    const command = new DeleteAccessPointCommand({ AccessPointId: door.id });
    await unless(
      ground.pace('efs', true, () => ground.clients.efs.send(command)),
      'gone',
    );
  }
  return { ...observed, door: undefined };
}

async function deleteKeepers({ home, observed, ground, context }: Deed): Promise<Observed> {
  const { clients, pace } = ground;
  const { revisions } = observed;
  for (const { id } of revisions.filter(({ retired }) => !retired)) {
    // One that was retired or deleted meanwhile is refused as invalid; the next look tells.
    await unless(
      pace('ecs', false, () => clients.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: id }))),
      'invalid',
    );
  }
  for (let from = 0; from < revisions.length; from += deletionsPerCall) {
    const taskDefinitions = revisions.slice(from, from + deletionsPerCall).map(({ id }) => id);
    const command = new DeleteTaskDefinitionsCommand({ taskDefinitions });
    const answer = await pace('ecs', false, () => clients.ecs.send(command));
    const failure = answer.failures?.[0];
    if (failure) throw new Error(`delete task definition ${failure.arn}: ${failure.reason}`);
  }
  ground.registered.note(keeperFamily(ground.settings.deployment, home.id), undefined, context.now());
  return { ...observed, revisions: [] };
}
