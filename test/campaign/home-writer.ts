import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { taskPaths } from '../../api/resources/entrance.ts';
import { insideOf } from './home-watch.ts';

/** What a student's program saves, in their home. */
const savedFile = 'saved-lines';

/** A life is not cut off before it has saved so many lines. */
const fewLines = 20;

/** Saves line after line for ever: what was said aloud is on the disk. Arguments: file, name of this life. */
const program = `
const fs = require('node:fs');
const [file, life] = process.argv.slice(1);
const handle = fs.openSync(file, 'a');
let line = 0;
setInterval(() => {
  line += 1;
  fs.writeSync(handle, life + ' ' + line + '\\n');
  fs.fsyncSync(handle);
  fs.writeSync(1, line + '\\n');
}, 5);
`;

/** A program in a student's IDE container that saves lines, as the student. */
export interface HomeWriter {
  readonly life: string;
  /** The last line of which it said that it is saved. */
  readonly acknowledged: () => number;
  /** Resolves once it has saved some; rejects where it ends before. */
  readonly begun: Promise<void>;
  /** Resolves once it has ended, with all that it said heard. */
  readonly ended: Promise<void>;
}

/** Starts one in the container of this process, in its namespaces: it ends with them, and with nothing else. */
export function startWriter(ide: number, uid: number, life: string): HomeWriter {
  const { node, namespaces } = insideOf(ide);
  const user = ['--setuid', String(uid), '--setgid', String(uid)];
  const script = [node, '-e', program, path.join(taskPaths.home, savedFile), life];
  const child = spawn('nsenter', ['--target', String(ide), ...namespaces, ...user, ...script], {
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = 0;
  let rest = '';
  const { promise: begun, resolve: begin, reject: fail } = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    acknowledged = Number(lines.at(-1) ?? acknowledged);
    if (acknowledged >= fewLines) begin();
  });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  void ended.then(() => fail(new Error(`the writer of life ${life} ended after ${acknowledged} lines`)));
  return { life, acknowledged: () => acknowledged, begun, ended };
}

/** What is wrong with the lines saved in a home by these, in their order: lost ones, and lives that wrote side by side. */
export async function judgeSaved(home: string, writers: readonly HomeWriter[]): Promise<readonly string[]> {
  if (writers.length === 0) return [];
  await Promise.all(writers.map(({ ended }) => ended));
  const violations: string[] = [];
  const found = new Map<string, number>();
  let last = '';
  for (const text of readFileSync(path.join(home, savedFile), 'utf8').split('\n').slice(0, -1)) {
    const [life = '', line = ''] = text.split(' ');
    if (life !== last && found.has(life))
      violations.push(`double mount: life ${life} wrote on after ${last} had begun`);
    if (Number(line) !== (found.get(life) ?? 0) + 1)
      violations.push(`lost home: line ${line} of life ${life} is out of order`);
    found.set(life, Number(line));
    last = life;
  }
  for (const { life, acknowledged } of writers)
    if ((found.get(life) ?? 0) < acknowledged())
      violations.push(
        `lost home: of ${acknowledged()} lines that life ${life} saved, ${found.get(life) ?? 0} are there`,
      );
  return violations;
}
