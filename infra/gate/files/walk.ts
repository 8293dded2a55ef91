import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';

/** A file that was found: open, so that it is the one that was looked at. The walker closes it. */
export interface Found {
  readonly type: 'file';
  /** Path below the folder, as bytes. */
  readonly name: Buffer;
  readonly file: FileHandle;
  readonly stats: Stats;
}

/** A folder that was found; what is in it comes after it. */
export interface Folder {
  readonly type: 'folder';
  readonly name: Buffer;
  readonly stats: Stats;
}

/** Something that is not read, and why. */
export interface LeftOut {
  readonly type: 'left out';
  readonly name: Buffer;
  readonly why: 'link' | 'special' | 'unreadable' | 'deep';
}

/** One descriptor is open for each level; whoever nests deeper does it to harm. */
const deepest = 200;
const slash = Buffer.from('/');
/** No link is followed, no pipe waited for, no access time written. */
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const folderFlags = fileFlags | constants.O_DIRECTORY;

/**
 * Goes through every file below a folder that a hostile program writes in meanwhile. Each step is taken from the open
 * folder above (`/proc/self/fd`), so that no name can be exchanged for a link that leads out. Holds one entry at a time.
 */
export async function* walk(
  root: string,
  skip: ReadonlySet<string> = new Set(),
): AsyncGenerator<Found | Folder | LeftOut> {
  const folder = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    yield* below(folder, Buffer.alloc(0), 1, skip);
  } finally {
    await folder.close();
  }
}

async function* below(
  folder: FileHandle,
  prefix: Buffer,
  depth: number,
  skip: ReadonlySet<string>,
): AsyncGenerator<Found | Folder | LeftOut> {
  const here = `/proc/self/fd/${folder.fd}`;
  // Typed for strings alone, though the encoding is honoured: names are bytes, and not all of them are UTF-8.
  for await (const entry of await opendir(here, { encoding: 'latin1' })) {
    const bytes = Buffer.from(entry.name, 'latin1');
    if (depth === 1 && skip.has(bytes.toString())) continue;
    const name = Buffer.concat([prefix, bytes]);
    const out = (why: LeftOut['why']): LeftOut => ({ type: 'left out', name, why });
    if (entry.isSymbolicLink()) yield out('link');
    else if (!entry.isDirectory() && !entry.isFile()) yield out('special');
    else if (entry.isDirectory() && depth >= deepest) yield out('deep');
    else {
      const place = Buffer.concat([Buffer.from(`${here}/`), bytes]);
      const opened = await open(place, entry.isDirectory() ? folderFlags : fileFlags).catch(() => undefined);
      if (!opened) {
        yield out('unreadable');
        continue;
      }
      try {
        const stats = await opened.stat();
        if (stats.isDirectory()) {
          yield { type: 'folder', name, stats };
          yield* below(opened, Buffer.concat([name, slash]), depth + 1, skip);
        } else yield stats.isFile() ? { type: 'file', name, file: opened, stats } : out('special');
      } finally {
        await opened.close();
      }
    }
  }
}
