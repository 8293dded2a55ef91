import { type ChildProcess, spawn } from 'node:child_process';
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
}

/** A new folder that other uids may pass through, as /var/lib/armada is. */
export async function temporaryDataFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const base = process.getuid?.() === 0 ? '/var/tmp' : os.tmpdir();
  const folder = await mkdtemp(path.join(base, 'armada-test-'));
  const { chmod } = await import('node:fs/promises');
  await chmod(folder, 0o711);
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A port that is free now. */
export function anyPort(): Promise<number> {
  return new Promise(resolve => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const installSeconds = 240;

/** Starts the product and resolves once it has printed its summary; rejects with its output if it ends before. */
export async function startProduct(options: ProductOptions): Promise<Product> {
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
