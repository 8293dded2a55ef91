import { spawn } from 'node:child_process';
import fs from 'node:fs';
import readline from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { Client, readTarget } from './client.ts';
import { commandLine, operatorVerbs } from './commands.ts';
import { exitCodes, Fault } from './fault.ts';
import { plainText } from './output.ts';
import type { World } from './session.ts';

/** Runs one command line (without node and script) and answers the exit code. Throws nothing. */
export async function main(argv: readonly string[], world: World): Promise<number> {
  if (world.operate && operatorVerbs.has(argv[0] ?? '')) return world.operate(argv);
  let exitCode: number = exitCodes.ok;
  const program = commandLine(
    async ({ url, tokenFile, output }, verb) => {
      const flags = { ...(url === undefined ? {} : { url }), ...(tokenFile === undefined ? {} : { tokenFile }) };
      const { origin, token } = readTarget(flags, world.env);
      const client = new Client(origin, token, world.fetch, world.signal);
      exitCode = await verb({ world, client, format: output });
    },
    { out: text => void world.stdout.write(text), err: text => void world.stderr.write(text) },
  );
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (world.signal.aborted) return exitCodes.interrupted;
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    const fault = faultOf(error, argv);
    world.stderr.write(`armada: ${fault.message.split('\n').map(plainText).join('\n  ')}\n  next: ${fault.next}\n`);
    return fault.exitCode;
  }
}

function faultOf(error: unknown, argv: readonly string[]): Fault {
  if (error instanceof Fault) return error;
  const verb = argv.find(word => /^[a-z]+$/.test(word));
  if (error instanceof CommanderError) {
    const isKnown = verb !== undefined && error.code !== 'commander.unknownCommand';
    const message = error.code === 'commander.help' ? 'Say what to do.' : error.message.replace(/^error: /, '');
    return new Fault(message, isKnown ? `armada ${verb} --help` : 'armada --help', { exitCode: exitCodes.usage });
  }
  return new Fault(error instanceof Error ? error.message : String(error), 'the same command again');
}

/** The world of this process. */
function processWorld(): World {
  const leaving = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort());
  // `armada get … | head` closes our output early; that is no fault.
  process.stdout.on('error', () => leaving.abort());
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const { stdout, stderr, env } = process;
  const { fetch } = globalThis;
  const world = { stdout, stderr, env, fetch, now: () => new Date(), signal: leaving.signal, operate };
  return isTerminal ? { ...world, ask: question => askPerson(question, leaving), launch } : world;
}

async function askPerson(question: string, leaving: AbortController): Promise<string> {
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => leaving.abort());
  try {
    return await terminal.question(question, { signal: leaving.signal });
  } finally {
    terminal.close();
  }
}

/** By path, not by import: the command knows nouns and HTTP. Ctrl-C reaches both, for the terminal sends it to both. */
function operate(argv: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL('../../infra/operate/main.ts', import.meta.url));
  const child = spawn(process.execPath, [script, ...argv], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => resolve(code ?? exitCodes.interrupted));
  });
}

function launch(url: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  // The address is printed; who has no such program opens it by hand.
  spawn(program, [url], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2), processWorld());
}
