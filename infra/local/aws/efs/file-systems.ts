import type {
  CreateFileSystemRequest,
  CreateMountTargetRequest,
  DescribeFileSystemsRequest,
  DescribeFileSystemsResponse,
  DescribeMountTargetsRequest,
  DescribeMountTargetsResponse,
  FileSystemDescription,
  MountTargetDescription,
} from '@aws-sdk/client-efs';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { State, Table } from '../state.ts';
import {
  creatingMilliseconds,
  cut,
  describeFileSystem,
  type FileSystemRecord,
  type MountTargetRecord,
  newId,
  type Place,
  stateAt,
} from './records.ts';
import { badRequest, mergeTags } from './rules.ts';

/** The file systems, and the mount targets that keep them from being deleted. */
export class FileSystemsAndTargets {
  /** The operations on file systems and mount targets, but for the deletion, which takes access points along. */
  readonly operations: Operations;
  /** Open to who tags and deletes. */
  readonly table: Table<FileSystemRecord>;
  readonly #options: Place & { readonly state: State };
  readonly #mountTargets: Table<MountTargetRecord>;

  constructor(options: Place & { readonly state: State }) {
    this.#options = options;
    this.table = options.state.table('efs-file-system');
    this.#mountTargets = options.state.table('efs-mount-target');
    this.operations = {
      CreateFileSystem: (input: CreateFileSystemRequest) => this.#createFileSystem(input),
      DescribeFileSystems: (input: DescribeFileSystemsRequest) => this.#describeFileSystems(input),
      CreateMountTarget: (input: CreateMountTargetRequest) => this.#createMountTarget(input),
      DescribeMountTargets: (input: DescribeMountTargetsRequest) => this.#describeMountTargets(input),
    };
  }

  /** The file system as it is, or FileSystemNotFound. */
  get(id: string | undefined): FileSystemRecord {
    const record = this.table.get(id ?? '');
    if (!record) throw fileSystemNotFound(id);
    return record;
  }

  /** The file system once it is `available`; until then IncorrectFileSystemLifeCycleState. */
  available(id: string | undefined): FileSystemRecord {
    const record = this.get(id);
    if (stateAt(record, this.#now()) === 'available') return record;
    throw new AwsError('IncorrectFileSystemLifeCycleState', `file system '${record.id}' is not available yet`, 409);
  }

  /** The file system if nothing keeps it from being deleted, or FileSystemInUse. */
  unused(id: string | undefined): FileSystemRecord {
    const record = this.get(id);
    if (this.#mountTargets.all().some(target => target.fileSystemId === record.id))
      throw new AwsError('FileSystemInUse', `file system '${record.id}' has mount targets`, 409);
    return record;
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
    const existing = this.table.all().find(record => record.creationToken === creationToken);
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
    return this.#describe(this.table.put(record.id, record));
  }

  #describeFileSystems(input: DescribeFileSystemsRequest): DescribeFileSystemsResponse {
    let found = this.table.seenAll();
    if (input.FileSystemId !== undefined) {
      found = found.filter(record => record.id === input.FileSystemId);
      if (found.length === 0) throw fileSystemNotFound(input.FileSystemId);
    }
    if (input.CreationToken !== undefined)
      found = found.filter(({ creationToken }) => creationToken === input.CreationToken);
    const { items, token } = cut(found, input.MaxItems, input.Marker);
    return { FileSystems: items.map(record => this.#describe(record)), NextMarker: token };
  }

  #createMountTarget(input: CreateMountTargetRequest): MountTargetDescription {
    const fileSystem = this.available(input.FileSystemId);
    const subnetId = input.SubnetId ?? '';
    if (subnetId === '') throw badRequest('SubnetId is required');
    const taken = this.#mountTargets.all().some(it => it.fileSystemId === fileSystem.id && it.subnetId === subnetId);
    if (taken) throw new AwsError('MountTargetConflict', 'mount target already exists in this AZ', 409);
    const record = { id: newId('fsmt'), fileSystemId: fileSystem.id, subnetId };
    return describeMountTarget(this.#mountTargets.put(record.id, record));
  }

  #describeMountTargets(input: DescribeMountTargetsRequest): DescribeMountTargetsResponse {
    const { id } = this.get(input.FileSystemId);
    const found = this.#mountTargets.seenAll().filter(target => target.fileSystemId === id);
    const { items, token } = cut(found, input.MaxItems, input.Marker);
    return { MountTargets: items.map(describeMountTarget), NextMarker: token };
  }
}

function describeMountTarget(record: MountTargetRecord): MountTargetDescription {
  const { id: MountTargetId, fileSystemId: FileSystemId, subnetId: SubnetId } = record;
  return { MountTargetId, FileSystemId, SubnetId, LifeCycleState: 'available', IpAddress: '127.0.0.1' };
}

/** EFS's refusal of a file system that is not there: 404. */
export function fileSystemNotFound(id: string | undefined): AwsError {
  return new AwsError('FileSystemNotFound', `File system '${id}' does not exist.`, 404);
}
