import { createHash } from 'node:crypto';
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { type Command, runNpm } from './npm.ts';

/** How far an installation is. `done` of `of` packages are there in `download`; the other steps go from 0 to 1. */
export interface InstallProgress {
  readonly step: 'download' | 'unpack' | 'link';
  readonly done: number;
  readonly of: number;
}

export interface InstallOptions {
  /** Where installations are kept; made if missing. Each lock gets a folder of its own in it. */
  readonly directory: string;
  /** How to run npm, see npmCommand. */
  readonly npm: Command;
  readonly onProgress: (progress: InstallProgress) => void;
  /** Ends the installation; what was done is cleared away and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where code-server lies; readable by every uid, so that IDEs of other users can run it. */
export interface InstalledIde {
  /** code-server's entry.js, to be run by Node. */
  readonly entry: string;
  readonly directory: string;
}

const source = import.meta.dirname;
const entryInside = 'node_modules/code-server/out/node/entry.js';
/** The two links that make code-server's VS Code find the packages beside it instead of its own copies. */
const links = [
  ['node_modules/code-server/lib/vscode/node_modules', '../../..'],
  ['node_modules/code-server/lib/vscode/extensions/node_modules', '../../../..'],
] as const;

/**
 * Installs the IDE once per lock file and platform, about 10 s and 400 MB, and answers at once afterwards. It is made in
 * a folder of its own and renamed when whole, so that a half-done install is never taken for a whole one.
 */
export async function installIde(options: InstallOptions): Promise<InstalledIde> {
  options.signal?.throwIfAborted();
  const lock = await readFile(path.join(source, 'package-lock.json'), 'utf8');
  const directory = path.join(path.resolve(options.directory), `ide-${await hashOfInputs(lock)}`);
  const installed = { directory, entry: path.join(directory, entryInside) };
  if (await exists(directory)) return installed;
  await mkdir(options.directory, { recursive: true });
  await removeLeftovers(options.directory);
  const part = `${directory}.part-${process.pid}`;
  try {
    await rm(part, { recursive: true, force: true });
    await mkdir(part);
    for (const name of ['package.json', 'package-lock.json', 'stubs']) {
      await cp(path.join(source, name), path.join(part, name), { recursive: true });
    }
    await download(part, lock, options);
    options.onProgress({ step: 'link', done: 0, of: 1 });
    for (const [link, target] of links) await symlink(target, path.join(part, link));
    await makeReadable(part);
    if (!(await exists(path.join(part, entryInside)))) throw new Error(`code-server came without ${entryInside}`);
    await settle(part, directory);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
  options.onProgress({ step: 'link', done: 1, of: 1 });
  return installed;
}

async function download(part: string, lock: string, options: InstallOptions): Promise<void> {
  const of = packagesIn(lock);
  let done = 0;
  options.onProgress({ step: 'download', done, of });
  await runNpm({
    npm: options.npm,
    args: ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=http'],
    directory: part,
    signal: options.signal,
    onFetched(count) {
      // npm is silent while the last and largest package, code-server itself, is fetched and unpacked.
      const wasUnpacking = done >= of - 1;
      done = Math.min(of, done + count);
      if (wasUnpacking) return;
      options.onProgress({ step: 'download', done, of });
      if (done >= of - 1) options.onProgress({ step: 'unpack', done: 0, of: 1 });
    },
  });
  options.onProgress({ step: 'unpack', done: 1, of: 1 });
}

/** Packages for one libc have a twin for the other, so that counting either gives the number. */
const oneLibc = 'glibc';

/** How many packages npm fetches on this platform. */
function packagesIn(lock: string): number {
  const { packages }: { packages: Readonly<Record<string, LockedPackage>> } = JSON.parse(lock);
  const here = (names: readonly string[] | undefined, name: string) => names === undefined || names.includes(name);
  return Object.values(packages).filter(
    each =>
      each.integrity !== undefined &&
      here(each.os, process.platform) &&
      here(each.cpu, process.arch) &&
      here(each.libc, oneLibc),
  ).length;
}

interface LockedPackage {
  readonly integrity?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/** Another start may have been faster: then its folder is as good as ours. */
async function settle(part: string, directory: string): Promise<void> {
  try {
    await rename(part, directory);
  } catch (error) {
    if (!(await exists(directory))) throw error;
    await rm(part, { recursive: true, force: true });
  }
}

/** Clears away what starts left behind that were ended in the middle; those still running are let be. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = Number(/^ide-[0-9a-f]+\.part-(\d+)$/.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(path.join(directory, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** a+rX: whoever's uid an IDE runs under can read it, and nobody else's umask decides about that. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(file, 0o755);
    else if (entry.isFile()) await chmod(file, (await isExecutable(file)) ? 0o755 : 0o644);
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, 1).then(
    () => true,
    () => false,
  );
}

async function hashOfInputs(lock: string): Promise<string> {
  const hash = createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`);
  for (const stub of ['spdlog', 'native-watchdog'])
    hash.update(await readFile(path.join(source, 'stubs', stub, 'index.js')));
  return hash.digest('hex').slice(0, 12);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
