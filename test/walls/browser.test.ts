import { createHash, randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pino } from 'pino';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enterPath } from '../../api/resources/entrance.ts';
import { type Gate, startGate } from '../../infra/gate/gate.ts';
import { readSettings } from '../../infra/gate/settings.ts';
import { type Api, type Person, startApi } from '../api/http/harness.ts';
import { Browser as Client, navigation } from '../infra/gate/browser.ts';
import { type Ide, makeTask, type Portal, startIde, startPortal, ticketOf } from '../infra/gate/support.ts';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { loads, posts } from './browser-ways.ts';
import { type Front, makeCertificate, startFront } from './tls-front.ts';

const certificate = chromiumIsThere ? makeCertificate() : undefined;
if (chromiumIsThere && !certificate) console.log('no openssl found: attacks by a browser are skipped');

let front: Front;
let api: Api;
let gate: Gate;
let ide: Ide;
let gatePortal: Portal;
let task: Awaited<ReturnType<typeof makeTask>>;
let hostile: http.Server;
let browser: Browser;
const close: (() => unknown)[] = [];

const at = (host: string) => `https://${host}.armada.test:${front.port}`;
const portal = () => at('portal');
const ada = () => at('ada.s1');
const bob = () => at('bob.s1');

/** What the hostile student serves: any page, and a worker that wants everything. */
function serveHostile(request: http.IncomingMessage, response: http.ServerResponse): void {
  if (request.url?.endsWith('/worker.js')) {
    response.writeHead(200, { 'content-type': 'text/javascript', 'service-worker-allowed': '/' });
    response.end(`addEventListener('install', () => skipWaiting());
      addEventListener('activate', event => event.waitUntil(clients.claim()));
      addEventListener('fetch', event => event.respondWith(new Response('<title>of ada</title>', { headers: { 'content-type': 'text/html' } })));`);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>of ada</title><body>');
}

/** One victim: an instructor with a session at the portal and one at bob's workspace, who looks at ada's page. */
interface Victim {
  readonly person: Person;
  readonly context: BrowserContext;
  readonly page: Page;
}

interface Attack {
  readonly what: string;
  /** Resolves to whether the attack did what it wanted. */
  readonly try: (victim: Victim) => Promise<boolean>;
  /** Takes the defence away, in this test's own proxy. */
  readonly without: (victim: Victim) => void;
  readonly cookieName?: string;
}

/** The checks of where a request comes from see an honest one. */
function withoutOriginChecks(): void {
  front.request = ({ headers }) => {
    delete headers['sec-fetch-site'];
    headers.origin = `https://${headers.host}`;
  };
}

function withoutHeaders(): void {
  front.answer = headers => {
    for (const name of [
      'content-security-policy',
      'x-frame-options',
      'cross-origin-opener-policy',
      'cross-origin-resource-policy',
    ])
      delete headers[name];
  };
}

/** As if the portal trusted every page that asks. */
function withCors(): void {
  front.answer = (headers, request) => {
    headers['access-control-allow-origin'] = request.headers.origin ?? '*';
    headers['access-control-allow-credentials'] = 'true';
    delete headers['cross-origin-resource-policy'];
  };
}

/** As if workspaces were paths of the portal's own host. */
function withPaths(): void {
  const { port } = hostile.address() as AddressInfo;
  front.request = (passing, url) => {
    if (url.startsWith('/w/ada/')) passing.port = port;
  };
}

/** By the portal's own word: a busy one may also say that it is busy. */
const isSignedOut = async ({ person }: Victim) =>
  (await api.app.inject({ url: '/v1/me', headers: { host: new URL(portal()).host, cookie: person.cookie } }))
    .statusCode === 401;
/** Whether it becomes so while the page has time to do its worst; with a defence away there is no hurry. */
const becomes = (check: () => Promise<boolean> | boolean) =>
  eventually(check, { within: front.request || front.answer ? 60_000 : 3_000, every: 50 }).then(
    () => true,
    () => false,
  );
const run = <T>(page: Page, code: string): Promise<T> => page.evaluate(code);
const submit = (action: string, fields: Record<string, string> = {}, target = 'sink') =>
  `{ const sink = Object.assign(document.createElement('iframe'), { name: 'sink' });
     const form = Object.assign(document.createElement('form'), { method: 'post', action: '${action}', target: '${target}' });
     for (const [name, value] of Object.entries(${JSON.stringify(fields)})) form.append(Object.assign(document.createElement('input'), { name, value }));
     document.body.append(sink, form); form.submit(); }`;
/** Where a page that could act as the portal would be: on ada's host, or, with paths, on the portal's. */
const hostilePage = () => (front.request ? `${portal()}/w/ada/` : `${ada()}/w/ada/`);

const attacks: readonly Attack[] = [
  {
    what: 'signs its visitor out by a form',
    without: withoutOriginChecks,
    async try(victim) {
      await run(victim.page, submit(`${portal()}/sign-out`));
      return becomes(() => isSignedOut(victim));
    },
  },
  {
    what: 'signs its visitor out by fetch',
    without: withoutOriginChecks,
    async try(victim) {
      const options = `{ method: 'POST', mode: 'no-cors', credentials: 'include' }`;
      await run(victim.page, `fetch('${portal()}/sign-out', ${options}).then(() => true, () => false)`);
      return becomes(() => isSignedOut(victim));
    },
  },
  {
    what: 'signs its visitor out by a beacon',
    without: withoutOriginChecks,
    async try(victim) {
      await run(victim.page, `navigator.sendBeacon('${portal()}/sign-out')`);
      return becomes(() => isSignedOut(victim));
    },
  },
  {
    what: 'signs its visitor in as somebody else',
    without: withoutOriginChecks,
    async try(victim) {
      api.identity.accounts.set('mallory@school.edu', { password: 'hers', temporary: false, groups: ['instructor'] });
      await run(
        victim.page,
        submit(`${portal()}/sign-in`, { email: 'mallory@school.edu', password: 'hers' }, '_top').replace(
          'form.submit()',
          'setTimeout(() => form.submit())',
        ),
      );
      return becomes(async () => {
        const [cookie] = (await victim.context.cookies(portal())).filter(({ name }) => name.endsWith('-session'));
        return cookie !== undefined && !victim.person.cookie.endsWith(cookie.value);
      });
    },
  },
  {
    what: 'reads the portal’s API',
    without: withCors,
    try: ({ page }) =>
      run(
        page,
        `fetch('${portal()}/v1/me', { credentials: 'include' }).then(r => r.ok && r.text().then(Boolean), () => false)`,
      ),
  },
  {
    what: 'listens to the portal’s changes',
    without: withCors,
    try: ({ page }) =>
      run(
        page,
        `new Promise(done => { const s = new EventSource('${portal()}/v1/watch', { withCredentials: true });
          s.onopen = () => { s.close(); done(true); }; s.onerror = () => { s.close(); done(false); }; setTimeout(() => done(false), 15000); })`,
      ),
  },
  {
    what: 'shows the portal in a frame',
    without: withoutHeaders,
    try: ({ page }) => framed(page, `${portal()}/outbox`),
  },
  {
    what: 'shows another’s workspace in a frame',
    without() {
      withoutHeaders();
      front.request = ({ headers }) => {
        Object.assign(headers, { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document' });
      };
    },
    try: ({ page }) => framed(page, `${bob()}/`),
  },
  {
    what: 'leads a portal window that it opened elsewhere',
    without: withoutHeaders,
    async try({ page, context }) {
      const opened = context.waitForEvent('page');
      await run(page, `window.victim = open('${portal()}/outbox'); 0`);
      const popup = await opened;
      await popup.waitForLoadState();
      await run(page, `try { victim.location = '${ada()}/fake-sign-in'; } catch {} 0`);
      return becomes(() => popup.url().startsWith(ada()));
    },
  },
  {
    what: 'opens a WebSocket to another’s workspace',
    without: withoutOriginChecks,
    try: ({ page }) =>
      run(
        page,
        `new Promise(done => { const s = new WebSocket('${bob().replace('https', 'wss')}/socket');
          s.onopen = () => { s.close(); done(true); }; s.onerror = () => done(false); })`,
      ),
  },
  {
    what: 'posts to another’s IDE',
    without: withoutOriginChecks,
    async try({ page }) {
      const mark = `/post-${randomBytes(4).toString('hex')}`;
      const options = `{ method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }`;
      await run(page, `fetch('${bob()}${mark}', ${options}).then(() => true, () => false)`);
      return ide.requests.some(({ url }) => url === mark);
    },
  },
  {
    what: 'has another’s files as scripts',
    without() {
      withoutOriginChecks();
      withoutHeaders();
    },
    async try({ page }) {
      const mark = `/data-${randomBytes(4).toString('hex')}.js`;
      const options = `{ mode: 'no-cors', credentials: 'include' }`;
      await run(page, `fetch('${bob()}${mark}', ${options}).then(() => true, () => false)`);
      return becomes(() => ide.requests.some(({ url }) => url === mark));
    },
  },
  {
    what: 'keeps a worker over the portal',
    without: withPaths,
    async try({ page, context }) {
      await page.goto(hostilePage());
      await run(
        page,
        `navigator.serviceWorker.register('worker.js', { scope: '/' }).then(() => navigator.serviceWorker.ready).then(() => true)`,
      );
      const visit = await context.newPage();
      await visit.goto(`${portal()}/outbox`);
      return (await visit.title()) === 'of ada';
    },
  },
  {
    what: 'gives its visitor a session of its own by a cookie for the whole domain',
    cookieName: 'session',
    without() {
      front.request = ({ headers }) => {
        if (headers.cookie) headers.cookie = headers.cookie.replaceAll(/(?<=^|; )session=/g, '__Host-armada-session=');
      };
    },
    async try({ page, context }) {
      const mallory = await api.person(`Mallory ${randomBytes(4).toString('hex')}`);
      const [, value] = mallory.cookie.split('=');
      const name = front.request ? 'session' : '__Host-armada-session';
      await run(page, `document.cookie = '${name}=${value}; Domain=armada.test; Path=/v1; Secure'`);
      const visit = await context.newPage();
      const answer = await visit.goto(`${portal()}/v1/me`);
      return (await answer!.text()).includes(mallory.person.slug);
    },
  },
  {
    what: 'reads what the portal keeps in the browser',
    without: withPaths,
    async try({ page, context }) {
      const own = await context.newPage();
      await own.goto(`${portal()}/outbox`);
      await own.evaluate(`localStorage.setItem('kept', 'by the portal')`);
      await page.goto(hostilePage());
      return run(page, `localStorage.getItem('kept') === 'by the portal'`);
    },
  },
  {
    what: 'brings its visitor into bob’s workspace as somebody else, by a ticket that it was given',
    without() {
      front.request = ({ headers }, url) => {
        if (url !== enterPath) return;
        Object.assign(headers, { origin: portal(), cookie: `__Host-armada-state=${attackersState}` });
      };
    },
    async try({ page, context }) {
      await context.clearCookies({ domain: new URL(bob()).hostname });
      const state = createHash('sha256').update(attackersState).digest('base64url');
      const ticket = await ticketOf({ state, sub: 'mallory' });
      await run(
        page,
        submit(`${bob()}${enterPath}`, { ticket, to: '/' }, '_top').replace(
          'form.submit()',
          'setTimeout(() => form.submit())',
        ),
      );
      return becomes(async () => (await context.cookies(bob())).some(({ name }) => name === '__Host-armada-gate'));
    },
  },
  {
    what: 'leads by a link to the portal back to itself',
    without() {
      front.answer = (headers, { url = '' }) => {
        const next = new URL(url, portal()).searchParams.get('next');
        if (next && headers.location) headers.location = next;
      };
    },
    async try({ page }) {
      const lures = [ada(), ada().replace('https:', ''), `\\\\${ada().slice(8)}`, `/\t/${ada().slice(8)}`];
      for (const lure of lures) {
        await page.goto(`${portal()}/sign-in?next=${encodeURIComponent(lure)}`).catch(() => {});
        if (page.url().startsWith(ada())) return true;
      }
      return false;
    },
  },
  ...posts.map(
    ({ by, code }): Attack => ({
      what: `signs its visitor out by ${by}`,
      without: withoutOriginChecks,
      async try(victim) {
        await run(victim.page, code(`${portal()}/sign-out`));
        return becomes(() => isSignedOut(victim));
      },
    }),
  ),
  ...posts.slice(0, 5).map(
    ({ by, code }): Attack => ({
      what: `posts to another’s IDE by ${by}`,
      without: withoutOriginChecks,
      async try({ page }) {
        const mark = `/post-${randomBytes(4).toString('hex')}`;
        await run(page, code(bob() + mark));
        return becomes(() => ide.requests.some(({ url, method }) => url === mark && method === 'POST'));
      },
    }),
  ),
  ...loads.map(
    ({ by, code }): Attack => ({
      what: `has another’s file loaded by ${by}`,
      without() {
        withoutOriginChecks();
        withoutHeaders();
      },
      async try({ page }) {
        const mark = `/load-${randomBytes(4).toString('hex')}`;
        await run(page, code(bob() + mark));
        return becomes(() => ide.requests.some(({ url }) => url === mark));
      },
    }),
  ),
  ...['/v1/workspaces', '/v1/students', '/v1/courses'].map(
    (path): Attack => ({
      what: `reads ${path} of the portal’s API by XMLHttpRequest`,
      without: withCors,
      try: ({ page }) =>
        run(
          page,
          `new Promise(done => { const x = new XMLHttpRequest(); x.open('GET', '${portal()}${path}'); x.withCredentials = true;
            x.onload = () => done(x.status === 200 && x.responseText.includes('items')); x.onerror = () => done(false); x.send(); })`,
        ),
    }),
  ),
  {
    what: 'shows the portal in an embedded page',
    without: withoutHeaders,
    async try({ page }) {
      const url = `${portal()}/outbox`;
      await run(
        page,
        `document.body.append(Object.assign(document.createElement('embed'), { type: 'text/html', src: '${url}' }))`,
      );
      return becomes(async () => {
        const inside = page.frames().find(each => each !== page.mainFrame());
        const shown = await inside?.evaluate(`location.href + ' ' + document.body.innerText`).catch(() => '');
        return String(shown).startsWith(url) && String(shown).length > url.length + 1;
      });
    },
  },
  {
    what: 'closes a portal window that it opened',
    without: withoutHeaders,
    async try({ page, context }) {
      const opened = context.waitForEvent('page');
      await run(page, `window.victim = open('${portal()}/outbox'); 0`);
      const popup = await opened;
      await popup.waitForLoadState();
      await run(page, `try { victim.close(); } catch {} 0`);
      return becomes(() => popup.isClosed());
    },
  },
];
const attackersState = 'A'.repeat(43);
const atOnce = 8;

/** Whether a frame of the page shows what is at the address. */
async function framed(page: Page, url: string): Promise<boolean> {
  await run(
    page,
    `new Promise(done => { const frame = Object.assign(document.createElement('iframe'), { src: '${url}' });
      frame.onload = () => done(true); document.body.append(frame); })`,
  );
  const inside = page.frames().find(frame => frame !== page.mainFrame());
  const shown = await inside?.evaluate(`location.href + ' ' + document.body.innerText`).catch(() => '');
  return String(shown).startsWith(url) && String(shown).length > url.length + 1;
}

describe.skipIf(!certificate)('a student’s page, looked at by an instructor', () => {
  beforeAll(async () => {
    front = await startFront(certificate!);
    close.push(() => front.close());
    api = await startApi({
      ARMADA_PORTAL_URL: portal(),
      ARMADA_BALANCERS: '[{"listenerArn": "arn:1", "domain": "s1.armada.test"}]',
    });
    close.push(() => api.close());
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    hostile = http.createServer(serveHostile);
    await new Promise<void>(resolve => hostile.listen(0, '127.0.0.1', resolve));
    close.push(() => hostile.close());
    gatePortal = await startPortal();
    task = await makeTask();
    ide = await startIde(path.join(task.run, 'ide.sock'));
    const settings = readSettings({
      ...task.env,
      ARMADA_ORIGINS: bob(),
      ARMADA_PORTAL_URL: portal(),
      ARMADA_HEARTBEAT_URL: gatePortal.url,
    });
    gate = await startGate({ settings, log: pino({ level: 'silent' }), now: Date.now });
    close.push(() => Promise.all([gate.close(), gatePortal.close(), ide.close()]));
    close.push(() => rm(task.folder, { recursive: true, force: true, maxRetries: 5 }));
    const portOf = (server: { address(): AddressInfo | string | null }) => (server.address() as AddressInfo).port;
    front.hosts.set('portal.armada.test', portOf(api.app.server));
    front.hosts.set('ada.s1.armada.test', portOf(hostile));
    front.hosts.set('bob.s1.armada.test', gate.port);
    browser = await openChromium([
      '--host-resolver-rules=MAP *.armada.test 127.0.0.1',
      // A worker's script is fetched without the context's leave to ignore them.
      '--ignore-certificate-errors',
    ]);
    close.push(() => browser.close());
  });
  afterAll(async () => {
    for (const end of close.toReversed()) await end();
  });

  async function victim(cookieName = '__Host-armada-session'): Promise<Victim> {
    const person = await api.person(`Grace ${randomBytes(4).toString('hex')}`, 'instructor');
    const client = new Client(gate.port);
    const host = new URL(bob()).host;
    const away = await client.ask('/', { headers: { ...navigation, host } });
    const ticket = await ticketOf({ state: new URL(away.headers.location!).searchParams.get('state')! });
    await client.post(enterPath, { ticket, to: '/' }, { ...navigation, host, origin: portal() });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const cookie = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const;
    await context.addCookies([
      { ...cookie, name: cookieName, value: person.cookie.split('=')[1]!, domain: 'portal.armada.test' },
      {
        ...cookie,
        name: '__Host-armada-gate',
        value: client.cookies.get('__Host-armada-gate')!,
        domain: 'bob.s1.armada.test',
      },
    ]);
    const page = await context.newPage();
    await page.goto(`${ada()}/`);
    return { person, context, page };
  }

  test('finds a victim who is signed in at the portal and at bob’s', async () => {
    const { page, context } = await victim();
    expect((await page.goto(`${portal()}/v1/me`))?.status()).toBe(200);
    expect(await (await page.goto(`${bob()}/`))?.text()).toContain('IDE /');
    await context.close();
  });

  test('T7: tries at least 40 things', () => expect(attacks.length).toBeGreaterThanOrEqual(40));

  describe('T7: a page', () => {
    /** What came of each attack with all defences there: some at once, for most of each is to wait in vain. */
    const withDefences = new Map<Attack, { readonly succeeded?: boolean; readonly error?: unknown }>();
    beforeAll(async () => {
      const waiting = [...attacks];
      const tryNext = async (): Promise<void> => {
        const attack = waiting.shift();
        if (!attack) return;
        const guarded = await victim();
        const outcome = await attack.try(guarded).then(
          succeeded => ({ succeeded }),
          (error: unknown) => ({ error }),
        );
        withDefences.set(attack, outcome);
        await guarded.context.close();
        await tryNext();
      };
      await Promise.all(Array.from({ length: atOnce }, tryNext));
    });

    test.each(attacks)('never $what', async attack => {
      expect(withDefences.get(attack), 'with the defence').toEqual({ succeeded: false });
      const bare = await victim(attack.cookieName);
      try {
        attack.without(bare);
        expect(await attack.try(bare), 'without the defence').toBe(true);
      } finally {
        front.request = undefined;
        front.answer = undefined;
        await bare.context.close();
      }
    });
  });

  test('V1: a sibling that tosses every Armada cookie and 100 more changes no session, with 200 more nobody becomes another, and sign-in works', async () => {
    const { page, context, person } = await victim();
    await run(
      page,
      `for (const name of ['session', 'gate', 'state', 'challenge']) document.cookie = '__Host-armada-' + name + '=tossed; Domain=armada.test; Path=/; Secure';
       for (let i = 0; i < 100; i++) document.cookie = 'junk' + i + '=' + 'x'.repeat(20) + '; Domain=armada.test; Path=/; Secure'`,
    );
    const answer = await page.goto(`${portal()}/v1/me`);
    expect(answer?.status()).toBe(200);
    expect(await answer?.text()).toContain(person.person.slug);
    // Beyond 180 cookies of one domain Chromium drops the oldest, which may sign out, but not in.
    await page.goto(`${ada()}/`);
    await run(
      page,
      `for (let i = 0; i < 200; i++) document.cookie = 'more' + i + '=x; Domain=armada.test; Path=/; Secure'`,
    );
    const after = await page.goto(`${portal()}/v1/me`);
    if (after?.status() === 200) expect(await after.text()).toContain(person.person.slug);
    else expect(after?.status()).toBe(401);
    await context.clearCookies({ name: '__Host-armada-session' });
    const email = `${person.person.slug}@school.edu`;
    api.identity.accounts.set(email, { password: 'mine', temporary: false, groups: ['instructor'] });
    await page.goto(`${portal()}/sign-in`);
    await page.fill('[name=email]', email);
    await page.fill('[name=password]', 'mine');
    await Promise.all([page.waitForURL(url => url.pathname === '/'), page.keyboard.press('Enter')]);
    expect((await page.goto(`${portal()}/v1/me`))?.status()).toBe(200);
    await context.close();
  });
});
