import type { CreateAccessPointRequest, PosixUser, RootDirectory, Tag } from '@aws-sdk/client-efs';
import { AwsError } from '../protocol.ts';

// Limits and patterns as in the EFS API reference (CreateAccessPoint, RootDirectory, CreationInfo, PosixUser, Tag).

/** At most four levels, none beginning with a dot, none with a character that a shell would take up. */
const pathPattern = /^(\/|(\/(?!\.)[^$#<>;`|&?{}^*/\n]+){1,4})$/;
const longestPath = 100;
const permissionsPattern = /^[0-7]{3,4}$/;
const highestId = 4_294_967_295;
const secondaryGidsLimit = 16;
const longestClientToken = 64;
const tagsLimit = 50;
const longestTagKey = 128;
const longestTagValue = 256;

/** An owner and a mode as EFS gives them to a directory that it makes. */
export interface CreationInfo {
  readonly OwnerUid: number;
  readonly OwnerGid: number;
  readonly Permissions: string;
}

/** What an access point exposes, checked: `creation` is there when the directory may be made at the first mount. */
export interface Exposed {
  readonly path: string;
  readonly creation: CreationInfo | undefined;
}

/** EFS's refusal of a request that is malformed: BadRequest, 400. */
export function badRequest(message: string): AwsError {
  return new AwsError('BadRequest', message);
}

/** Checks the client token of a request, which EFS demands. */
export function checkClientToken(input: Pick<CreateAccessPointRequest, 'ClientToken'>): string {
  const token = input.ClientToken ?? '';
  if (token === '' || token.length > longestClientToken) throw badRequest('ClientToken must have 1 to 64 characters');
  return token;
}

/** Checks a root directory; without one the access point exposes the whole file system. */
export function checkRootDirectory(root: RootDirectory | undefined): Exposed {
  const path = root?.Path ?? '/';
  if (path.length > longestPath || !pathPattern.test(path))
    throw badRequest(`invalid path '${path}': at most four levels and ${longestPath} characters`);
  const info = root?.CreationInfo;
  if (!info) return { path, creation: undefined };
  const { OwnerUid, OwnerGid, Permissions } = info;
  if (Permissions === undefined || !permissionsPattern.test(Permissions))
    throw badRequest(`invalid Permissions '${Permissions}'`);
  return {
    path,
    creation: { OwnerUid: checkId('OwnerUid', OwnerUid), OwnerGid: checkId('OwnerGid', OwnerGid), Permissions },
  };
}

/** Checks the identity that an access point puts on its clients. */
export function checkPosixUser(user: PosixUser | undefined): PosixUser | undefined {
  if (!user) return undefined;
  checkId('Uid', user.Uid);
  checkId('Gid', user.Gid);
  const gids = user.SecondaryGids ?? [];
  if (gids.length > secondaryGidsLimit) throw badRequest(`more than ${secondaryGidsLimit} SecondaryGids`);
  for (const gid of gids) checkId('SecondaryGids', gid);
  return user;
}

function checkId(name: string, id: number | undefined): number {
  if (id === undefined || !Number.isInteger(id) || id < 0 || id > highestId)
    throw badRequest(`invalid ${name} '${id}'`);
  return id;
}

/** Lays new tags over old ones by key, and checks the outcome. */
export function mergeTags(old: readonly Tag[], added: readonly Tag[] | undefined): Tag[] {
  const merged = new Map(old.map(tag => [tag.Key ?? '', tag]));
  for (const tag of added ?? []) {
    const [key, value] = [tag.Key ?? '', tag.Value];
    const keyFits = key !== '' && key.length <= longestTagKey && !/^aws:/i.test(key);
    if (!keyFits || value === undefined || value.length > longestTagValue) throw badRequest(`invalid tag '${key}'`);
    merged.set(key, { Key: key, Value: value });
  }
  if (merged.size > tagsLimit) throw badRequest(`more than ${tagsLimit} tags`);
  return [...merged.values()];
}
