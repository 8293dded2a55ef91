import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { Browser } from './browser.ts';
import { origin, startWorld, ticketOf, type World } from './support.ts';

let world: World;
let browser: Browser;

beforeEach(async () => {
  world = await startWorld();
  browser = new Browser(world.gate.port);
  await eventually(() => world.portal.beats.some(beat => beat.ready));
});
afterEach(() => world.close());

test('a revoked session is over at once, with everything that it has open', async () => {
  await browser.enter();
  const other = new Browser(world.gate.port);
  await other.enter({ sub: 'bob', sid: 'session-2' });
  const [mine, his] = [await browser.connect(), await other.connect()];
  const stream = browser.ask('/stream').catch(error => error);
  await eventually(() => world.ide.open.size === 3);
  const closed = new Promise(resolve => mine.socket!.once('close', resolve));
  world.portal.answer = { mayMark: false, revoked: ['session-1'] };
  // A change makes a heartbeat.
  await new Browser(world.gate.port).enter({ sub: 'carol', sid: 'session-3' });
  await closed;
  expect(await stream).toBeInstanceOf(Error);
  expect((await browser.ask('/')).status).toBe(401);
  expect((await other.ask('/')).status).toBe(200);
  expect(his.socket!.destroyed).toBe(false);
  await eventually(() => world.portal.beats.at(-1)!.visitors.every(visitor => visitor.sid !== 'session-1'));
});

test('while the API can’t be reached those inside stay and nobody new comes in', async () => {
  await browser.enter();
  const other = new Browser(world.gate.port);
  const state = await other.stateOf('/');
  world.portal.status = 503;
  // Entering asks first, since the last report may have been answered long ago.
  const later = new Browser(world.gate.port);
  await later.enter({ sid: 'session-3' });
  await eventually(async () => (await other.postTicket(await ticketOf({ state, sid: 'session-2' }))).status === 503);
  expect((await browser.ask('/')).status).toBe(200);
  world.portal.status = 200;
  expect((await other.postTicket(await ticketOf({ state, sid: 'session-2' }))).status).toBe(303);
});

test('after 15 minutes without the API everybody is out', async () => {
  await browser.enter();
  const { socket } = await browser.connect();
  const closed = new Promise(resolve => socket!.once('close', resolve));
  world.portal.status = 503;
  await new Browser(world.gate.port).enter({ sid: 'session-2' });
  world.later = 14 * 60_000;
  await new Browser(world.gate.port).enter({ sid: 'session-3' });
  expect((await browser.ask('/')).status).toBe(200);
  world.later = 15 * 60_000 + 1000;
  await closed;
  expect((await browser.ask('/')).status).toBe(401);
});

test('a report says who is inside and whether somebody works', async () => {
  await browser.enter();
  const beat = await eventually(() => world.portal.beats.find(({ visitors }) => visitors.length === 1) ?? null);
  expect(beat).toEqual({
    ready: true,
    problem: null,
    active: false,
    marked: true,
    visitors: [{ sub: 'ada', sid: 'session-1' }],
  });
  await browser.ask('/', { method: 'POST', headers: { origin } });
  await new Browser(world.gate.port).enter({ sid: 'session-2' });
  await eventually(() => world.portal.beats.at(-1)!.active);
});

test('what was seen while the API could not be reached is reported afterwards', async () => {
  await browser.enter();
  await eventually(() => world.portal.beats.at(-1)!.visitors.length === 1);
  world.portal.status = 503;
  await browser.ask('/', { method: 'POST', headers: { origin } });
  await new Browser(world.gate.port).enter({ sid: 'session-2' });
  await eventually(async () => (await new Browser(world.gate.port).enter({ sid: 'session-3' })).status === 503);
  world.portal.status = 200;
  await eventually(() => world.portal.beats.at(-1)!.active);
});
