import { randomBytes } from 'node:crypto';
import type { AccessPointDescription, FileSystemDescription, PosixUser, Tag } from '@aws-sdk/client-efs';
import { type Page, page } from '../paging.ts';
import { badRequest, type Exposed } from './rules.ts';

/** How long a new file system or access point is `creating`; on AWS it is seconds. */
export const creatingMilliseconds = 500;
const pageSize = 100;

/** A file system as the local AWS remembers it; times in milliseconds since 1970. */
export interface FileSystemRecord {
  readonly id: string;
  readonly creationToken: string;
  readonly createdAt: number;
  readonly availableAt: number;
  readonly encrypted: boolean;
  readonly throughputMode: FileSystemDescription['ThroughputMode'];
  readonly tags: readonly Tag[];
}

/** An access point as the local AWS remembers it. */
export interface AccessPointRecord {
  readonly id: string;
  readonly fileSystemId: string;
  readonly clientToken: string;
  readonly availableAt: number;
  readonly exposed: Exposed;
  readonly user: PosixUser | undefined;
  readonly tags: readonly Tag[];
}

/** A mount target: kept only because infrastructure asks for it; on one machine nothing goes through it. */
export interface MountTargetRecord {
  readonly id: string;
  readonly fileSystemId: string;
  readonly subnetId: string;
}

/** Where the resources are said to live. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** `available` once its time has come, until then `creating`. */
export function stateAt(record: { readonly availableAt: number }, now: number): 'creating' | 'available' {
  return now < record.availableAt ? 'creating' : 'available';
}

/** AWS's ARN of a resource of EFS. */
export function arnOf(place: Place, kind: 'file-system' | 'access-point', id: string): string {
  return `arn:aws:elasticfilesystem:${place.region}:${place.accountId}:${kind}/${id}`;
}

function nameOf(tags: readonly Tag[]): string | undefined {
  return tags.find(tag => tag.Key === 'Name')?.Value;
}

/** A file system as EFS describes it. */
export function describeFileSystem(
  record: FileSystemRecord,
  place: Place,
  mountTargets: number,
  now: number,
): FileSystemDescription {
  return {
    OwnerId: place.accountId,
    CreationToken: record.creationToken,
    FileSystemId: record.id,
    FileSystemArn: arnOf(place, 'file-system', record.id),
    CreationTime: new Date(record.createdAt),
    LifeCycleState: stateAt(record, now),
    Name: nameOf(record.tags),
    NumberOfMountTargets: mountTargets,
    SizeInBytes: { Value: 0 },
    PerformanceMode: 'generalPurpose',
    Encrypted: record.encrypted,
    ThroughputMode: record.throughputMode,
    Tags: [...record.tags],
  };
}

/** An access point as EFS describes it, tags included. */
export function describeAccessPoint(record: AccessPointRecord, place: Place, now: number): AccessPointDescription {
  return {
    AccessPointId: record.id,
    AccessPointArn: arnOf(place, 'access-point', record.id),
    FileSystemId: record.fileSystemId,
    ClientToken: record.clientToken,
    LifeCycleState: stateAt(record, now),
    Name: nameOf(record.tags),
    OwnerId: place.accountId,
    PosixUser: record.user,
    RootDirectory: { Path: record.exposed.path, CreationInfo: record.exposed.creation },
    Tags: [...record.tags],
  };
}

/** One page of at most 100, or BadRequest for a token that is not one of ours. */
export function cut<T extends { readonly id: string }>(
  found: readonly T[],
  size: number | undefined,
  token: string | undefined,
): Page<T> {
  const result = page(found, record => record.id, Math.min(size ?? pageSize, pageSize), token);
  if (!result) throw badRequest('the token is not one of ours');
  return result;
}

/** A new random id in AWS's long form. */
export function newId(prefix: 'fs' | 'fsap' | 'fsmt'): string {
  // 17 hexadecimal digits, as in AWS's long ids.
  return `${prefix}-${randomBytes(9).toString('hex').slice(0, 17)}`;
}
