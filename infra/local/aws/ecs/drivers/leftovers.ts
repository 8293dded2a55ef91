import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ending = '.pid';

/** Notes a container's process in its task's folder, so that a next life can end it. */
export function recordProcess(folder: string, container: string, pid: number): void {
  writeFileSync(path.join(folder, container + ending), `${pid} ${startOf(pid) ?? ''}`, { mode: 0o600 });
}

export function forgetProcess(folder: string, container: string): void {
  rmSync(path.join(folder, container + ending), { force: true });
}

/**
 * Ends every recorded process of an earlier life that still is the one that was recorded (its start time tells it from
 * a later process of the same number), then removes the tasks' folders.
 */
export async function endLeftovers(directory: string): Promise<void> {
  const ended: number[] = [];
  for (const task of foldersIn(directory)) {
    for (const file of readdirSync(path.join(directory, task)).filter(name => name.endsWith(ending))) {
      const [pid = '', ...start] = readFileSync(path.join(directory, task, file), 'utf8').split(' ');
      if (start.join(' ') === '' || startOf(Number(pid)) !== start.join(' ')) continue;
      killGroup(Number(pid));
      ended.push(Number(pid));
    }
  }
  while (ended.some(isAlive)) await new Promise(resolve => setTimeout(resolve, 20));
  for (const task of foldersIn(directory)) rmSync(path.join(directory, task), { recursive: true, force: true });
}

/** SIGKILL for a container's first process and all of its group. */
export function killGroup(pid: number): void {
  for (const target of [-pid, pid])
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // Gone already.
    }
}

function foldersIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name);
}

function isAlive(pid: number): boolean {
  // A zombie waits for its parent and runs no more.
  return startOf(pid) !== undefined && !isZombie(pid);
}

function isZombie(pid: number): boolean {
  return process.platform === 'linux' && statOf(pid)?.[0] === 'Z';
}

/** A process's start time, the same for its whole life; undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return statOf(pid)?.[19];
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** The fields of /proc/<pid>/stat from the third on; the second, the name, may itself hold blanks and brackets. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
