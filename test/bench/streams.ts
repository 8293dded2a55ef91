import http from 'node:http';
import { ensureInstructor } from '../../api/store/people.ts';
import { createPool } from '../../api/store/pool.ts';
import { createSession } from '../../api/store/sessions.ts';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { makeClass } from './class.ts';
import { type Deployment, startDeployment } from './deployment.ts';
import { ending, tell } from './ending.ts';
import { type Bench, quantile, rounded } from './figures.ts';

const students = 300;
const watchers = 300;
const changes = 100;
const pageSeconds = 10;
const pagesPerSecond = 100;
const goals = { screenSeconds: 1, pageMilliseconds: 100 };

/** How fast a change is seen while three hundred watch, and how fast the class page's list is answered meanwhile. */
export const streams: Bench = {
  name: 'streams',
  does: 'a change in the database to the screen with 300 open streams, and the class page’s list at 100/s',
  async run(print) {
    const deployment = await startDeployment('bench/gate:now');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    const listeners: Listener[] = [];
    try {
      await makeClass(deployment, students);
      tell(`${students} students: opening ${watchers} streams`);
      for (let count = 0; count < watchers; count += 1) listeners.push(await listen(deployment));
      const heard = await measureStreams(deployment, listeners);
      const p95 = quantile(heard, 0.95) / 1000;
      print({
        figure: `change asked for to heard by ${watchers} streams, p95`,
        value: rounded(p95),
        unit: 's',
        goal: `≤ ${goals.screenSeconds} s`,
        met: p95 <= goals.screenSeconds,
        of: { changes, p50: rounded(quantile(heard, 0.5) / 1000), slowest: rounded(Math.max(...heard) / 1000) },
      });
      tell(`the list at ${pagesPerSecond}/s`);
      const took = await measurePages(deployment, agent);
      const p99 = quantile(took, 0.99);
      print({
        figure: `class page’s list at ${pagesPerSecond}/s, p99`,
        value: rounded(p99),
        unit: 'ms',
        goal: `≤ ${goals.pageMilliseconds} ms`,
        met: p99 <= goals.pageMilliseconds,
        of: { requests: took.length, p50: rounded(quantile(took, 0.5)) },
      });
      tell('a class page in Chromium');
      const seen = await measureScreen(deployment);
      if (seen) {
        const screen = quantile(seen, 0.95) / 1000;
        print({
          figure: `change asked for to shown on a class page of ${students} rows, p95`,
          value: rounded(screen),
          unit: 's',
          goal: `≤ ${goals.screenSeconds} s`,
          met: screen <= goals.screenSeconds,
          of: { changes: seen.length, p50: rounded(quantile(seen, 0.5) / 1000) },
        });
      }
    } finally {
      for (const listener of listeners) listener.close();
      agent.destroy();
      await deployment.close();
    }
  },
};

interface Listener {
  /** Called with the text of whole events. */
  on: (text: string) => void;
  close(): void;
}

const portOf = ({ ports }: Deployment) => ports[0];
const proofOf = ({ token }: Deployment) => ({ authorization: `Bearer ${token}` });

async function listen(deployment: Deployment): Promise<Listener> {
  const headers = { ...proofOf(deployment), accept: 'text/event-stream', host: `localhost:${portOf(deployment)}` };
  const listener: Listener = { on: () => {}, close: () => request.destroy() };
  const request = http.get({ host: '127.0.0.1', port: portOf(deployment), path: '/v1/watch', headers, agent: false });
  request.on('error', () => {});
  await new Promise<void>(resolve => {
    request.once('response', response => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        // An event may come in pieces.
        const end = text.lastIndexOf('\n\n');
        if (end < 0) return;
        listener.on(text.slice(0, end));
        text = text.slice(end + 2);
      });
      response.on('error', () => {});
      resolve();
    });
  });
  return listener;
}

/** Milliseconds from the request that changes a name to each stream that tells of it. */
async function measureStreams(deployment: Deployment, listeners: readonly Listener[]): Promise<number[]> {
  const took: number[] = [];
  for (let count = 0; count < changes; count += 1) {
    const name = `Stream ${count}`;
    const start = performance.now();
    const all = Promise.all(
      listeners.map(
        listener =>
          new Promise<void>(resolve => {
            listener.on = text => {
              if (!text.includes(name)) return;
              took.push(performance.now() - start);
              listener.on = () => {};
              resolve();
            };
          }),
      ),
    );
    await rename(deployment, count, name);
    await all;
  }
  return took;
}

const rename = (deployment: Deployment, number: number, name: string) =>
  deployment.call('PATCH', `/students/s${String(1 + (number % students)).padStart(4, '0')}`, { spec: { name } });

/** The same to the moment when it stands in a browser's table; undefined without Chromium. */
async function measureScreen(deployment: Deployment): Promise<number[] | undefined> {
  if (!chromiumIsThere) return undefined;
  const pool = createPool(deployment.services.databaseUrl);
  const browser = await openChromium();
  const noBrowser = ending(() => browser.close());
  try {
    const grace = await ensureInstructor(pool, { name: 'Grace', email: 'grace@bench.example' });
    await deployment.call('PUT', `/courses/c/staff/${grace.slug}`);
    const { cookie } = await createSession(pool, grace.id, new Date());
    const context = await browser.newContext();
    await context.addCookies([
      {
        name: '__Host-armada-session',
        value: cookie,
        url: `https://localhost:${portOf(deployment)}`,
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
      },
    ]);
    const page = await context.newPage();
    await page.goto(`http://localhost:${portOf(deployment)}/classes/c`);
    await page.getByText('Stream 0').first().waitFor({ timeout: 30_000 });
    await page.evaluate(`window.shown = name => new Promise(done => {
      const look = () => document.body.textContent.includes(name) && (observer.disconnect(), done(performance.timeOrigin + performance.now()));
      const observer = new MutationObserver(look);
      setTimeout(() => (observer.disconnect(), done(Infinity)), 10_000);
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      look();
    })`);
    const took: number[] = [];
    for (let count = 0; count < changes; count += 1) {
      const name = `Screen ${count}`;
      const shown = page.evaluate<number>(`window.shown('${name}')`);
      const start = performance.timeOrigin + performance.now();
      await rename(deployment, count, name);
      const at = await shown;
      if (at === Number.POSITIVE_INFINITY) throw new Error(`“${name}” was not shown within 10 s`);
      took.push(at - start);
    }
    return took;
  } finally {
    await noBrowser();
    await pool.end();
  }
}

/** Milliseconds of each answer to the class page's list, asked for at a steady pace whether others are answered or not. */
async function measurePages(deployment: Deployment, agent: http.Agent): Promise<number[]> {
  const headers = { ...proofOf(deployment), host: `localhost:${portOf(deployment)}`, 'accept-encoding': 'gzip' };
  const target = {
    host: '127.0.0.1',
    port: portOf(deployment),
    path: '/v1/workspaces?course=c&fields=row&limit=500',
    headers,
    agent,
  };
  const answers: Promise<number>[] = [];
  const begin = performance.now();
  for (let count = 0; count < pageSeconds * pagesPerSecond; count += 1) {
    const due = begin + (count * 1000) / pagesPerSecond;
    await new Promise(resolve => setTimeout(resolve, Math.max(0, due - performance.now())));
    answers.push(
      new Promise((resolve, reject) => {
        const request = http.get(target, answer => answer.resume().once('end', () => resolve(performance.now() - due)));
        request.once('error', reject);
      }),
    );
  }
  return Promise.all(answers);
}
