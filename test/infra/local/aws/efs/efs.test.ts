import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type AccessPointDescription,
  CreateAccessPointCommand,
  type CreateAccessPointRequest,
  CreateFileSystemCommand,
  CreateMountTargetCommand,
  DeleteAccessPointCommand,
  DeleteFileSystemCommand,
  DescribeAccessPointsCommand,
  DescribeFileSystemsCommand,
  DescribeMountTargetsCommand,
  EFSClient,
  ListTagsForResourceCommand,
  TagResourceCommand,
} from '@aws-sdk/client-efs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Efs } from '../../../../../infra/local/aws/efs/efs.ts';
import { Endpoint } from '../../../../../infra/local/aws/endpoint.ts';
import { State } from '../../../../../infra/local/aws/state.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const limit = 250;
const home = {
  Path: '/homes/alice',
  CreationInfo: { OwnerUid: 3001, OwnerGid: 3001, Permissions: '0750' },
};

let clock: ManualClock;
let state: State;
let efs: Efs;
let endpoint: Endpoint;
let client: EFSClient;
let folder: string;
let fileSystem: string;

beforeEach(async () => {
  clock = new ManualClock();
  folder = await mkdtemp(path.join(tmpdir(), 'armada-efs-'));
  await start();
  const made = await client.send(new CreateFileSystemCommand({ CreationToken: 'ground', Encrypted: true }));
  fileSystem = made.FileSystemId!;
  await settle();
});
afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

async function start(): Promise<void> {
  state = new State(path.join(folder, 'state.sqlite'), clock);
  const region = 'us-east-1';
  efs = new Efs({ state, root: path.join(folder, 'efs'), region, accountId: '000000000000', accessPointsLimit: limit });
  const services = { ecs: {}, elasticloadbalancing: {}, 'cognito-idp': {}, elasticfilesystem: efs.operations };
  endpoint = new Endpoint({ services, authenticate: () => {} });
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  client = new EFSClient({ endpoint: await endpoint.listen(0), region, credentials, maxAttempts: 1 });
}

async function stop(): Promise<void> {
  client.destroy();
  await endpoint.close();
  state.close();
}

/** Lets everything become available that is being created. */
async function settle(): Promise<void> {
  await clock.advance(1_000);
}

function create(request: Partial<CreateAccessPointRequest> = {}): Promise<AccessPointDescription> {
  const input = { FileSystemId: fileSystem, ClientToken: 'alice', RootDirectory: home, ...request };
  return client.send(new CreateAccessPointCommand(input));
}

async function describeOne(id: string): Promise<AccessPointDescription> {
  const { AccessPoints } = await client.send(new DescribeAccessPointsCommand({ AccessPointId: id }));
  return AccessPoints![0]!;
}

async function walk(size?: number): Promise<string[]> {
  const ids: string[] = [];
  let NextToken: string | undefined;
  do {
    const input = { FileSystemId: fileSystem, MaxResults: size, NextToken };
    const page = await client.send(new DescribeAccessPointsCommand(input));
    expect(page.AccessPoints!.length).toBeLessThanOrEqual(size ?? 100);
    ids.push(...page.AccessPoints!.map(accessPoint => accessPoint.AccessPointId!));
    NextToken = page.NextToken;
  } while (NextToken);
  return ids;
}

describe('a file system', () => {
  it('is being created for a moment, then available', async () => {
    const made = await client.send(
      new CreateFileSystemCommand({ CreationToken: 'other', Tags: [{ Key: 'Name', Value: 'n' }] }),
    );
    expect(made).toMatchObject({ LifeCycleState: 'creating', Name: 'n', NumberOfMountTargets: 0 });
    await settle();
    const found = await client.send(new DescribeFileSystemsCommand({ FileSystemId: made.FileSystemId }));
    expect(found.FileSystems).toMatchObject([
      { LifeCycleState: 'available', CreationTime: new Date(clock.now() - 1_000) },
    ]);
  });

  it('is found by its creation token', async () => {
    const found = await client.send(new DescribeFileSystemsCommand({ CreationToken: 'ground' }));
    expect(found.FileSystems!.map(it => it.FileSystemId)).toEqual([fileSystem]);
    const none = await client.send(new DescribeFileSystemsCommand({ CreationToken: 'nobody' }));
    expect(none.FileSystems).toEqual([]);
  });

  it('takes no access points before it is available', async () => {
    const { FileSystemId } = await client.send(new CreateFileSystemCommand({ CreationToken: 'other' }));
    await expect(create({ FileSystemId })).rejects.toMatchObject({
      name: 'IncorrectFileSystemLifeCycleState',
      $metadata: { httpStatusCode: 409 },
    });
  });

  it('is not deleted while it has mount targets', async () => {
    const target = { FileSystemId: fileSystem, SubnetId: 'subnet-1' };
    await client.send(new CreateMountTargetCommand(target));
    const { MountTargets } = await client.send(new DescribeMountTargetsCommand({ FileSystemId: fileSystem }));
    expect(MountTargets).toMatchObject([{ ...target, LifeCycleState: 'available' }]);
    await expect(client.send(new DeleteFileSystemCommand({ FileSystemId: fileSystem }))).rejects.toMatchObject({
      name: 'FileSystemInUse',
      $metadata: { httpStatusCode: 409 },
    });
    await expect(client.send(new CreateMountTargetCommand(target))).rejects.toMatchObject({
      name: 'MountTargetConflict',
    });
  });

  it('takes its access points along when it is deleted', async () => {
    const { AccessPointId = '' } = await create();
    await client.send(new DeleteFileSystemCommand({ FileSystemId: fileSystem }));
    await expect(describeOne(AccessPointId)).rejects.toMatchObject({ name: 'AccessPointNotFound' });
  });
});

describe('an access point', () => {
  it('is described as it was asked for, tags inline, once available', async () => {
    const Tags = [{ Key: 'armada:workspace', Value: 'w1' }];
    const made = await create({ PosixUser: { Uid: 3001, Gid: 3001 }, Tags });
    expect(made).toMatchObject({
      LifeCycleState: 'creating',
      AccessPointId: expect.stringMatching(/^fsap-[0-9a-f]{17}$/),
    });
    await settle();
    expect(await describeOne(made.AccessPointId!)).toEqual({
      AccessPointId: made.AccessPointId,
      AccessPointArn: `arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/${made.AccessPointId}`,
      ClientToken: 'alice',
      FileSystemId: fileSystem,
      LifeCycleState: 'available',
      OwnerId: '000000000000',
      PosixUser: { Uid: 3001, Gid: 3001 },
      RootDirectory: home,
      Tags,
    });
  });

  it('exists already when the token comes again, even for another file system', async () => {
    const { AccessPointId } = await create();
    const { FileSystemId } = await client.send(new CreateFileSystemCommand({ CreationToken: 'other' }));
    for (const request of [{}, { FileSystemId }])
      await expect(create(request)).rejects.toMatchObject({
        name: 'AccessPointAlreadyExists',
        AccessPointId,
        ErrorCode: 'AccessPointAlreadyExists',
        $metadata: { httpStatusCode: 409 },
      });
    expect(await walk()).toEqual([AccessPointId]);
  });

  const refusals: Record<string, [Partial<CreateAccessPointRequest>, string, number]> = {
    'an unknown file system': [{ FileSystemId: 'fs-0' }, 'FileSystemNotFound', 404],
    'a path of five levels': [{ RootDirectory: { Path: '/a/b/c/d/e' } }, 'BadRequest', 400],
    'a relative path': [{ RootDirectory: { Path: 'homes' } }, 'BadRequest', 400],
    'a path that climbs': [{ RootDirectory: { Path: '/homes/../other' } }, 'BadRequest', 400],
    'an empty level': [{ RootDirectory: { Path: '/homes//alice' } }, 'BadRequest', 400],
    'a path too long': [{ RootDirectory: { Path: `/${'x'.repeat(100)}` } }, 'BadRequest', 400],
    'a mode that is not octal': [
      { RootDirectory: { Path: '/x', CreationInfo: { ...home.CreationInfo, Permissions: '0799' } } },
      'BadRequest',
      400,
    ],
    'an owner below zero': [
      { RootDirectory: { Path: '/x', CreationInfo: { ...home.CreationInfo, OwnerUid: -1 } } },
      'BadRequest',
      400,
    ],
    'a user above 32 bits': [{ PosixUser: { Uid: 2 ** 32, Gid: 1 } }, 'BadRequest', 400],
    'seventeen groups': [
      { PosixUser: { Uid: 1, Gid: 1, SecondaryGids: Array.from({ length: 17 }, (_, gid) => gid) } },
      'BadRequest',
      400,
    ],
    'a token of 65 characters': [{ ClientToken: 'x'.repeat(65) }, 'BadRequest', 400],
    'a tag of AWS': [{ Tags: [{ Key: 'aws:x', Value: 'y' }] }, 'BadRequest', 400],
  };
  it.each(Object.keys(refusals))('is refused with %s, and nothing is made', async name => {
    const [request, error, status] = refusals[name]!;
    await expect(create(request)).rejects.toMatchObject({ name: error, $metadata: { httpStatusCode: status } });
    expect(await walk()).toEqual([]);
  });

  it('may be four levels deep', async () => {
    expect((await create({ RootDirectory: { Path: '/a/b/c/d' } })).RootDirectory).toEqual({ Path: '/a/b/c/d' });
  });

  it('is refused once the file system has as many as it may', async () => {
    for (let index = 0; index < limit; index++) await create({ ClientToken: `t${index}` });
    await expect(create()).rejects.toMatchObject({
      name: 'AccessPointLimitExceeded',
      $metadata: { httpStatusCode: 403 },
    });
    await expect(create({ ClientToken: 't7' })).rejects.toMatchObject({ name: 'AccessPointAlreadyExists' });
  });

  it('is gone after deletion, and then unknown', async () => {
    const { AccessPointId = '' } = await create();
    await client.send(new DeleteAccessPointCommand({ AccessPointId }));
    const notFound = { name: 'AccessPointNotFound', $metadata: { httpStatusCode: 404 } };
    await expect(describeOne(AccessPointId)).rejects.toMatchObject(notFound);
    await expect(client.send(new DeleteAccessPointCommand({ AccessPointId }))).rejects.toMatchObject(notFound);
    await expect(create()).resolves.toMatchObject({ ClientToken: 'alice' });
  });

  it('is asked for by its own id or by its file system, not both', async () => {
    const both = new DescribeAccessPointsCommand({ AccessPointId: 'fsap-1', FileSystemId: fileSystem });
    await expect(client.send(both)).rejects.toMatchObject({ name: 'BadRequest' });
    const unknown = new DescribeAccessPointsCommand({ FileSystemId: 'fs-0' });
    await expect(client.send(unknown)).rejects.toMatchObject({ name: 'FileSystemNotFound' });
  });

  it('takes tags by id or ARN, a new value over an old one', async () => {
    const { AccessPointId = '', AccessPointArn = '' } = await create({ Tags: [{ Key: 'a', Value: '1' }] });
    await client.send(new TagResourceCommand({ ResourceId: AccessPointId, Tags: [{ Key: 'b', Value: '2' }] }));
    await client.send(new TagResourceCommand({ ResourceId: AccessPointArn, Tags: [{ Key: 'a', Value: '3' }] }));
    const { Tags } = await client.send(new ListTagsForResourceCommand({ ResourceId: AccessPointId }));
    expect(Tags).toEqual([
      { Key: 'a', Value: '3' },
      { Key: 'b', Value: '2' },
    ]);
    const missing = new ListTagsForResourceCommand({ ResourceId: 'fsap-0' });
    await expect(client.send(missing)).rejects.toMatchObject({ name: 'AccessPointNotFound' });
  });
});

describe('reads', () => {
  it('walk all pages without repeats, though every page comes in another order', async () => {
    const made: string[] = [];
    for (let index = 0; index < 230; index++) made.push((await create({ ClientToken: `t${index}` })).AccessPointId!);
    state.consistency.shuffled = true;
    for (const size of [undefined, 7]) {
      const found = await walk(size);
      expect(found).toHaveLength(230);
      expect(new Set(found)).toEqual(new Set(made));
    }
    const [first, second] = [await walk(), await walk()];
    expect(first).not.toEqual(second);
  });

  it('refuse a token that is not from here', async () => {
    const command = new DescribeAccessPointsCommand({ FileSystemId: fileSystem, NextToken: 'x' });
    await expect(client.send(command)).rejects.toMatchObject({ name: 'BadRequest' });
  });

  it('lag behind, while refusals go by what is', async () => {
    state.consistency.lagMilliseconds = 3_000;
    const { AccessPointId = '' } = await create();
    expect(await walk()).toEqual([]);
    await expect(describeOne(AccessPointId)).rejects.toMatchObject({ name: 'AccessPointNotFound' });
    await expect(create()).rejects.toMatchObject({ name: 'AccessPointAlreadyExists', AccessPointId });
    await clock.advance(3_000);
    expect(await walk()).toEqual([AccessPointId]);
    await client.send(new DeleteAccessPointCommand({ AccessPointId }));
    expect((await describeOne(AccessPointId)).AccessPointId).toBe(AccessPointId);
    await expect(efs.mount(fileSystem, AccessPointId)).rejects.toThrow(AccessPointId);
  });

  it('find everything again after the process ended', async () => {
    const { AccessPointId = '' } = await create();
    await settle();
    const before = await describeOne(AccessPointId);
    await stop();
    await start();
    expect(await describeOne(AccessPointId)).toEqual(before);
    await expect(create()).rejects.toMatchObject({ name: 'AccessPointAlreadyExists', AccessPointId });
  });
});

describe('a mount', () => {
  async function mounted(request: Partial<CreateAccessPointRequest> = {}): Promise<string> {
    const { AccessPointId } = await create(request);
    await settle();
    return efs.mount(fileSystem, AccessPointId!);
  }

  it('makes the directory with its owner and mode, and not before', async () => {
    const directory = path.join(folder, 'efs', fileSystem, 'homes', 'alice');
    await create();
    await expect(stat(directory)).rejects.toThrow('ENOENT');
    expect(await mounted({ ClientToken: 'second' })).toBe(directory);
    const made = await stat(directory);
    expect(made.mode & 0o7777).toBe(0o750);
    expect((await stat(path.dirname(directory))).mode & 0o7777).toBe(0o755);
    if (process.getuid?.() === 0) expect([made.uid, made.gid]).toEqual([3001, 3001]);
  });

  it('leaves a directory that is there as it is', async () => {
    const directory = await mounted();
    await writeFile(path.join(directory, 'work.txt'), 'mine');
    await chmod(directory, 0o700);
    expect(await mounted({ ClientToken: 'second' })).toBe(directory);
    expect((await stat(directory)).mode & 0o7777).toBe(0o700);
  });

  it('finds the data again after the access point was deleted and made anew', async () => {
    const { AccessPointId = '' } = await create();
    await settle();
    await writeFile(path.join(await efs.mount(fileSystem, AccessPointId), 'work.txt'), 'mine');
    await client.send(new DeleteAccessPointCommand({ AccessPointId }));
    const directory = await mounted({ ClientToken: 'again' });
    expect((await stat(path.join(directory, 'work.txt'))).size).toBe(4);
  });

  it('is refused while the access point is being created', async () => {
    const { AccessPointId = '' } = await create();
    await expect(efs.mount(fileSystem, AccessPointId)).rejects.toThrow('still being created');
  });

  it('is refused without a directory and without CreationInfo to make one', async () => {
    await expect(mounted({ RootDirectory: { Path: '/nothing/here' } })).rejects.toThrow('no CreationInfo');
    expect(await mounted({ ClientToken: 'root', RootDirectory: undefined })).toBe(path.join(folder, 'efs', fileSystem));
  });

  it('is refused through another file system', async () => {
    const { AccessPointId = '' } = await create();
    await settle();
    await expect(efs.mount('fs-other', AccessPointId)).rejects.toThrow('does not exist');
  });

  it.each([
    ['to a directory', 'secrets'],
    ['to nowhere', 'missing'],
  ])('does not follow a symbolic link %s', async (_where, target) => {
    await mkdir(path.join(folder, 'secrets'));
    const alice = await mounted();
    await symlink(path.join(folder, target), path.join(alice, 'deeper'));
    for (const Path of ['/homes/alice/deeper', '/homes/alice/deeper/still'])
      await expect(mounted({ ClientToken: Path, RootDirectory: { ...home, Path } })).rejects.toThrow();
    await expect(stat(path.join(folder, 'missing'))).rejects.toThrow('ENOENT');
    await expect(stat(path.join(folder, 'secrets', 'still'))).rejects.toThrow('ENOENT');
  });

  it('makes no directories where there is no disk for them', async () => {
    const { AccessPointId = '' } = await create();
    await settle();
    const without = new Efs({ state, root: undefined, region: 'us-east-1', accountId: '000000000000' });
    expect(await without.mount(fileSystem, AccessPointId)).toBe('');
  });
});
