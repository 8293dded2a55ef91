import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogTail, tailBytes } from '../../../infra/gate/log-tail.ts';
import { eventually } from '../../support/eventually.ts';
import { startWorld } from './support.ts';

let run: string;
let tail: LogTail;
beforeEach(async () => {
  run = await mkdtemp(path.join(tmpdir(), 'run-'));
  tail = new LogTail(path.join(run, 'ide.sock'));
});
afterEach(() => rm(run, { recursive: true, force: true }));

test('what the IDE said last is told once, whole lines without a terminal’s colours', async () => {
  expect(tail.take()).toBeUndefined();
  await writeFile(path.join(run, 'ide.log'), '\u001b[31mred\u001b[0m\0\r\nand\tblue\n');
  expect(tail.take()).toBe('red\nand\tblue\n');
  expect(tail.take()).toBeUndefined();
  tail.putBack();
  expect(tail.take()).toBe('red\nand\tblue\n');
  await appendFile(path.join(run, 'ide.log'), `${'a line of some length\n'.repeat(1000)}the last\n`);
  const told = tail.take();
  expect(told!.length).toBeLessThanOrEqual(tailBytes);
  expect(told!.startsWith('a line of some length\n')).toBe(true);
  expect(told!.endsWith('\nthe last\n')).toBe(true);
});

test('no link is followed and no pipe waited for', async () => {
  await writeFile(path.join(run, 'secret'), 'of others');
  await symlink(path.join(run, 'secret'), path.join(run, 'ide.log'));
  expect(tail.take()).toBeUndefined();
  await rm(path.join(run, 'ide.log'));
  execFileSync('mkfifo', [path.join(run, 'ide.log')]);
  expect(tail.take()).toBeUndefined();
});

test('the gate reports it, and once more when it ends: an IDE that stopped has said why', async () => {
  const world = await startWorld();
  await writeFile(path.join(world.run, 'ide.log'), 'listening\n');
  await eventually(() => world.portal.beats.some(beat => beat.ready));
  await appendFile(path.join(world.run, 'ide.log'), 'no space left\n');
  await world.close();
  expect(world.portal.beats.at(-1)).toMatchObject({ log: 'listening\nno space left\n', ready: false, visitors: [] });
});
