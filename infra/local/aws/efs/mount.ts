import { chmod, chown, mkdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Exposed } from './rules.ts';

/** Directories above an access point's own are root's, open for passing through. */
const parentMode = 0o755;

/**
 * The directory that `exposed` names under `base`, made with its owner and mode if it is not there. Owners are set only
 * by root. Throws when it is missing and may not be made, or when a symbolic link leads elsewhere.
 */
export async function mountDirectory(base: string, exposed: Exposed): Promise<string> {
  await mkdir(base, { recursive: true });
  const levels = exposed.path.split('/').filter(level => level !== '');
  const directory = path.join(await realpath(base), ...levels);
  if (!(await isThere(directory))) {
    if (!exposed.creation) throw new Error(`${exposed.path} does not exist and the access point has no CreationInfo`);
    await makeParents(await realpath(base), levels.slice(0, -1));
    await makeOwned(directory, exposed.creation);
  }
  // A home's owner could put a link where a deeper access point expects a directory.
  if ((await realpath(directory)) !== directory) throw new Error(`${exposed.path} is not a plain directory`);
  return directory;
}

async function isThere(directory: string): Promise<boolean> {
  return stat(directory).then(
    found => found.isDirectory(),
    () => false,
  );
}

async function makeParents(base: string, levels: readonly string[]): Promise<void> {
  let directory = base;
  for (const level of levels) {
    directory = path.join(directory, level);
    if (await isThere(directory)) continue;
    await mkdir(directory, { recursive: true });
    await chmod(directory, parentMode);
  }
  if ((await realpath(directory)) !== directory) throw new Error(`${directory} is not a plain directory`);
}

async function makeOwned(directory: string, creation: NonNullable<Exposed['creation']>): Promise<void> {
  // Recursive, so that two mounts at once do not fail one another.
  await mkdir(directory, { recursive: true });
  if (process.getuid?.() === 0) await chown(directory, creation.OwnerUid, creation.OwnerGid);
  await chmod(directory, Number.parseInt(creation.Permissions, 8));
}
