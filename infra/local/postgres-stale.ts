import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** For each of a clean and a hard end: a checkpoint on a slow disk takes its time. */
const patienceMilliseconds = 15_000;

/**
 * Ends the server that `postmaster.pid` of a data folder names, if it is that folder's; drops the file if the number is
 * another process's by now. That nobody else is meant to use the folder is for the caller to know.
 */
export async function endStale(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  if (!(pid > 1) || !alive(pid)) return;
  if (!(await commandOf(pid)).includes(data)) {
    // After a reboot the number belongs to somebody else, and PostgreSQL would refuse to start.
    await rm(file, { force: true });
    return;
  }
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    kill(pid, signal);
    for (let waited = 0; waited < patienceMilliseconds; waited += 50) {
      if (!alive(pid)) return;
      await delay(50);
    }
  }
  throw new Error(`an earlier PostgreSQL of ${data} (process ${pid}) does not end`);
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return (await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))).stdout;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
