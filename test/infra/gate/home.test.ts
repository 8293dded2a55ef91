import { spawn } from 'node:child_process';
import { access, chmod, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Gate, startGate } from '../../../infra/gate/gate.ts';
import { takeLock } from '../../../infra/gate/lock.ts';
import { readSettings } from '../../../infra/gate/settings.ts';
import { eventually } from '../../support/eventually.ts';
import { Browser } from './browser.ts';
import { type Ide, makeTask, type Portal, startIde, startPortal, ticketOf } from './support.ts';

let task: Awaited<ReturnType<typeof makeTask>>;
let portal: Portal;
let ide: Ide;
const gates: Gate[] = [];

beforeEach(async () => {
  [task, portal] = await Promise.all([makeTask(), startPortal()]);
  ide = await startIde(path.join(task.run, 'ide.sock'));
});
afterEach(async () => {
  await Promise.all(gates.splice(0).map(gate => gate.close()));
  await Promise.all([portal.close(), ide.close()]);
  await rm(task.folder, { recursive: true, force: true, maxRetries: 5 });
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<Gate> {
  const settings = readSettings({ ...task.env, ARMADA_HEARTBEAT_URL: portal.url, ...env });
  const gate = await startGate({ settings, log: pino({ level: 'silent' }), now: Date.now });
  gates.push(gate);
  return gate;
}

const marker = () => path.join(task.home, '.armada/home');
const readyFile = () => path.join(task.run, 'gate-ready');
const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

async function pidOf(command: string): Promise<number> {
  for (const name of await readdir('/proc')) {
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.replaceAll('\0', ' ').startsWith(command)) return Number(name);
  }
  throw new Error(`no process runs ${command}`);
}

async function neverReady(gate: Gate): Promise<void> {
  expect(portal.beats.some(beat => beat.ready)).toBe(false);
  expect(await exists(readyFile())).toBe(false);
  const browser = new Browser(gate.port);
  expect((await browser.ask('/.gate/health')).status).toBe(503);
  const state = await browser.stateOf('/');
  expect((await browser.postTicket(await ticketOf({ state }))).status).toBe(503);
}

test('a home with the right marker is held, even while the API can’t be reached', async () => {
  portal.status = 503;
  const gate = await start();
  await eventually(() => exists(readyFile()));
  await eventually(async () => (await new Browser(gate.port).ask('/.gate/health')).status === 200);
});

test('a home without a marker is marked when the API says that it never was', async () => {
  await rm(path.join(task.home, '.armada'), { recursive: true });
  portal.answer = { mayMark: true, revoked: [] };
  await start();
  await eventually(() => portal.beats.at(-1)?.ready === true);
  expect(portal.beats[0]).toMatchObject({ marked: false, ready: false, problem: null });
  expect(portal.beats.at(-1)).toMatchObject({ marked: true, problem: null });
  expect((await readFile(marker(), 'utf8')).trim()).toBe('home-1');
  expect((await stat(path.dirname(marker()))).mode & 0o777).toBe(0o770);
});

test('a home that lost its marker is never ready, until it has it again', async () => {
  await rm(marker());
  const gate = await start();
  await eventually(() => portal.beats.at(-1)?.problem === 'HomeNotReachable');
  await neverReady(gate);
  expect(await exists(marker())).toBe(false);
  await writeFile(marker(), 'home-1');
  await eventually(() => portal.beats.at(-1)?.ready === true);
  expect(portal.beats.at(-1)?.problem).toBe(null);
});

test('another home’s marker, a link and an oversized file are not taken for the marker', async () => {
  const other = path.join(task.folder, 'other');
  await writeFile(other, 'home-1');
  const plants = {
    'another id': () => writeFile(marker(), 'home-2'),
    link: async () => {
      await rm(marker());
      await symlink(other, marker());
    },
    oversized: async () => {
      await rm(marker());
      await writeFile(marker(), `home-1${' '.repeat(500)}`);
    },
  };
  portal.answer = { mayMark: true, revoked: [] };
  for (const [name, plant] of Object.entries(plants)) {
    await plant();
    portal.beats.length = 0;
    const gate = await start();
    await eventually(() => portal.beats.at(-1)?.problem === 'HomeNotReachable');
    await neverReady(gate).catch(error => expect.fail(`${name}: ${error}`));
    await gates.pop()?.close();
  }
});

test('a marker is not written while the API can’t be asked', async () => {
  await rm(marker());
  portal.answer = { mayMark: true, revoked: [] };
  portal.status = 503;
  const gate = await start();
  await eventually(() => portal.asked > 1);
  await neverReady(gate);
  expect(await exists(marker())).toBe(false);
  portal.status = 200;
  await eventually(() => portal.beats.at(-1)?.ready === true);
});

test('a student who clears the home away does not lose it', async () => {
  const gate = await start();
  await eventually(() => portal.beats.at(-1)?.ready === true);
  await rm(path.join(task.home, '.armada'), { recursive: true });
  await new Browser(gate.port).enter();
  await eventually(async () => (await readFile(marker(), 'utf8')).trim() === 'home-1');
});

test('a second gate waits for the first one’s home, says so, and goes on when it is free', async () => {
  const first = await start();
  await eventually(() => portal.beats.at(-1)?.ready === true);
  portal.beats.length = 0;
  const second = await start({ ARMADA_GATE_READY_FILE: path.join(task.run, 'second-ready') });
  await eventually(() => portal.beats.at(-1)?.problem === 'HomeInUse');
  expect((await new Browser(second.port).ask('/.gate/health')).status).toBe(503);
  expect(portal.beats.some(beat => beat.ready)).toBe(false);
  await first.close();
  await eventually(() => portal.beats.at(-1)?.ready === true);
  expect(portal.beats.at(-1)?.problem).toBe(null);
  gates.shift();
});

test('a gate that waits can be ended, and leaves the lock to its holder', async () => {
  await start();
  await eventually(() => portal.beats.at(-1)?.ready === true);
  const second = await start();
  await eventually(() => portal.beats.at(-1)?.problem === 'HomeInUse');
  await second.close();
  gates.pop();
  const waiting: boolean[] = [];
  const abort = new AbortController();
  const third = takeLock({
    file: path.join(task.home, '.armada/lock'),
    onWaiting: () => waiting.push(true),
    signal: abort.signal,
  });
  third.catch(() => {});
  await eventually(() => waiting.length > 0);
  abort.abort();
  await expect(third).rejects.toThrow();
});

test.skipIf(process.platform !== 'linux')('a gate whose lock is taken from it by force says so', async () => {
  const gate = await start();
  await eventually(() => portal.beats.at(-1)?.ready === true);
  const holder = await pidOf(`flock -x ${path.join(task.home, '.armada/lock')}`);
  process.kill(-holder, 'SIGKILL');
  await gate.lost;
});

test('without flock a file with the process’s id keeps a second gate out, and a dead one’s is taken over', async () => {
  const file = path.join(task.home, '.armada/lock');
  const options = { file, flock: 'no-such-flock', onWaiting: () => {} };
  const ended = spawn(process.execPath, ['-e', '']);
  await new Promise(resolve => ended.once('close', resolve));
  await writeFile(`${file}.pid`, String(ended.pid));
  const lock = await takeLock(options);
  expect(await readFile(`${file}.pid`, 'utf8')).toBe(String(process.pid));
  await lock.release();
  expect(await exists(`${file}.pid`)).toBe(false);
  await writeFile(`${file}.pid`, String(process.ppid));
  const waiting: boolean[] = [];
  const second = takeLock({ ...options, onWaiting: () => waiting.push(true) });
  await eventually(() => waiting.length > 0);
  await rm(`${file}.pid`);
  await (await second).release();
});

test('a gate is ready as soon as the IDE listens, and not when it is gone', async () => {
  await ide.close();
  await start();
  await eventually(() => exists(readyFile()));
  await eventually(() => portal.beats.length > 0);
  expect(portal.beats.some(beat => beat.ready)).toBe(false);
  ide = await startIde(path.join(task.run, 'ide.sock'));
  await eventually(() => portal.beats.at(-1)?.ready === true);
});

test('a home that can’t be read is not reachable', async () => {
  await rename(path.join(task.home, '.armada'), path.join(task.home, 'away'));
  await writeFile(path.join(task.home, '.armada'), '');
  await chmod(task.home, 0o755);
  const gate = await start();
  await eventually(() => portal.beats.at(-1)?.problem === 'HomeNotReachable');
  await neverReady(gate);
});

test('every fault of the environment is named at once', () => {
  expect(() => readSettings({})).toThrow(
    /PORT is missing.*ARMADA_WORKSPACE_ID is missing.*ARMADA_TICKET_KEYS is missing/,
  );
  const wrong = {
    ...task.env,
    PORT: 'x',
    ARMADA_ORIGINS: 'ftp://a',
    ARMADA_TICKET_KEYS: '{"keys":[]}',
    ARMADA_PORTAL_URL: 'x',
  };
  expect(() => readSettings(wrong)).toThrow(/PORT is not.*ORIGINS is not.*PORTAL_URL is not.*TICKET_KEYS is not/);
});
