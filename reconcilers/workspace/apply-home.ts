import {
  DeleteTaskDefinitionsCommand,
  DeregisterTaskDefinitionCommand,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import {
  AccessPointAlreadyExists,
  type AccessPointDescription,
  CreateAccessPointCommand,
  DeleteAccessPointCommand,
  DescribeAccessPointsCommand,
} from '@aws-sdk/client-efs';
import { is, unless } from '../aws/errors.ts';
import { homePath, tagKeys, tagsOf } from '../aws/names.ts';
import { renderBlueprint } from './blueprint.ts';
import type { Deed } from './deed.ts';
import type { Observed } from './model.ts';
import { homeFrom } from './reading.ts';
import { quotaReached, unseen } from './refusals.ts';

/** Owner and group may do everything, others nothing. Without these AWS refuses to mount a directory not yet there. */
const homePermissions = '0770';
/** What one DeleteTaskDefinitions holds. Source: the ECS API reference. */
const deletionsPerCall = 10;

/** Makes the access point; one of the same token is the same home's, on the same directory. */
export async function createHome({ workspace, observed, names, ground, context }: Deed): Promise<Observed> {
  const { uid, id } = workspace.home;
  const command = new CreateAccessPointCommand({
    ClientToken: names.homeToken,
    FileSystemId: ground.settings.fileSystemId,
    PosixUser: { Uid: uid, Gid: uid },
    RootDirectory: {
      Path: homePath(id),
      CreationInfo: { OwnerUid: uid, OwnerGid: uid, Permissions: homePermissions },
    },
    Tags: tagsOf(names.homeOwner).map(([Key, Value]) => ({ Key, Value })),
  });
  try {
    const made = await ground.pace('efs', true, () => ground.clients.efs.send(command));
    ground.hints.madeHomes.note(made.AccessPointId ?? '', true, context.now());
    return { ...observed, home: homeFrom(made, names.homeOwner) };
  } catch (error) {
    if (is(error, 'quota')) return { ...observed, refusal: quotaReached('access points') };
    if (is(error, 'unready')) return { ...observed, refusal: unseen('file system') };
    if (!(error instanceof AccessPointAlreadyExists)) throw error;
    const id = error.AccessPointId ?? '';
    // On its way out: its token is free once AWS has forgotten it.
    if (ground.hints.deletedHomes.latest(id, context.now())) return { ...observed, refusal: unseen('home') };
    ground.hints.madeHomes.note(id, true, context.now());
    const found = await findAccessPoint(id, ground);
    return found ? { ...observed, home: homeFrom(found, names.homeOwner) } : { ...observed, refusal: unseen('home') };
  }
}

async function findAccessPoint(
  id: string | undefined,
  { pace, clients }: Deed['ground'],
): Promise<AccessPointDescription | undefined> {
  const command = new DescribeAccessPointsCommand({ AccessPointId: id });
  const answer = await unless(
    pace('efs', true, () => clients.efs.send(command)),
    'gone',
  );
  return answer?.AccessPoints?.[0];
}

/** Deletes the access point; the files in its directory stay. */
export async function deleteHome({ observed, ground, names, context }: Deed): Promise<Observed> {
  if (!observed.home) return observed;
  const found = await findAccessPoint(observed.home.id, ground);
  const isOurs = found && homeFrom(found, names.homeOwner).owner !== 'foreign';
  if (!isOurs) return { ...observed, home: undefined };
  const command = new DeleteAccessPointCommand({ AccessPointId: observed.home.id });
  await unless(
    ground.pace('efs', true, () => ground.clients.efs.send(command)),
    'gone',
  );
  ground.hints.deletedHomes.note(observed.home.id, true, context.now());
  return { ...observed, home: undefined };
}

/** Registers a revision, tagged with its hash. A repetition after a lost answer leaves one revision too many, until deletion. */
export async function registerBlueprint({ workspace, observed, names, ground, context }: Deed): Promise<Observed> {
  if (!observed.home) return observed;
  const { definition, hash } = renderBlueprint(workspace, observed.home.id, ground.settings);
  const tags = [...tagsOf(names.owner), [tagKeys.hash, hash] as const].map(([key, value]) => ({ key, value }));
  const command = new RegisterTaskDefinitionCommand({ ...definition, tags });
  const answer = await ground.pace('ecs', context.urgent, () => ground.clients.ecs.send(command));
  const blueprint = { id: answer.taskDefinition?.taskDefinitionArn ?? '', hash };
  ground.hints.blueprints.note(names.family, blueprint, context.now());
  ground.hints.lastBlueprint.set(names.family, blueprint);
  return { ...observed, blueprint };
}

/** Retires and deletes every revision. */
export async function deleteBlueprints({ observed, names, ground }: Deed): Promise<Observed> {
  const { revisions } = observed;
  const { clients, pace } = ground;
  for (const { id } of revisions.filter(({ retired }) => !retired)) {
    // One that was retired or deleted meanwhile is refused as invalid; the next look tells.
    const command = new DeregisterTaskDefinitionCommand({ taskDefinition: id });
    await unless(
      pace('ecs', false, () => clients.ecs.send(command)),
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
  ground.hints.lastBlueprint.delete(names.family);
  return { ...observed, revisions: [], blueprint: undefined };
}
