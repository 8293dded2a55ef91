import { spawn } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import path from 'node:path';

/** A program and the arguments that come before all others. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** The registry could not be reached, or the disk is full: the message says what to do. */
export class InstallError extends Error {}

/**
 * The npm to install with, run by this process's own Node: the one that started us (`npm_execpath`), else the first on
 * the PATH.
 */
export async function npmCommand(env: NodeJS.ProcessEnv = process.env): Promise<Command> {
  const starter = env['npm_execpath'];
  if (starter && /npm-cli\.[cm]?js$/.test(starter)) return { file: process.execPath, args: [starter] };
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const found = await realpath(path.join(folder, 'npm')).catch(() => undefined);
    if (found?.endsWith('.js')) return { file: process.execPath, args: [found] };
    if (found) return { file: found, args: [] };
  }
  throw new InstallError('npm was not found. Start Armada with `npm start`, or put npm on the PATH.');
}

export interface NpmRun {
  readonly npm: Command;
  readonly args: readonly string[];
  readonly directory: string;
  readonly signal: AbortSignal | undefined;
  /** Called with how many more packages have come. Needs `--loglevel=http` among the arguments. */
  readonly onFetched: (count: number) => void;
}

/** Enough of npm's last words to tell why it failed. */
const keptCharacters = 4000;

/** Runs npm to its end; rejects with an InstallError when it fails, with the signal's reason when that ended it. */
export async function runNpm(run: NpmRun): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(run.npm.file, [...run.npm.args, ...run.args], {
    cwd: run.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    // What npm was told about the project that started us is not about this folder.
    env: withoutProject(process.env),
    detached: true,
  });
  const end = () => child.pid && endGroup(child.pid);
  run.signal?.addEventListener('abort', end, { once: true });
  let tail = '';
  let line = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-keptCharacters);
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    const count = lines.filter(each => /http (fetch|cache) .*\.tgz/.test(each)).length;
    if (count > 0) run.onFetched(count);
  });
  child.on('error', reject);
  child.on('close', code => {
    if (run.signal?.aborted) reject(run.signal.reason);
    else if (code === 0) resolve();
    else
      reject(
        new InstallError(explainFailure(tail, run.directory), { cause: new Error(`npm ended with ${code}\n${tail}`) }),
      );
  });
  try {
    await promise;
  } finally {
    run.signal?.removeEventListener('abort', end);
  }
}

function withoutProject(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|config_local_prefix)/i.test(name),
  );
  return Object.fromEntries(kept);
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

/** What a person can do about npm's failure, from the codes in its last words. Source: npm's `npm error code …` line. */
export function explainFailure(output: string, directory: string): string {
  const code = /npm (?:error|ERR!) code (\S+)/.exec(output)?.[1] ?? '';
  const host = /https?:\/\/([^/\s:]+)/.exec(output)?.[1] ?? 'the npm registry';
  if (
    [
      'ENOTFOUND',
      'EAI_AGAIN',
      'ECONNREFUSED',
      'ECONNRESET',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ERR_SOCKET_TIMEOUT',
    ].includes(code)
  ) {
    return `The IDE could not be downloaded: ${host} does not answer (${code}). Check the network or the proxy settings of npm, then start again.`;
  }
  if (code === 'ENOSPC') {
    return `The disk is full: the IDE needs about 500 MB in ${path.dirname(directory)}. Make room, then start again.`;
  }
  if (code === 'EINTEGRITY') {
    return 'A package of the IDE came damaged (EINTEGRITY). Run `npm cache clean --force`, then start again.';
  }
  if (code === 'E404' || code === 'ETARGET') {
    return `${host} does not have a package that the IDE needs (${code}). If npm uses a mirror, it must carry that package.`;
  }
  if (code === 'E401' || code === 'E403') return `${host} refused the download (${code}). Check npm's sign-in for it.`;
  if (code === 'EACCES' || code === 'EROFS') return `${path.dirname(directory)} can't be written to (${code}).`;
  return `The IDE could not be installed: npm ci failed${code && ` (${code})`}. Its last words: ${output.trim().split('\n').slice(-3).join(' ')}`;
}
