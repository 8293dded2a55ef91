import path from 'node:path';
import type {
  AccessPointDescription,
  CreateAccessPointRequest,
  DeleteAccessPointRequest,
  DeleteFileSystemRequest,
  DescribeAccessPointsRequest,
  DescribeAccessPointsResponse,
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  Tag,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-efs';
import type { Operations } from '../endpoint.ts';
import type { FileSystems } from '../ports.ts';
import { AwsError } from '../protocol.ts';
import type { State, Table } from '../state.ts';
import { FileSystemsAndTargets, fileSystemNotFound } from './file-systems.ts';
import { mountDirectory } from './mount.ts';
import {
  type AccessPointRecord,
  creatingMilliseconds,
  cut,
  describeAccessPoint,
  type FileSystemRecord,
  newId,
  type Place,
  stateAt,
} from './records.ts';
import { badRequest, checkClientToken, checkPosixUser, checkRootDirectory, mergeTags } from './rules.ts';

/** EFS's quota of access points for each file system. */
const accessPointsLimit = 10_000;

/** Where the file systems are kept, and what they are said to be. */
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
  readonly #fileSystems: FileSystemsAndTargets;
  readonly #accessPoints: Table<AccessPointRecord>;

  constructor(options: EfsOptions) {
    this.#options = options;
    this.#fileSystems = new FileSystemsAndTargets(options);
    this.#accessPoints = options.state.table('efs-access-point');
    this.operations = {
      ...this.#fileSystems.operations,
      DeleteFileSystem: (input: DeleteFileSystemRequest) => this.#deleteFileSystem(input),
      CreateAccessPoint: (input: CreateAccessPointRequest) => this.#createAccessPoint(input),
      DescribeAccessPoints: (input: DescribeAccessPointsRequest) => this.#describeAccessPoints(input),
      DeleteAccessPoint: (input: DeleteAccessPointRequest) => this.#deleteAccessPoint(input),
      TagResource: (input: TagResourceRequest) => this.#tagResource(input),
      UntagResource: (input: UntagResourceRequest) => this.#untagResource(input),
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

  /** The data stay on the disk: what a person's homes are in is not for an API call to erase. */
  #deleteFileSystem(input: DeleteFileSystemRequest): object {
    const { id } = this.#fileSystems.unused(input.FileSystemId);
    this.#options.state.atomically(() => {
      for (const accessPoint of this.#accessPoints.all())
        if (accessPoint.fileSystemId === id) this.#accessPoints.delete(accessPoint.id);
      this.#fileSystems.table.delete(id);
    });
    return {};
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
    const { id: fileSystemId } = this.#fileSystems.available(input.FileSystemId);
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
    if (fileSystemId !== undefined && !this.#fileSystems.table.seen(fileSystemId))
      throw fileSystemNotFound(fileSystemId);
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

  #tagResource({ ResourceId, Tags }: TagResourceRequest): object {
    return this.#retag(ResourceId, tags => mergeTags(tags, Tags));
  }

  #untagResource({ ResourceId, TagKeys = [] }: UntagResourceRequest): object {
    return this.#retag(ResourceId, tags => tags.filter(({ Key }) => !TagKeys.includes(Key ?? '')));
  }

  #retag(resource: string | undefined, change: (tags: readonly Tag[]) => readonly Tag[]): object {
    const id = resourceId(resource);
    const accessPoint = this.#accessPoints.get(id);
    if (accessPoint) this.#accessPoints.put(id, { ...accessPoint, tags: change(accessPoint.tags) });
    else {
      const fileSystem = this.#tagged(id);
      this.#fileSystems.table.put(id, { ...fileSystem, tags: change(fileSystem.tags) });
    }
    return {};
  }

  #listTags(input: ListTagsForResourceRequest): ListTagsForResourceResponse {
    const id = resourceId(input.ResourceId);
    const { tags } = this.#accessPoints.seen(id) ?? this.#fileSystems.table.seen(id) ?? this.#tagged(id);
    return { Tags: [...tags] };
  }

  #tagged(id: string): FileSystemRecord {
    if (id.startsWith('fsap-')) throw accessPointNotFound(id);
    return this.#fileSystems.get(id);
  }
}

/** Tagging takes an id or an ARN. */
function resourceId(given: string | undefined): string {
  return given?.split('/').at(-1) ?? '';
}

function accessPointNotFound(id: string | undefined): AwsError {
  return new AwsError('AccessPointNotFound', `Access point ${id} does not exist.`, 404);
}
