import { spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** The home's lock, held. It ends with this process, however that ends. */
export interface Lock {
  /** Resolves if the lock is lost while this process lives: the gate must then let nobody type. */
  readonly lost: Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  readonly file: string;
  /** Called once if another one has the lock; the wait goes on. */
  readonly onWaiting: () => void;
  readonly signal?: AbortSignal;
  /** Only for tests: as on a system without flock(1). */
  readonly flock?: string;
}

/** A stopping task has usually ended by then: before, a held lock is nothing to tell people about. */
const patienceMilliseconds = 1000;
const retryMilliseconds = 250;

/**
 * Takes the lock, waiting for as long as another one has it. By flock(1), so that hosts which share the home over NFS
 * see each other; where there is none (macOS), by a file with a process id, good for one machine.
 */
export async function takeLock(options: LockOptions): Promise<Lock> {
  const timer = setTimeout(options.onWaiting, patienceMilliseconds);
  try {
    return (await takeFlock(options)) ?? (await takePidFile(options));
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined: there is no flock here. The child has the lock for as long as our end of its stdin is open. */
async function takeFlock(options: LockOptions): Promise<Lock | undefined> {
  const child = spawn(options.flock ?? 'flock', ['-x', options.file, '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A Ctrl+C at the terminal is the gate's to answer; this one ends with the pipe.
    detached: true,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500);
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  const held = new Promise<boolean>((resolve, reject) => {
    child.once('error', error => ('code' in error && error.code === 'ENOENT' ? resolve(false) : reject(error)));
    child.stdout.once('data', () => resolve(true));
    child.once('close', code => reject(new Error(`flock ended with ${code}: ${said.trim()}`)));
  });
  const abandon = () => child.stdin.destroy();
  const abort = () => child.pid && process.kill(-child.pid, 'SIGTERM');
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    if (!(await held)) return undefined;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
  let released = false;
  return {
    lost: ended.then(() => (released ? new Promise(() => {}) : undefined)),
    async release() {
      released = true;
      abandon();
      await ended;
    },
  };
}

async function takePidFile(options: LockOptions): Promise<Lock> {
  const file = `${options.file}.pid`;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const handle = await open(file, 'wx', 0o660);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return { lost: new Promise(() => {}), release: () => rm(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (holder > 0 && holder !== process.pid && isAlive(holder)) await delay(retryMilliseconds, undefined, options);
    else if (holder > 0) await rm(file, { force: true });
    else await delay(retryMilliseconds, undefined, options);
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
