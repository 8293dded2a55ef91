import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { Writable } from 'node:stream';
import type { ContainerExit } from '../driver.ts';
import type { Command, Launch } from './launch.ts';
import { forgetProcess, killGroup, recordProcess } from './leftovers.ts';
import type { LogFile } from './log-file.ts';

export interface ContainerOptions {
  readonly name: string;
  /** The task's folder, where the process is noted. */
  readonly folder: string;
  readonly launch: Launch;
  readonly command: Command;
  readonly isolated: boolean;
  readonly log: LogFile;
}

/** One running container: its first process, from start to end. */
export class Container {
  readonly launch: Launch;
  /** Resolves once the process runs; rejects when it can't be started. */
  readonly started: Promise<void>;
  /** Resolves when it has ended and nothing of it is left; rejects when it never started. */
  readonly exited: Promise<ContainerExit>;
  readonly #options: ContainerOptions;
  readonly #child: ChildProcess;
  #gone = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.launch = options.launch;
    const { command, log } = options;
    const program = options.launch.argv[0] ?? '';
    if (program.startsWith('/') && !existsSync(program))
      throw new Error(`CannotStartContainerError: exec: "${program}": no such file or directory`);
    this.#child = spawn(command.file, [...command.args], {
      cwd: command.workingDirectory,
      env: { ...command.environment },
      stdio: ['ignore', 'pipe', 'pipe', command.input === undefined ? 'ignore' : 'pipe'],
      detached: true,
    });
    const child = this.#child;
    give(child, command.input);
    if (child.stdout) log.follow(child.stdout);
    if (child.stderr) log.follow(child.stderr);
    // Its last words may come after its end.
    child.once('close', () => log.close());
    this.started = new Promise((resolve, reject) => {
      child.once('spawn', () => {
        if (child.pid !== undefined) recordProcess(options.folder, options.name, child.pid);
        resolve();
      });
      child.once('error', error => reject(new Error(`CannotStartContainerError: ${error.message}`)));
    });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(this.#ended(code, signal)));
    });
    this.exited.catch(() => {
      this.#gone = true;
    });
  }

  /** SIGTERM, SIGKILL when the grace is over; resolves when it is gone. */
  async end(graceSeconds: number): Promise<void> {
    await this.started.catch(() => {});
    if (this.#gone) return;
    signal(this.innerPid() ?? this.#child.pid, 'SIGTERM');
    const impatience = setTimeout(() => this.#kill(), graceSeconds * 1000);
    await this.exited.catch(() => {});
    clearTimeout(impatience);
  }

  /**
   * The container's own first process. Isolated, it is the only child of what was spawned, and undefined until that
   * has forked.
   */
  innerPid(): number | undefined {
    const { pid } = this.#child;
    if (!this.#options.isolated || pid === undefined) return pid;
    try {
      const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
      return first ? Number(first) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Runs a health check's command; true when it ends with 0 in time. */
  ask(command: Command, timeoutSeconds: number): Promise<boolean> {
    return new Promise(resolve => {
      const child = spawn(command.file, [...command.args], {
        cwd: command.workingDirectory,
        env: { ...command.environment },
        stdio: ['ignore', 'ignore', 'ignore', command.input === undefined ? 'ignore' : 'pipe'],
        timeout: timeoutSeconds * 1000,
        killSignal: 'SIGKILL',
      });
      give(child, command.input);
      child.once('error', () => resolve(false));
      child.once('exit', code => resolve(code === 0));
    });
  }

  #kill(): void {
    // The namespace ends with its first process; a group has to be ended as one.
    signal(this.innerPid(), 'SIGKILL');
    if (this.#child.pid !== undefined) killGroup(this.#child.pid);
  }

  #ended(code: number | null, signalName: NodeJS.Signals | null): ContainerExit {
    this.#gone = true;
    if (this.#child.pid !== undefined && !this.#options.isolated) killGroup(this.#child.pid);
    forgetProcess(this.#options.folder, this.#options.name);
    return { exitCode: code ?? 128 + (signalName ? os.constants.signals[signalName] : 0) };
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

function give(child: ChildProcess, input: string | undefined): void {
  const pipe = child.stdio[3];
  if (!(pipe instanceof Writable)) return;
  // It may end before it has read.
  pipe.on('error', () => {});
  pipe.end(input);
}
