import { randomBytes, randomInt, randomUUID } from 'node:crypto';
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

/**
 * One page of a list, by key, so that a list that grows or shrinks between pages never shows an item twice and never
 * hides one that was there all the time.
 */
export function page<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  limit: number,
  token: string | undefined,
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString('utf8');
  if (token !== undefined && Buffer.from(after, 'utf8').toString('base64url') !== token)
    throw new AwsError('InvalidParameterException', 'Invalid token');
  const rest = items.filter(item => keyOf(item) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  const more = rest.length > shown.length && last !== undefined;
  return { items: shown, nextToken: more ? Buffer.from(keyOf(last), 'utf8').toString('base64url') : undefined };
}

/** A time of a record in the SDK's form. */
export function date(milliseconds: number | undefined): Date | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds);
}
