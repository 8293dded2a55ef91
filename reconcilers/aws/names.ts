import { createHash } from 'node:crypto';

/** Keys of the tags on everything that is ours. Source: design, names and ownership. */
export const tagKeys = {
  deployment: 'armada:deployment',
  kind: 'armada:kind',
  id: 'armada:id',
  name: 'armada:name',
  /** On task definitions: sha256 of the definition as rendered. */
  hash: 'armada:hash',
} as const;

/** Names the owner of a thing; `name` is for people and decides nothing. */
export interface Owner {
  readonly deployment: string;
  readonly kind: string;
  readonly id: string;
  readonly name: string;
}

/** Whose a thing is by its tags. `unmarked`: it carries none of ours, as when a hand stripped them. */
export type Ownership = 'ours' | 'unmarked' | 'foreign';

/** Longest name that AWS gives a target group. */
const targetGroupNameLength = 32;
/** Longest tag value. */
const tagValueLength = 256;
/** What a target group's name leaves for the id beside `a-`, a deployment's 12 characters and a hyphen. */
const idLength = targetGroupNameLength - 'a-'.length - 12 - '-'.length;

/** Throws unless `deployment` can be part of every AWS name. */
export function checkDeployment(deployment: string): void {
  if (!/^[a-z0-9]{1,12}$/.test(deployment)) {
    throw new Error(`ARMADA_DEPLOYMENT must be 1 to 12 of a-z and 0-9, not ${JSON.stringify(deployment)}`);
  }
}

/** ECS service of a workspace. */
export function serviceName(deployment: string, workspaceId: string): string {
  return `ws-${deployment}-${part(workspaceId)}`;
}

/** Family of a workspace's task definitions. */
export function familyName(deployment: string, workspaceId: string): string {
  return `armada-${deployment}-${part(workspaceId)}`;
}

/** Family of the task definitions of a home's keeper; no workspace's id has a hyphen. */
export function keeperFamily(deployment: string, homeId: string): string {
  return `armada-${deployment}-k-${part(homeId)}`;
}

/** Client token of one try of a home's keeper, and what it says that it was started by: at most 36 characters. */
export function keeperToken(homeId: string, attempt: number): string {
  return `k-${part(homeId)}-${attempt}`;
}

/** Target group of a workspace: at most 32 characters, unique in account and region. */
export function targetGroupName(deployment: string, workspaceId: string): string {
  return `a-${deployment}-${part(workspaceId)}`;
}

/** Directory of a home in its file system; a function of the home alone, so that an access point made again finds it. */
export function homePath(homeId: string): string {
  return `/homes/${part(homeId)}`;
}

/**
 * Client token of a home's access point: at most 64 characters, unique in account and region. AWS does not compare
 * the file system of a repeated token, therefore it is part of it.
 */
export function homeToken(deployment: string, homeId: string, fileSystemId: string): string {
  return `${deployment}-${part(homeId)}-${digest(fileSystemId)}`;
}

/** Tags of a thing, as pairs; the SDKs spell their keys in three ways. */
export function tagsOf(owner: Owner): readonly (readonly [key: string, value: string])[] {
  return [
    [tagKeys.deployment, owner.deployment],
    [tagKeys.kind, owner.kind],
    [tagKeys.id, owner.id],
    [tagKeys.name, tagValue(owner.name)],
  ];
}

/** Judges tags that were read: another deployment, kind or id makes a thing foreign; none at all, unmarked. */
export function ownership(
  tags: ReadonlyMap<string, string>,
  owner: Pick<Owner, 'deployment' | 'kind' | 'id'>,
): Ownership {
  const expected = [
    [tagKeys.deployment, owner.deployment],
    [tagKeys.kind, owner.kind],
    [tagKeys.id, owner.id],
  ] as const;
  if (expected.some(([key, value]) => (tags.get(key) ?? value) !== value)) return 'foreign';
  return expected.every(([key]) => tags.has(key)) ? 'ours' : 'unmarked';
}

/** An id as part of a name: itself where every AWS name can hold it, else a hash of the same strength (80 bits). */
function part(id: string): string {
  return id.length <= idLength && /^[a-z0-9]+$/.test(id) ? id : digest(id);
}

/** 16 characters of a-v and 0-9: 80 bits. */
function digest(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 10);
  return Array.from({ length: 16 }, (_, place) => base32Digit(bytes, place)).join('');
}

function base32Digit(bytes: Uint8Array, place: number): string {
  const bit = place * 5;
  const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
  return ((pair >> (11 - (bit & 7))) & 31).toString(32);
}

/** Tag values allow letters, digits, spaces and `+ - = . _ : / @`. */
function tagValue(text: string): string {
  return text.replace(/[^\p{L}\p{N} +\-=._:/@]/gu, '_').slice(0, tagValueLength);
}
