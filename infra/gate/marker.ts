import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { taskPaths } from '../../api/resources/entrance.ts';

/** `other`: another home's id. `unreachable`: the home can't be read, or is arranged so that it must not be trusted. */
export type Mark = 'right' | 'missing' | 'other' | 'unreachable';

/** Gate and IDE may run under different users of one group; nobody else has any business in it. */
const folderMode = 0o770;
const fileMode = 0o640;
/** Far more than any id is long: what is larger is no marker. */
const longest = 200;

/** The path of the home's lock file; makes its folder. */
export async function prepareHome(home: string): Promise<string> {
  const folder = path.dirname(path.join(home, taskPaths.homeMarker));
  await mkdir(folder, { mode: folderMode }).then(
    // The umask has cut the mode.
    () => chmod(folder, folderMode),
    error => {
      if (error.code !== 'EEXIST') throw error;
    },
  );
  // The student can write in the home: a link there would send the gate's own writing elsewhere.
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`);
  return path.join(home, taskPaths.homeLock);
}

/** Whether the home carries this id in its marker, or in another mark. Never throws, follows no link and waits on no pipe. */
export async function readMark(home: string, homeId: string, mark: string = taskPaths.homeMarker): Promise<Mark> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const file = await open(path.join(home, mark), flags);
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > longest) return 'unreachable';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(longest), 0, longest, 0);
      return buffer.toString('utf8', 0, bytesRead).trim() === homeId ? 'right' : 'other';
    } finally {
      await file.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'missing' : 'unreachable';
  }
}

/** Marks the home with its id: whole or not at all. */
export async function writeMark(home: string, homeId: string): Promise<void> {
  const marker = path.join(home, taskPaths.homeMarker);
  const part = `${marker}.${process.pid}`;
  await rm(part, { force: true });
  const file = await open(part, 'wx', fileMode);
  try {
    await file.writeFile(`${homeId}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, marker);
}
