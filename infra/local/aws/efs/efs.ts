import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type {
  AccessPointDescription,
  CreateAccessPointRequest,
  CreateFileSystemRequest,
  CreateMountTargetRequest,
  DeleteAccessPointRequest,
  DeleteFileSystemRequest,
  DescribeAccessPointsRequest,
  DescribeAccessPointsResponse,
  DescribeFileSystemsRequest,
  DescribeFileSystemsResponse,
  DescribeMountTargetsRequest,
  DescribeMountTargetsResponse,
  FileSystemDescription,
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  MountTargetDescription,
  TagResourceRequest,
} from '@aws-sdk/client-efs';
import type { Operations } from '../endpoint.ts';
import { page } from '../paging.ts';
import type { FileSystems } from '../ports.ts';
import { AwsError } from '../protocol.ts';
import type { State, Table } from '../state.ts';
import { mountDirectory } from './mount.ts';
import {
  type AccessPointRecord,
  describeAccessPoint,
  describeFileSystem,
  type FileSystemRecord,
  type MountTargetRecord,
  type Place,
  stateAt,
} from './records.ts';
import { badRequest, checkClientToken, checkPosixUser, checkRootDirectory, mergeTags } from './rules.ts';

/** How long a new file system or access point is `creating`; on AWS it is seconds. */
const creatingMilliseconds = 500;
/** EFS's quota of access points for each file system. */
const accessPointsLimit = 10_000;
const pageSize = 100;

export interface EfsOptions extends Place {
  readonly state: State;
  /** Holds one folder for each file system. Undefined: no directories are made, and a mount answers ''. */
  readonly root: string | undefined;
  /** Access points that one file system can have. */
  readonly accessPointsLimit?: number;
}

/** The local EFS: file systems are folders, access points directories in them with an owner and a mode. */
export class Efs implements FileSystems {
  /** EFS's operations by name, for the endpoint. */
  readonly operations: Operations;
  readonly #options: EfsOptions;
  readonly #fileSystems: Table<FileSystemRecord>;
  readonly #accessPoints: Table<AccessPointRecord>;
  readonly #mountTargets: Table<MountTargetRecord>;

  constructor(options: EfsOptions) {
    this.#options = options;
    this.#fileSystems = options.state.table('efs-file-system');
    this.#accessPoints = options.state.table('efs-access-point');
    this.#mountTargets = options.state.table('efs-mount-target');
    this.operations = {
      CreateFileSystem: (input: CreateFileSystemRequest) => this.#createFileSystem(input),
      DescribeFileSystems: (input: DescribeFileSystemsRequest) => this.#describeFileSystems(input),
      DeleteFileSystem: (input: DeleteFileSystemRequest) => this.#deleteFileSystem(input),
      CreateMountTarget: (input: CreateMountTargetRequest) => this.#createMountTarget(input),
      DescribeMountTargets: (input: DescribeMountTargetsRequest) => this.#describeMountTargets(input),
      CreateAccessPoint: (input: CreateAccessPointRequest) => this.#createAccessPoint(input),
      DescribeAccessPoints: (input: DescribeAccessPointsRequest) => this.#describeAccessPoints(input),
      DeleteAccessPoint: (input: DeleteAccessPointRequest) => this.#deleteAccessPoint(input),
      TagResource: (input: TagResourceRequest) => this.#tagResource(input),
      ListTagsForResource: (input: ListTagsForResourceRequest) => this.#listTags(input),
    };
  }

  /**
   * The directory behind an access point, made with its owner and mode at the first mount. Decided by what is, not by
   * what a lagging read would say; throws an Error that says why it can't be mounted.
   */
  async mount(fileSystemId: string, accessPointId: string): Promise<string> {
    const accessPoint = this.#accessPoints.get(accessPointId);
    if (!accessPoint || accessPoint.fileSystemId !== fileSystemId)
      throw accessPointNotFound(`${accessPointId} of ${fileSystemId}`);
    if (stateAt(accessPoint, this.#now()) !== 'available')
      throw new Error(`access point ${accessPointId} is still being created`);
    if (this.#options.root === undefined) return '';
    return mountDirectory(path.join(this.#options.root, fileSystemId), accessPoint.exposed);
  }

  #now(): number {
    return this.#options.state.clock.now();
  }

  #describe(record: FileSystemRecord): FileSystemDescription {
    const targets = this.#mountTargets.all().filter(target => target.fileSystemId === record.id).length;
    return describeFileSystem(record, this.#options, targets, this.#now());
  }

  #createFileSystem(input: CreateFileSystemRequest): FileSystemDescription {
    const creationToken = input.CreationToken ?? '';
    if (creationToken === '' || creationToken.length > 64)
      throw badRequest('CreationToken must have 1 to 64 characters');
    const existing = this.#fileSystems.all().find(record => record.creationToken === creationToken);
    if (existing)
      throw new AwsError('FileSystemAlreadyExists', `File system '${existing.id}' already exists`, 409, {
        FileSystemId: existing.id,
      });
    const record: FileSystemRecord = {
      id: newId('fs'),
      creationToken,
      createdAt: this.#now(),
      availableAt: this.#now() + creatingMilliseconds,
      encrypted: input.Encrypted ?? false,
      throughputMode: input.ThroughputMode ?? 'bursting',
      tags: mergeTags([], input.Tags),
    };
    return this.#describe(this.#fileSystems.put(record.id, record));
  }

  #describeFileSystems(input: DescribeFileSystemsRequest): DescribeFileSystemsResponse {
    let found = this.#fileSystems.seenAll();
    if (input.FileSystemId !== undefined) {
      found = found.filter(record => record.id === input.FileSystemId);
      if (found.length === 0) throw fileSystemNotFound(input.FileSystemId);
    }
    if (input.CreationToken !== undefined)
      found = found.filter(({ creationToken }) => creationToken === input.CreationToken);
    const { items, token } = cut(found, input.MaxItems, input.Marker);
    return { FileSystems: items.map(record => this.#describe(record)), NextMarker: token };
  }

  /** The data stay on the disk: what a person's homes are in is not for an API call to erase. */
  #deleteFileSystem(input: DeleteFileSystemRequest): object {
    const { id } = this.#fileSystem(input.FileSystemId);
    if (this.#mountTargets.all().some(target => target.fileSystemId === id))
      throw new AwsError('FileSystemInUse', `file system '${id}' has mount targets`, 409);
    this.#options.state.atomically(() => {
      for (const accessPoint of this.#accessPoints.all())
        if (accessPoint.fileSystemId === id) this.#accessPoints.delete(accessPoint.id);
      this.#fileSystems.delete(id);
    });
    return {};
  }

  #createMountTarget(input: CreateMountTargetRequest): MountTargetDescription {
    const fileSystem = this.#availableFileSystem(input.FileSystemId);
    const subnetId = input.SubnetId ?? '';
    if (subnetId === '') throw badRequest('SubnetId is required');
    const taken = this.#mountTargets.all().some(it => it.fileSystemId === fileSystem.id && it.subnetId === subnetId);
    if (taken) throw new AwsError('MountTargetConflict', 'mount target already exists in this AZ', 409);
    const record = { id: newId('fsmt'), fileSystemId: fileSystem.id, subnetId };
    return describeMountTarget(this.#mountTargets.put(record.id, record));
  }

  #describeMountTargets(input: DescribeMountTargetsRequest): DescribeMountTargetsResponse {
    const { id } = this.#fileSystem(input.FileSystemId);
    const found = this.#mountTargets.seenAll().filter(target => target.fileSystemId === id);
    const { items, token } = cut(found, input.MaxItems, input.Marker);
    return { MountTargets: items.map(describeMountTarget), NextMarker: token };
  }

  #createAccessPoint(input: CreateAccessPointRequest): AccessPointDescription {
    const clientToken = checkClientToken(input);
    const exposed = checkRootDirectory(input.RootDirectory);
    const user = checkPosixUser(input.PosixUser);
    const tags = mergeTags([], input.Tags);
    const all = this.#accessPoints.all();
    // The token is unique in the account, not in the file system.
    const existing = all.find(record => record.clientToken === clientToken);
    if (existing)
      throw new AwsError('AccessPointAlreadyExists', `Access point already exists: ${existing.id}`, 409, {
        AccessPointId: existing.id,
      });
    const { id: fileSystemId } = this.#availableFileSystem(input.FileSystemId);
    const limit = this.#options.accessPointsLimit ?? accessPointsLimit;
    if (all.filter(record => record.fileSystemId === fileSystemId).length >= limit)
      throw new AwsError('AccessPointLimitExceeded', `${fileSystemId} has reached ${limit} access points`, 403);
    const availableAt = this.#now() + creatingMilliseconds;
    const record: AccessPointRecord = {
      id: newId('fsap'),
      fileSystemId,
      clientToken,
      availableAt,
      exposed,
      user,
      tags,
    };
    return describeAccessPoint(this.#accessPoints.put(record.id, record), this.#options, this.#now());
  }

  #describeAccessPoints(input: DescribeAccessPointsRequest): DescribeAccessPointsResponse {
    const { AccessPointId: id, FileSystemId: fileSystemId } = input;
    if (id !== undefined && fileSystemId !== undefined)
      throw badRequest('AccessPointId and FileSystemId are mutually exclusive');
    if (id !== undefined) {
      const record = this.#accessPoints.seen(id);
      if (!record) throw accessPointNotFound(id);
      return { AccessPoints: [describeAccessPoint(record, this.#options, this.#now())] };
    }
    if (fileSystemId !== undefined && !this.#fileSystems.seen(fileSystemId)) throw fileSystemNotFound(fileSystemId);
    const all = this.#accessPoints.seenAll();
    const found = fileSystemId === undefined ? all : all.filter(record => record.fileSystemId === fileSystemId);
    const { items, token } = cut(found, input.MaxResults, input.NextToken);
    const AccessPoints = items.map(record => describeAccessPoint(record, this.#options, this.#now()));
    return { AccessPoints, NextToken: token };
  }

  /** Takes the access point away; its directory and what is in it stay. */
  #deleteAccessPoint(input: DeleteAccessPointRequest): object {
    if (!this.#accessPoints.delete(input.AccessPointId ?? '')) throw accessPointNotFound(input.AccessPointId);
    return {};
  }

  #tagResource(input: TagResourceRequest): object {
    const id = resourceId(input.ResourceId);
    const accessPoint = this.#accessPoints.get(id);
    if (accessPoint) this.#accessPoints.put(id, { ...accessPoint, tags: mergeTags(accessPoint.tags, input.Tags) });
    else {
      const fileSystem = this.#tagged(id);
      this.#fileSystems.put(id, { ...fileSystem, tags: mergeTags(fileSystem.tags, input.Tags) });
    }
    return {};
  }

  #listTags(input: ListTagsForResourceRequest): ListTagsForResourceResponse {
    const id = resourceId(input.ResourceId);
    const { tags } = this.#accessPoints.seen(id) ?? this.#fileSystems.seen(id) ?? this.#tagged(id);
    return { Tags: [...tags] };
  }

  #tagged(id: string): FileSystemRecord {
    if (id.startsWith('fsap-')) throw accessPointNotFound(id);
    return this.#fileSystem(id);
  }

  #fileSystem(id: string | undefined): FileSystemRecord {
    const record = this.#fileSystems.get(id ?? '');
    if (!record) throw fileSystemNotFound(id);
    return record;
  }

  #availableFileSystem(id: string | undefined): FileSystemRecord {
    const record = this.#fileSystem(id);
    if (stateAt(record, this.#now()) === 'available') return record;
    throw new AwsError('IncorrectFileSystemLifeCycleState', `file system '${record.id}' is not available yet`, 409);
  }
}

function cut<T extends { readonly id: string }>(
  found: readonly T[],
  size: number | undefined,
  token: string | undefined,
) {
  const result = page(found, record => record.id, Math.min(size ?? pageSize, pageSize), token);
  if (!result) throw badRequest('the token is not one of ours');
  return result;
}

function newId(prefix: 'fs' | 'fsap' | 'fsmt'): string {
  // 17 hexadecimal digits, as in AWS's long ids.
  return `${prefix}-${randomBytes(9).toString('hex').slice(0, 17)}`;
}

/** Tagging takes an id or an ARN. */
function resourceId(given: string | undefined): string {
  return given?.split('/').at(-1) ?? '';
}

function describeMountTarget(record: MountTargetRecord): MountTargetDescription {
  const { id: MountTargetId, fileSystemId: FileSystemId, subnetId: SubnetId } = record;
  return { MountTargetId, FileSystemId, SubnetId, LifeCycleState: 'available', IpAddress: '127.0.0.1' };
}

function fileSystemNotFound(id: string | undefined): AwsError {
  return new AwsError('FileSystemNotFound', `File system '${id}' does not exist.`, 404);
}

function accessPointNotFound(id: string | undefined): AwsError {
  return new AwsError('AccessPointNotFound', `Access point ${id} does not exist.`, 404);
}
