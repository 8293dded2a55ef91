import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { endStale } from './postgres-stale.ts';

const run = promisify(execFile);

/** How to start a PostgreSQL of our own. */
export interface PostgresOptions {
  /** Data, password (0600) and port are kept here. Made when absent; as root its path must be passable by others. */
  readonly directory: string;
  /** As root, the programs are copied here, for the other uid to read: must be passable by others too. */
  readonly stage: string;
  /** Without it: the last one while it is free, else any. */
  readonly port?: number;
  /** False gives up crash safety for speed: for tests. */
  readonly durable: boolean;
  readonly log?: (line: string) => void;
}

/** A running PostgreSQL: on loopback only, with a password. */
export interface Postgres {
  /** Superuser's connection string; holds the password. */
  readonly url: string;
  readonly pid: number;
  /** Fulfilled once the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Ends open sessions, writes everything down, and resolves once the server is gone. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root; 65534 is `nobody` everywhere. */
const foreignUid = 65534;
/** Two loops, an API's pool, watches, and test workers side by side. */
const maxConnections = 200;
/** A fresh cluster is 40 MB and its first WAL segments 32 MB; less leaves no room to work. */
const wantedBytes = 200 * 1024 * 1024;
/** A clean end takes well below a second; a checkpoint on a slow disk longer. */
const stopMilliseconds = 15_000;
/** Orphans of a killed server notice within a second and hold its memory until then. */
const startAttempts = 40;
/** A socket's path has at most 107 characters, on macOS 103. Source: unix(7). */
const longestSocketFolder = 80;
/** Without the caller's own environment: no PG* variable and no foreign locale gets in. */
const environment = { LANG: 'C', PATH: '/usr/bin:/bin' };

/**
 * Starts PostgreSQL from the npm package, with its data in `directory`, and resolves once it takes connections. A
 * server that an earlier run left there is ended first; on Linux this one ends when its parent does. Rejects with a
 * sentence for people: port taken, disk full, folder not writable.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const root = process.getuid?.() === 0;
  const owner = root ? { uid: foreignUid, gid: foreignUid } : {};
  const binaries = await findPostgres(options.stage, root);
  const data = join(options.directory, 'data');
  await prepareFolder(options.directory, root);
  const password = await initialize(options, data, binaries, owner);
  await endStale(data);
  const guard = await parentGuard();
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort(options);
    const [program = binaries.postgres, ...args] = [...guard, binaries.postgres, ...settings(data, port, options)];
    const child = spawn(program, args, { ...owner, cwd: '/', env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
    const failure = await ready(child, options.log);
    if (failure === undefined && child.pid !== undefined) {
      await writeFile(join(options.directory, 'port'), String(port));
      const url = `postgres://armada:${password}@127.0.0.1:${port}/postgres`;
      return { url, pid: child.pid, exited, stop: () => stop(child, exited) };
    }
    if (attempt === startAttempts || !passing(failure ?? '', options.port)) throw new Error(explain(failure ?? ''));
    await delay(250);
  }
}

function settings(data: string, port: number, { durable }: PostgresOptions): string[] {
  const careless = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const all = [
    'listen_addresses=127.0.0.1',
    // Tests ask a hundred times what people do: by a socket, a statement costs half as much.
    `unix_socket_directories=${durable || data.length > longestSocketFolder ? '' : data}`,
    `max_connections=${maxConnections}`,
    'jit=off',
    ...(durable ? [] : careless),
  ];
  return ['-D', data, '-p', String(port), ...all.flatMap(setting => ['-c', setting])];
}

async function prepareFolder(directory: string, root: boolean): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: root ? 0o711 : 0o700 });
    // Passable, not readable: the server under its own uid must reach `data`, whose own mode is 0700.
    if (root) await chmod(directory, 0o711);
  } catch (cause) {
    throw new Error(`PostgreSQL's folder ${directory} can't be made or used: ${codeOf(cause)}`, { cause });
  }
}

/** Makes the cluster unless it is there. A half-made one never carries the final name. Returns the password. */
async function initialize(
  { directory, durable }: PostgresOptions,
  data: string,
  binaries: PostgresBinaries,
  owner: { uid?: number; gid?: number },
): Promise<string> {
  const passwordFile = join(directory, 'password');
  const known = await readFile(passwordFile, 'utf8').catch(() => undefined);
  if (await stat(data).catch(() => undefined)) {
    if (known === undefined) throw new Error(`the password of ${data} is gone: ${passwordFile} can't be read`);
    return known;
  }
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < wantedBytes) throw new Error(`the disk of ${directory} is full: PostgreSQL needs 200 MB`);
  const password = randomBytes(24).toString('hex');
  const draft = join(directory, 'data.new');
  const handedOver = join(directory, 'password.new');
  try {
    await rm(draft, { recursive: true, force: true });
    await rm(handedOver, { force: true });
    await mkdir(draft, { mode: 0o700 });
    await writeFile(handedOver, password, { mode: 0o600 });
    if (owner.uid !== undefined && owner.gid !== undefined) {
      await chown(draft, owner.uid, owner.gid);
      await chown(handedOver, owner.uid, owner.gid);
    }
    const args = ['-D', draft, '-U', 'armada', '--auth=scram-sha-256', `--pwfile=${handedOver}`, '--encoding=UTF8'];
    const more = ['--locale=C', '--no-instructions'];
    await run(binaries.initdb, [...args, ...more, ...(durable ? [] : ['--no-sync'])], {
      ...owner,
      cwd: '/',
      env: environment,
    });
    await rm(handedOver);
    await rm(passwordFile, { force: true });
    await writeFile(passwordFile, password, { mode: 0o600 });
    await rename(draft, data);
  } catch (cause) {
    throw new Error(explain(`${codeOf(cause)} ${cause instanceof Error ? cause.message : ''}`), { cause });
  }
  return password;
}

/** The prefix that makes the kernel end the server, cleanly, with the process that started it. */
async function parentGuard(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const guard = ['setpriv', '--pdeathsig', 'INT', '--'];
  const there = await run('setpriv', ['--pdeathsig', 'INT', '--', 'true'], { env: environment }).catch(() => undefined);
  return there ? guard : [];
}

async function choosePort({ directory, port }: PostgresOptions): Promise<number> {
  if (port !== undefined) {
    if (await free(port)) return port;
    throw new Error(`port ${port}, asked for PostgreSQL, is taken by another process`);
  }
  const last = Number.parseInt(await readFile(join(directory, 'port'), 'utf8').catch(() => ''), 10);
  if (last > 0 && (await free(last))) return last;
  const any = await free(0);
  if (any === undefined) throw new Error('no free port on 127.0.0.1');
  return any;
}

function free(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = createServer().once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

/** Resolves to undefined once connections are taken, or to what the server said before it ended. */
function ready(child: ChildProcess, log: PostgresOptions['log']): Promise<string | undefined> {
  return new Promise(resolve => {
    let said = '';
    let rest = '';
    let open = false;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) log?.(line);
      if (open) return;
      said += text;
      if (said.includes('ready to accept connections')) {
        open = true;
        resolve(undefined);
      }
    });
    child.once('error', error => resolve(`${said}${error.message}`));
    child.once('close', () => resolve(`${said}ended`));
  });
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // SIGINT: sessions are ended and a checkpoint is written. SIGQUIT: no checkpoint, recovery at the next start.
  child.kill('SIGINT');
  const impatience = setTimeout(() => child.kill('SIGQUIT'), stopMilliseconds);
  await exited;
  clearTimeout(impatience);
}

/** Whether another attempt can succeed: memory of a server that was killed, or a port taken since it was chosen. */
function passing(said: string, fixedPort: number | undefined): boolean {
  return said.includes('still in use') || (fixedPort === undefined && said.includes('Address already in use'));
}

/** The server has no error codes to go by, only what it prints in English (LANG=C). */
function explain(said: string): string {
  const tail = said.trim().split('\n').slice(-8).join('\n');
  if (said.includes('No space left') || said.includes('ENOSPC')) return `PostgreSQL: the disk is full\n${tail}`;
  if (said.includes('Address already in use')) return `PostgreSQL: the port is taken\n${tail}`;
  if (/Permission denied|EACCES|EROFS/.test(said)) return `PostgreSQL: its folder can't be written or read\n${tail}`;
  return `PostgreSQL did not start\n${tail}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
