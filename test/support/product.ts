import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A real `npm start` in a process of its own. */
export interface Product {
  readonly url: string;
  readonly port: number;
  readonly data: string;
  readonly email: string;
  /** The first instructor's one-time password, or what is printed in its place. */
  readonly password: string;
  /** Everything it printed. */
  readonly output: () => string;
  readonly pid: number;
  /** Sends a signal and waits for the end; answers with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface ProductOptions {
  readonly data: string;
  readonly port: number;
  readonly args?: readonly string[];
  /** Begins with the editor that an earlier product installed, if there is one, and leaves its own to the next. */
  readonly sharesEditor?: boolean;
}

const base = process.getuid?.() === 0 ? '/var/tmp' : os.tmpdir();

/** The editor that an earlier product installed, by links to its files: to install it takes longer than many a test. */
const keptEditor = path.join(base, `armada-test-editor-${process.getuid?.() ?? 0}`);
const linux = process.platform === 'linux';
const editorOf = (data: string) => path.join(data, 'stage', 'ide');

/** Puts it into a data folder that has none, if there is one. */
export function lendEditor(data: string): void {
  if (!linux || !existsSync(keptEditor) || existsSync(editorOf(data))) return;
  mkdirSync(data, { recursive: true, mode: 0o711 });
  mkdirSync(path.dirname(editorOf(data)), { recursive: true, mode: 0o755 });
  execFileSync('cp', ['-al', keptEditor, editorOf(data)]);
}

/** Keeps it for the next product, in place of one of another version. */
function keepEditor(data: string): void {
  const made = editorOf(data);
  if (!linux || !existsSync(made) || readdirSync(made).every(name => existsSync(path.join(keptEditor, name)))) return;
  const part = `${keptEditor}.${process.pid}`;
  execFileSync('cp', ['-al', made, part]);
  rmSync(keptEditor, { recursive: true, force: true });
  renameSync(part, keptEditor);
}

/** A new folder that other uids may pass through, as /var/lib/armada is. */
export async function temporaryDataFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(base, 'armada-test-'));
  const { chmod } = await import('node:fs/promises');
  await chmod(folder, 0o711);
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Below the ports that a machine gives out by itself (Linux: 32768 and up) and below those of tasks (20000 and up). */
const [firstPort, ports] = [10_000, 10_000];
let nextPort = randomInt(ports);

/** A port that is free, and that nothing but another call of this takes between choice and use; never one twice. */
export async function anyPort(): Promise<number> {
  for (let tries = 0; tries < ports; tries += 1) {
    const port = firstPort + nextPort;
    nextPort = (nextPort + 1) % ports;
    const isFree = await new Promise<boolean>(resolve => {
      const server = net.createServer().once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error('no port is free');
}

const installSeconds = 240;

/** Starts the product and resolves once it has printed its summary; rejects with its output if it ends before. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  if (options.sharesEditor) lendEditor(options.data);
  const child = launch(options);
  let output = '';
  const ready = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk;
      if (/Stop {2,}Ctrl-C/.test(output)) resolve();
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('exit', code => reject(new Error(`npm start ended with ${code}:\n${output}`)));
    setTimeout(
      () => reject(new Error(`npm start took longer than ${installSeconds} s:\n${output}`)),
      installSeconds * 1000,
    ).unref();
  });
  await ready;
  if (options.sharesEditor) keepEditor(options.data);
  return {
    url: `http://localhost:${options.port}`,
    port: options.port,
    data: options.data,
    email: /Sign in as\s+(\S+)/.exec(output)?.[1] ?? '',
    password: /Password\s+(\S+)/.exec(output)?.[1] ?? '',
    output: () => output,
    pid: child.pid!,
    end: signal => ended(child, signal),
  };
}

/** Starts the product where it is expected to give up; answers with exit code and output. */
export async function startInVain(options: ProductOptions): Promise<{ code: number | null; output: string }> {
  const child = launch(options);
  let output = '';
  child.stdout?.on('data', chunk => {
    output += chunk;
  });
  child.stderr?.on('data', chunk => {
    output += chunk;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, output };
}

function launch({ data, port, args = [] }: ProductOptions): ChildProcess {
  const { DATABASE_URL: _, ...env } = process.env;
  return spawn(process.execPath, ['infra/local/main.ts', '--data', data, '--port', String(port), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = new Promise<number | null>(resolve => child.once('exit', resolve));
  child.kill(signal);
  return exit;
}
