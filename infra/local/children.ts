import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { processStart } from './process-start.ts';

/** A program that the supervisor keeps running until it is told to stop. */
export interface Program {
  readonly name: string;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Told to each new process over IPC, again after a restart. */
  readonly greeting?: () => object | undefined;
}

/** A running program: restarted when it ends by itself. */
export interface Child {
  readonly name: string;
  send(message: object): void;
  /** SIGTERM, and SIGKILL if it has not ended after `graceSeconds`. */
  stop(graceSeconds?: number): Promise<void>;
}

const graceSecondsByDefault = 10;
/** A program that fails at once is not restarted in a tight loop: from 0.2 s doubling to 5 s. */
const firstDelayMilliseconds = 200;
const longestDelayMilliseconds = 5_000;
/** One that ran this long failed for a new reason: the delay begins anew. */
const soundRunMilliseconds = 30_000;

/**
 * Starts a Node program with its output in `<logs>/<name>.log`. It leads a process group of its own, so that Ctrl-C
 * reaches the supervisor alone, and on Linux it ends when the supervisor does, even by SIGKILL.
 */
export function startChild(program: Program, logs: string, onRestart: (name: string, how: string) => void): Child {
  let child: ChildProcess;
  let stopping = false;
  let delay = firstDelayMilliseconds;
  let restart: NodeJS.Timeout | undefined;

  const launch = () => {
    const startedAt = Date.now();
    const log = fs.openSync(path.join(logs, `${program.name}.log`), 'a', 0o600);
    const [command, ...args] = [...dieWithParent('TERM'), process.execPath, program.script];
    child = spawn(command ?? process.execPath, args, {
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...program.environment },
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    });
    fs.closeSync(log);
    remember(logs, program.name, child.pid);
    const greeting = program.greeting?.();
    if (greeting) child.send(greeting, () => {});
    child.once('exit', (code, signal) => {
      if (stopping) return;
      if (Date.now() - startedAt > soundRunMilliseconds) delay = firstDelayMilliseconds;
      onRestart(program.name, signal ?? `exit code ${code}`);
      restart = setTimeout(launch, delay);
      delay = Math.min(longestDelayMilliseconds, delay * 2);
    });
  };
  launch();

  return {
    name: program.name,
    send: message => void (child.connected && child.send(message, () => {})),
    async stop(graceSeconds = graceSecondsByDefault) {
      stopping = true;
      clearTimeout(restart);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceSeconds * 1000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The command prefix under which a process gets a signal when the one that started it is gone; Linux only. */
export function dieWithParent(signal: 'TERM' | 'INT' | 'KILL'): readonly string[] {
  const there = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0;
  return there ? ['setpriv', '--pdeathsig', signal, '--'] : [];
}

function remember(logs: string, name: string, pid: number | undefined): void {
  if (pid === undefined) return;
  fs.writeFileSync(path.join(logs, `${name}.pid`), JSON.stringify({ pid, started: processStart(pid) }), {
    mode: 0o600,
  });
}

/** Ends what an earlier supervisor left behind when it was killed. Only processes that its files name by pid and start time. */
export function endLeftovers(logs: string): void {
  for (const file of fs.readdirSync(logs).filter(name => name.endsWith('.pid'))) {
    try {
      const { pid, started } = JSON.parse(fs.readFileSync(path.join(logs, file), 'utf8'));
      if (started && processStart(pid) === started) process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already, or half written: nothing to end.
    }
    fs.rmSync(path.join(logs, file), { force: true });
  }
}
