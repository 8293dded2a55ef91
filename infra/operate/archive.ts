import { spawn } from 'node:child_process';
import { OperateFault } from './fault.ts';

/** Links are kept as links, never followed: tar's default for what it packs. Numbers, for names differ by machine. */
const faithful = ['--numeric-owner', '--xattrs', '--acls'];
/** GNU tar's exit status for files that changed while they were read. */
const changedMeanwhile = 1;

/** Where an entry of an archive comes from: `name` below `folder`. */
export interface Entry {
  readonly folder: string;
  readonly name: string;
}

/** Packs folders and files with owner, mode, links, FIFOs and attributes. Answers whether any changed meanwhile. */
export async function pack(file: string, entries: readonly Entry[], signal: AbortSignal): Promise<boolean> {
  const from = entries.flatMap(({ folder, name }) => ['-C', folder, name]);
  const { code, errors } = await tar(['-czf', file, ...faithful, ...from], signal);
  if (code === 0) return false;
  if (code === changedMeanwhile) return true;
  throw new OperateFault(`tar could not pack the homes: ${errors}. Free space at the target, or choose another --to.`);
}

/** Unpacks into an existing folder, as they were packed (owners only as root); nothing lands outside it. */
export async function unpack(file: string, folder: string, signal: AbortSignal): Promise<void> {
  const { code, errors } = await tar(['-xpzf', file, ...faithful, '-C', folder], signal);
  if (code !== 0)
    throw new OperateFault(`${file} could not be unpacked: ${errors}. Check that it is whole, and that there is room.`);
}

/** Reads one small file of an archive; undefined when it has none of that name. */
export async function peek(file: string, name: string, signal: AbortSignal): Promise<string | undefined> {
  const { code, output } = await tar(['-xzOf', file, name], signal);
  return code === 0 ? output : undefined;
}

function tar(args: readonly string[], signal: AbortSignal): Promise<{ code: number; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    // What is packed holds secrets and students' files.
    const child = spawn('/bin/sh', ['-c', 'umask 077; exec tar "$@"', 'tar', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LANG: 'C' },
      signal,
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', chunk => {
      output += chunk;
    });
    child.stderr.on('data', chunk => {
      errors = `${errors}${chunk}`.slice(-500);
    });
    child.once('error', reject);
    child.once('close', code => resolve({ code: code ?? 2, output, errors: errors.trim().split('\n').at(-1) ?? '' }));
  });
}
