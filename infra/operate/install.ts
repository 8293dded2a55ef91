import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { openDataFolder } from '../local/data-folder.ts';
import { StartFault } from '../local/options.ts';
import { startPostgres } from '../local/postgres.ts';
import { processStart } from '../local/process-start.ts';
import { OperateFault } from './fault.ts';

/** An installation on this machine whose database answers. */
export interface Install {
  readonly root: string;
  readonly databaseUrl: string;
  /** The product runs beside us. */
  readonly running: boolean;
  close(): Promise<void>;
}

/**
 * Opens the installation in a data folder: beside the running product, or alone with the folder's lock and a PostgreSQL
 * started for the while. `databaseUrl` is DATABASE_URL where the product uses another PostgreSQL.
 */
export async function openInstall(root: string, databaseUrl: string | undefined): Promise<Install> {
  if (!(await isThere(path.join(root, 'secrets.json'))))
    throw new OperateFault(`There is no Armada in ${root}. Say where it is with --data.`);
  if (!databaseUrl && !(await isThere(path.join(root, 'postgres', 'data'))))
    throw new OperateFault(`${root} has no database of its own. Set DATABASE_URL as for npm start.`);
  if (isRunning(root))
    return { root, databaseUrl: databaseUrl ?? (await ownUrl(root)), running: true, close: async () => {} };
  const data = openData(root);
  try {
    const postgres = databaseUrl
      ? undefined
      : await startPostgres({ directory: data.postgres, stage: data.stage, durable: true });
    return {
      root,
      databaseUrl: databaseUrl ?? postgres?.url ?? '',
      running: false,
      async close() {
        await postgres?.stop();
        data.release();
      },
    };
  } catch (error) {
    data.release();
    throw error;
  }
}

function openData(root: string) {
  try {
    return openDataFolder(root);
  } catch (error) {
    throw error instanceof StartFault ? new OperateFault(error.message, { cause: error }) : error;
  }
}

/** Whether the process that has the folder lives. */
function isRunning(root: string): boolean {
  try {
    const { pid, started } = JSON.parse(readFileSync(path.join(root, 'running.json'), 'utf8'));
    return pid !== process.pid && started !== undefined && processStart(pid) === started;
  } catch {
    return false;
  }
}

async function ownUrl(root: string): Promise<string> {
  const read = (name: string) => readFile(path.join(root, 'postgres', name), 'utf8');
  return `postgres://armada:${(await read('password')).trim()}@127.0.0.1:${(await read('port')).trim()}/postgres`;
}

function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
