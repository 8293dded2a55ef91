import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, opendir, rename, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { taskPaths } from '../../api/resources/entrance.ts';
import { keeperExits, purgedMark } from '../../api/resources/keeper.ts';
import { takeLock } from './lock.ts';
import { prepareHome, readMark } from './marker.ts';

export interface PurgeOptions {
  readonly homePath: string;
  readonly homeId: string;
  /** Goes on where no marker says whose it is: missing, or something else in its place. Never where it names another. */
  readonly unmarked?: boolean;
  /** Aborted when the lock has been waited for long enough. */
  readonly patience: AbortSignal;
  readonly onFailure: (cause: unknown) => void;
  /** Only for tests: as on a system without flock(1). */
  readonly flock?: string;
}

type Exit = (typeof keeperExits)[keyof typeof keeperExits];

const ours = path.dirname(taskPaths.homeMarker);
/** What stays: who repeats a purge takes the lock and finds the mark. */
const staying = [taskPaths.homeLock, purgedMark].map(file => path.basename(file));
const marker = path.basename(taskPaths.homeMarker);
const going = 'going';
const folderMode = 0o770;

/**
 * Deletes everything in a home but the lock and the mark that says so, following no link. It takes the lock first and
 * makes sure of the home's id. May be cut off anywhere and repeated. Never throws; answers with the exit code.
 */
export async function purgeHome(options: PurgeOptions): Promise<Exit> {
  const { homePath, homeId, unmarked = false, patience, onFailure, flock } = options;
  try {
    await openUp(homePath);
    const inside = path.join(homePath, ours);
    const found = await lstat(inside).catch(() => undefined);
    if (found && !found.isDirectory()) {
      if (!unmarked) return keeperExits.otherHome;
      // A link in its place is unlinked, and what it leads to is left alone.
      await unlink(inside);
    }
    await openUp(inside);
    const file = await prepareHome(homePath);
    const lock = await takeLock({ file, signal: patience, onWaiting: () => {}, flock }).catch(error => {
      if (patience.aborted) return undefined;
      throw error;
    });
    if (!lock) return keeperExits.inUse;
    try {
      if (!(await isThisHome(homePath, homeId, unmarked))) return keeperExits.otherHome;
      await empty(homePath, homeId);
    } finally {
      await lock.release();
    }
    return keeperExits.done;
  } catch (error) {
    onFailure(error);
    return keeperExits.failed;
  }
}

/**
 * Its marker or the mark of an earlier purge says so; one without any is taken only if there is nothing to lose, or
 * if it was said that its directory is proof enough.
 */
async function isThisHome(home: string, homeId: string, unmarked: boolean): Promise<boolean> {
  const mark = await readMark(home, homeId);
  if (unmarked) return mark !== 'other';
  if (mark !== 'missing') return mark === 'right';
  if ((await readMark(home, homeId, purgedMark)) === 'right') return true;
  for await (const entry of await opendir(home)) if (entry.name !== ours) return false;
  return true;
}

async function empty(home: string, homeId: string): Promise<void> {
  const inside = path.join(home, ours);
  const mark = path.join(home, purgedMark);
  if ((await readMark(home, homeId, purgedMark)) !== 'right') {
    await rm(mark, { force: true, recursive: true });
    await writeFile(mark, `${homeId}\n`, { flag: 'wx', mode: 0o640, flush: true });
  }
  const heap = path.join(inside, going);
  const found = await lstat(heap).catch(() => undefined);
  if (found && !found.isDirectory()) await unlink(heap);
  if (!found?.isDirectory()) await mkdir(heap, { mode: folderMode });
  await strip(home, heap, [ours]);
  await strip(inside, heap, [...staying, marker, going]);
  await burn(heap);
  await rmdir(heap);
  // Last: until then the home can be told by it.
  await rm(path.join(inside, marker), { force: true, recursive: true });
}

/** Takes everything out of a folder: files are deleted, folders put on the heap, so that no depth is too deep. */
async function strip(folder: string, heap: string, keep: readonly string[]): Promise<void> {
  // What a folder lists while it is being emptied may leave something out: again, until nothing is found.
  for (let isEmpty = false; !isEmpty; ) {
    isEmpty = true;
    // As latin1, for names are bytes and not all of them are UTF-8.
    for await (const entry of await opendir(folder, { encoding: 'latin1' })) {
      if (keep.includes(entry.name)) continue;
      isEmpty = false;
      const place = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(entry.name, 'latin1')]);
      if (entry.isDirectory()) {
        await openUp(place);
        await rename(place, path.join(heap, randomUUID()));
      } else await unlink(place);
    }
  }
}

async function burn(heap: string): Promise<void> {
  for (let isEmpty = false; !isEmpty; ) {
    isEmpty = true;
    for await (const entry of await opendir(heap)) {
      isEmpty = false;
      const folder = path.join(heap, entry.name);
      await strip(folder, heap, []);
      await rmdir(folder);
    }
  }
}

/** Its owner may have closed a folder to themselves. One that is another's stays as it is: then its group's right is enough. */
async function openUp(folder: string | Buffer): Promise<void> {
  // A link is left alone: what it leads to is not ours.
  if (!(await lstat(folder).catch(() => undefined))?.isDirectory()) return;
  await chmod(folder, folderMode).catch(() => {});
}
