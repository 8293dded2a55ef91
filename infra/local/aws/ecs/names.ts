import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { page } from '../paging.ts';
import { AwsError } from '../protocol.ts';

/** Where this ECS is: what its ARNs say. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** An ECS ARN, such as `arn:aws:ecs:us-east-1:000000000000:service/armada/w-1`. */
export function arnOf(place: Place, resource: string): string {
  return `arn:aws:ecs:${place.region}:${place.accountId}:${resource}`;
}

/** The part after the last `/`: callers may name things by ARN or by name. */
export function lastPart(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}

/** 32 hexadecimal digits, as tasks and container instances have. */
export function newTaskId(): string {
  return randomBytes(16).toString('hex');
}

/** `i-` and 17 hexadecimal digits. */
export function newEc2InstanceId(): string {
  return `i-${randomBytes(9).toString('hex').slice(0, 17)}`;
}

/** `ecs-svc/` and 19 digits. */
export function newDeploymentId(): string {
  const tail = () => String(randomInt(1_000_000_000)).padStart(9, '0');
  return `ecs-svc/${randomInt(1, 10)}${tail()}${tail()}`;
}

export function newEventId(): string {
  return randomUUID();
}

/** Letters, digits, `-` and `_`, at most 255: clusters, services, families. */
export function isName(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9_-]{1,255}$/.test(text);
}

/** One page of a list, or InvalidParameterException for a token that is not ours. */
export function pageOf<T>(
  found: readonly T[],
  keyOf: (item: T) => string,
  limit: number,
  token: string | undefined,
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const cut = page(found, keyOf, limit, token);
  if (!cut) throw new AwsError('InvalidParameterException', 'Invalid token');
  return { items: cut.items, nextToken: cut.token };
}

/** A time of a record in the SDK's form. */
export function date(milliseconds: number | undefined): Date | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds);
}
