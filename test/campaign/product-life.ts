import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { lendEditor } from '../support/product.ts';

/** An `npm start` that is started again whenever it has ended, as a machine's own supervisor does. */
export interface ProductLife {
  /** Kills it with SIGKILL; the next one begins at once, beside what is left of the last. */
  killed(): Promise<void>;
  /** Ends it for good. */
  end(): Promise<void>;
  /** What it printed last. */
  output(): string;
}

/** Between two starts of one that refuses to. */
const pauseMilliseconds = 200;
const outputKept = 4_000;

/** Starts it over this data folder at this port. */
export function keepUp(data: string, port: number): ProductLife {
  lendEditor(data);
  let over = false;
  let output = '';
  let child: ChildProcess;
  let exited: Promise<void>;
  const start = () => {
    const { DATABASE_URL: _, ...env } = process.env;
    const args = ['infra/local/main.ts', '--data', data, '--port', String(port)];
    const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const stream of [started.stdout, started.stderr])
      stream?.setEncoding('utf8').on('data', text => {
        output = (output + text).slice(-outputKept);
      });
    exited = new Promise(resolve => started.once('exit', () => resolve()));
    // Nobody killed it: it refused to start.
    void exited.then(async () => {
      if (started.signalCode === 'SIGKILL' || over) return;
      await delay(pauseMilliseconds);
      if (!over && child === started) start();
    });
  };
  start();
  return {
    async killed() {
      child.kill('SIGKILL');
      await exited;
      start();
    },
    async end() {
      over = true;
      child.kill('SIGINT');
      await exited;
    },
    output: () => output,
  };
}
