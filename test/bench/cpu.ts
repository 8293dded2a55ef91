import { readFileSync } from 'node:fs';

/** Ticks a second of proc(5) on every Linux. */
const hertz = 100;

/** CPU seconds that processes have used, user and system. Source: proc(5), fields 14 and 15. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / hertz;
  }, 0);
}

/** Resident memory of a process in MiB: now, and the most that it ever was. Source: proc(5), status. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
  return { now: kibibytes('VmRSS') / 1024, peak: kibibytes('VmHWM') / 1024 };
}
