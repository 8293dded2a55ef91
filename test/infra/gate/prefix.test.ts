import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { Browser } from './browser.ts';
import { startWorld, type World } from './support.ts';

/** Workspaces that share one host: everything of each is below its own path. */

const host = 'shared.localhost:8080';
const base = '/w/fall-intro-ada';
const origin = `http://${host}`;
let world: World;
let browser: Browser;

beforeEach(async () => {
  world = await startWorld({ ARMADA_ORIGINS: `${origin}${base}` });
  browser = new Browser(world.gate.port, { host, base });
  await eventually(() => world.portal.beats.some(beat => beat.ready));
});
afterEach(() => world.close());

test('one enters below the path, with cookies that no other workspace is sent', async () => {
  const away = await browser.open('/a?b');
  expect(new URL(away.headers.location!).searchParams.get('to')).toBe('/a?b');
  expect(away.headers['set-cookie']![0]).toMatch(
    /^__Secure-armada-state-fall-intro-ada=[\w-]{43}; Path=\/w\/fall-intro-ada\/; .*HttpOnly; Secure; SameSite=None$/,
  );
  const entered = await browser.enter({}, '/a?b');
  expect([entered.status, entered.headers.location]).toEqual([303, `${origin}${base}/a?b`]);
  expect(entered.headers['set-cookie']![0]).toMatch(
    /^__Secure-armada-gate-fall-intro-ada=[\w-]{43}; Path=\/w\/fall-intro-ada\/; .*HttpOnly; Secure; SameSite=Lax$/,
  );
});

test('the IDE is asked without the prefix, sees no cookie of ours, and is not asked for other workspaces’ paths', async () => {
  await browser.enter();
  browser.cookies.set('__Secure-armada-gate-fall-intro-bob', 'bob').set('program', 'kept');
  const got = await browser.ask('/proxy/3000/x?y=1');
  expect([got.status, got.body]).toEqual([200, 'IDE /proxy/3000/x?y=1']);
  expect(world.ide.requests[0]!.headers.cookie).toBe('program=kept');
  for (const path of ['/w/fall-intro-bob/', '/w/fall-intro-adam/', '/']) {
    const other = new Browser(world.gate.port, { host, base: '' });
    for (const pair of browser.cookies) other.cookies.set(...pair);
    expect((await other.open(path)).status, path).toBe(404);
  }
  expect(world.ide.requests).toHaveLength(1);
});

test('the path alone leads to its front page, so that relative links hold', async () => {
  const { status, headers } = await browser.open('');
  expect([status, headers.location]).toEqual([303, `${origin}${base}/`]);
});

test('what the IDE names by path is below the prefix: redirects, cookies, workers', async () => {
  await browser.enter();
  const moved = await browser.ask('/moved');
  expect(moved.headers).toMatchObject({
    location: `${base}/proxy/3000/there?x#y`,
    'service-worker-allowed': `${base}/`,
  });
  expect(moved.headers['clear-site-data']).toBeUndefined();
  expect((await browser.ask('/cookies')).headers['set-cookie']).toEqual([`program=1; Path=${base}/`]);
});

test('pages of the gate and the script that tells of a person name paths below the prefix', async () => {
  await browser.enter({ as: 'staff', sub: 'grace', sid: 'session-2' });
  const notice = await browser.open('/');
  expect(notice.body).toContain(`action="${base}/.gate/continue"`);
  const onwards = await browser.post('/.gate/continue', { to: '/page' }, { origin, 'sec-fetch-site': 'same-origin' });
  expect(onwards.headers.location).toBe(`${origin}${base}/page`);
  expect((await browser.open('/page')).body).toContain(`<script src="${base}/.gate/activity.js">`);
  expect((await browser.ask('/.gate/activity.js')).body).toContain(`fetch('${base}/.gate/active'`);
  expect((await browser.open('/.gate/none')).body).toContain(`href="${base}/"`);
});

test('WebSockets pass below the prefix, from its own origin alone, and end with the session', async () => {
  expect((await browser.connect({ origin })).status).toBe(401);
  await browser.enter();
  expect((await browser.connect({ origin: 'http://fall-intro-ada.localhost:8080' })).status).toBe(403);
  const { status, socket } = await browser.connect({ origin });
  expect(status).toBe(101);
  const closed = new Promise(resolve => socket!.once('close', resolve));
  world.portal.answer = { mayMark: false, revoked: ['session-1'] };
  await new Browser(world.gate.port, { host, base }).enter({ sub: 'grace', sid: 'session-3' });
  await closed;
  expect((await browser.open('/')).status).toBe(303);
});

test('the balancer’s health check knows no prefix', async () => {
  const plain = new Browser(world.gate.port, { host: '10.0.0.1:32768', base: '' });
  expect((await plain.ask('/.gate/health')).status).toBe(200);
});
