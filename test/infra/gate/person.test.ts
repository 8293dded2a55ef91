import { symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Jobs } from '../../../infra/gate/jobs.ts';
import { eventually } from '../../support/eventually.ts';
import { Browser } from './browser.ts';
import { origin, startWorld, type World } from './support.ts';

let world: World;
let browser: Browser;

beforeEach(async () => {
  looked = 0;
  world = await startWorld();
  browser = new Browser(world.gate.port);
  await eventually(() => world.portal.beats.some(beat => beat.ready));
  await browser.enter();
});
afterEach(() => world.close());

const tell = (what: string, from = origin) =>
  browser.ask('/.gate/active', { method: 'POST', headers: { origin: from }, body: what });

/** How many reports were looked at. */
let looked = 0;
/** Whether work was reported since the last call: who comes in is reported at once, and is no sign of work. */
async function nextActive(): Promise<boolean> {
  const sid = `session-${Math.random()}`;
  await new Browser(world.gate.port).enter({ sid });
  const named = () => world.portal.beats.findIndex(each => each.visitors.some(one => one.sid === sid));
  await eventually(() => named() >= 0);
  const until = named() + 1;
  const isActive = world.portal.beats.slice(looked, until).some(beat => beat.active);
  looked = until;
  return isActive;
}

/** Thirty messages within a moment: what typing makes. */
const typing = Buffer.concat(Array.from({ length: 30 }, () => Buffer.from([0x82, 0x81, 1, 2, 3, 4, 0xff])));

test('a page of the IDE gets the script, whole and uncompressed; what a student serves stays as it is', async () => {
  const page = await browser.open('/page');
  expect(page.body).toBe('IDE /page<script src="/.gate/activity.js"></script>');
  expect(page.headers['content-length']).toBeUndefined();
  expect(world.ide.requests.at(-1)?.headers['accept-encoding']).toBeUndefined();
  expect((await browser.open('/proxy/3000/page')).body).toBe('IDE /proxy/3000/page');
  expect((await browser.open('/page-packed')).body).toBe('IDE /page-packed');
  expect((await browser.ask('/page')).body).toBe('IDE /page');
  const script = await browser.ask('/.gate/activity.js');
  expect([script.status, script.headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
  expect((await new Browser(world.gate.port).ask('/.gate/activity.js')).status).toBe(401);
});

test('a page that tells of a person counts; one that is only there does not, however busy its WebSocket', async () => {
  await nextActive();
  expect((await tell('here')).status).toBe(204);
  const { socket } = await browser.connect();
  const echo = new Promise(resolve => socket?.once('data', resolve));
  socket?.write(typing);
  await echo;
  expect(await nextActive()).toBe(false);
  expect((await tell('seen')).status).toBe(204);
  expect(await nextActive()).toBe(true);
  expect(await nextActive()).toBe(false);
  socket?.destroy();
});

test('a page that can’t tell is judged by its WebSocket', async () => {
  await nextActive();
  const { socket } = await browser.connect();
  const echo = new Promise(resolve => socket?.once('data', resolve));
  socket?.write(typing);
  await echo;
  expect(await nextActive()).toBe(true);
  socket?.destroy();
});

test('another site can’t make somebody look busy', async () => {
  await nextActive();
  expect((await tell('seen', 'http://evil.localhost:8080')).status).toBe(403);
  expect((await tell('x'.repeat(100))).status).toBe(400);
  expect(await nextActive()).toBe(false);
});

test('a job at work is reported while its sign is touched anew, whatever the clock says, and links are not followed', async () => {
  const sign = path.join(world.run, 'busy');
  await nextActive();
  writeFileSync(sign, '');
  expect(await nextActive()).toBe(true);
  expect(await nextActive()).toBe(false);
  utimesSync(sign, 1, 1);
  expect(await nextActive()).toBe(true);
  const jobs = new Jobs(path.join(world.home, 'ide.sock'));
  symlinkSync('/proc/nothing', path.join(world.home, 'busy'));
  expect([jobs.worked(), jobs.worked()]).toEqual([true, false]);
});
