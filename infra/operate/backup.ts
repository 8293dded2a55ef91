import { chmod, copyFile, mkdtemp, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { backup as backupSqlite, DatabaseSync } from 'node:sqlite';
import { startPostgres } from '../local/postgres.ts';
import { pack, peek, unpack } from './archive.ts';
import { dumpDatabase, loadDatabase } from './database.ts';
import { OperateFault } from './fault.ts';
import { openInstall } from './install.ts';

/** What both verbs are told. */
export interface BackupOptions {
  /** The data folder. */
  readonly data: string;
  readonly databaseUrl: string | undefined;
  readonly report: (line: string) => void;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

const format = 1;
/** Files of the data folder beside database and homes: without them no user, password or home would be found again. */
const files = ['secrets.json', 'ground.json'] as const;
const manifestName = 'manifest.json';
const databaseName = 'database.jsonl';
const stateName = 'aws.sqlite';

/**
 * Writes database, homes, users and secrets of one machine's installation into one file, and answers with its path.
 * The file appears under its name only when it is whole, readable by this user alone.
 */
export async function backup(to: string, options: BackupOptions): Promise<string> {
  const { data, report, signal } = options;
  const target = await targetOf(to, options);
  // Beside the target: a machine's temporary folder may be small memory.
  const work = await mkdtemp(`${target}.work-`);
  const install = await openInstall(data, options.databaseUrl).catch(async error => {
    await rm(work, { recursive: true });
    throw error;
  });
  const draft = `${target}.part`;
  try {
    const at = options.now().toISOString();
    // The database first: a home that is newer than its row does no harm, a row without its home would.
    const counted = await dumpDatabase(install.databaseUrl, path.join(work, databaseName));
    report(`Database: ${counted.rows} rows of ${counted.tables} tables, as of ${at}`);
    signal.throwIfAborted();
    await copyState(path.join(data, stateName), path.join(work, stateName));
    for (const file of files) await copyFile(path.join(data, file), path.join(work, file));
    await writeFile(path.join(work, manifestName), `${JSON.stringify({ format, at, running: install.running })}\n`);
    report('Users, passwords and secrets');
    const entries = [manifestName, databaseName, stateName, ...files].map(name => ({ folder: work, name }));
    report('Homes: packing…');
    await rm(draft, { force: true });
    const changed = await pack(draft, [...entries, { folder: data, name: 'homes' }], signal);
    await rename(draft, target);
    report(`Homes${changed ? ': some files changed while they were read' : ''}`);
    if (install.running)
      report('Armada was running: the database is of one moment, each home of the moment it was read a little later.');
    return target;
  } finally {
    await rm(draft, { force: true });
    await rm(work, { recursive: true, force: true });
    await install.close();
  }
}

/** Makes an installation from a backup, in a folder that is empty or not there. Start it with npm start. */
export async function restore(from: string, options: BackupOptions): Promise<void> {
  const { data, report, signal } = options;
  if (options.databaseUrl)
    throw new OperateFault('restore fills a PostgreSQL of its own. Unset DATABASE_URL and run it again.');
  await refuseUnlessEmpty(data);
  const manifest = await peek(from, manifestName, signal);
  if (manifest === undefined)
    throw new OperateFault(`${from} is not a backup of Armada, or not whole. Give --from a file that backup wrote.`);
  const { format: found, at } = JSON.parse(manifest);
  if (found !== format) throw new OperateFault(`${from} is of a newer Armada. Restore it with that version.`);
  // Beside the target, so that the last step is one rename: an interrupted restore leaves nothing half-made there.
  const draft = await mkdtemp(`${data}.restoring-`);
  try {
    await chmod(draft, 0o711);
    report(`Backup of ${at}: unpacking…`);
    await unpack(from, draft, signal);
    report('Homes, users and secrets');
    const postgres = await startPostgres({
      directory: path.join(draft, 'postgres'),
      stage: path.join(draft, 'stage'),
      durable: true,
    });
    try {
      const { rows, tables } = await loadDatabase(postgres.url, path.join(draft, databaseName));
      report(`Database: ${rows} rows of ${tables} tables`);
    } finally {
      await postgres.stop();
    }
    signal.throwIfAborted();
    for (const name of [manifestName, databaseName]) await rm(path.join(draft, name));
    await rmdir(data).catch(() => undefined);
    await rename(draft, data);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  if (process.getuid?.() !== 0) report('Not root: every file now belongs to this user, whoever owned it before.');
}

async function targetOf(to: string, { data, now }: BackupOptions): Promise<string> {
  const there = await stat(to).catch(() => undefined);
  const stamp = now().toISOString().slice(0, 19).replaceAll(':', '');
  const target = path.resolve(there?.isDirectory() ? path.join(to, `armada-${stamp}.tar.gz`) : to);
  if (await stat(target).catch(() => undefined))
    throw new OperateFault(`${target} is there already. Choose another name with --to.`);
  if (!(await stat(path.dirname(target)).catch(() => undefined))?.isDirectory())
    throw new OperateFault(`The folder ${path.dirname(target)} is not there. Make it, or choose another with --to.`);
  if (!path.relative(path.join(data, 'homes'), target).startsWith('..'))
    throw new OperateFault('A backup can’t lie among the homes that it holds. Choose another place with --to.');
  return target;
}

async function refuseUnlessEmpty(folder: string): Promise<void> {
  try {
    if ((await readdir(folder)).length === 0) return;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw new OperateFault(`${folder} can't be read. Choose another folder with --data.`, { cause: error });
  }
  throw new OperateFault(
    `${folder} is not empty: restore overwrites nothing. Give a new folder with --data, and start it with npm start -- --data.`,
  );
}

/** A consistent copy of the local AWS's state, beside a process that may be writing it. */
async function copyState(from: string, to: string): Promise<void> {
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    await backupSqlite(database, to);
  } finally {
    database.close();
  }
  await chmod(to, 0o600);
}
