import { readdirSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, startProduct, temporaryDataFolder } from '../support/product.ts';
import { ending, tell } from './ending.ts';
import { type Bench, median, rounded } from './figures.ts';
import { operatorOf } from './operator.ts';
import { watch } from './watch.ts';

const loads = 5;
const goal = 1.1;
const slug = 'fall-intro-ada';

/** A real editor's first load with an empty cache: as a student gets it, over straight from its socket. */
export const firstLoad: Bench = {
  name: 'first-load',
  does: 'a real workbench’s first load through balancer and gate over direct, in Chromium with an empty cache',
  async run(print) {
    if (!chromiumIsThere) return;
    const loads = await firstLoads();
    const ratio = median(loads.through) / median(loads.direct);
    const of = {
      direct: rounded(median(loads.direct)),
      through: rounded(median(loads.through)),
      loads: loads.direct.length,
    };
    print({
      figure: 'workbench’s first load through balancer and gate over direct',
      value: rounded(ratio),
      unit: '×',
      goal: `≤ ${goal} ×`,
      met: ratio <= goal,
      of,
    });
  },
};

/** Seconds of each, both ways in turn. */
async function firstLoads(): Promise<{ readonly direct: number[]; readonly through: number[] }> {
  const folder = await temporaryDataFolder();
  const noFolder = ending(() => folder.remove());
  tell('starting the product');
  const product = await startProduct({ data: folder.path, port: await anyPort() });
  const noProduct = ending(() => product.end('SIGINT'));
  const browser = await openChromium();
  const bare = net.createServer();
  try {
    const { call, token } = operatorOf(product);
    await call('PUT', '/cohorts/fall', { name: 'Fall' });
    await call('PUT', '/courses/intro', { name: 'Intro', idleMinutes: null });
    await call('PUT', '/courses/intro/cohorts/fall');
    const watching = await watch(product.url, token);
    const ready = watching.until([slug], ({ status }) => status.step === 'ready');
    await call('POST', '/cohorts/fall/roster', { text: 'Ada <ada@school.example>' });
    await eventually(() => call('PATCH', `/workspaces/${slug}`, { spec: { running: true } }).then(() => true));
    await ready;
    watching.close();

    // The same socket that the gate speaks to, on a port of its own.
    const tasks = path.join(product.data, 'tasks');
    const socket = path.join(tasks, readdirSync(tasks)[0] ?? '', 'run', 'ide.sock');
    bare.on('connection', near => {
      const far = net.connect(socket);
      near.on('error', () => far.destroy()).pipe(far);
      far.on('error', () => near.destroy()).pipe(near);
    });
    await new Promise<void>(resolve => bare.listen(0, '127.0.0.1', resolve));
    const direct = `http://localhost:${(bare.address() as AddressInfo).port}/`;

    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(product.url);
    await page.locator('input[name=email]').fill(product.email);
    await page.locator('input[name=password]').fill(product.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('input[name=password]').fill('a password of their own 3');
    await page.getByRole('button', { name: 'Set password' }).click();
    await page.waitForURL(url => url.pathname === '/');
    const me = await page.evaluate<string>(`fetch('/v1/me').then(answer => answer.json()).then(({ slug }) => slug)`);
    await call('PUT', `/courses/intro/staff/${me}`);
    await page.goto(`${product.url}/open/${slug}`);
    const notice = page.getByRole('button', { name: /continue/i });
    await notice.or(page.locator('.monaco-workbench')).first().waitFor({ timeout: 40_000 });
    if (await notice.isVisible()) await notice.click();
    await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    const through = `${new URL(page.url()).origin}/`;
    const { cookies } = await context.storageState();
    await context.close();

    const took = { direct: [] as number[], through: [] as number[] };
    for (let count = 0; count <= loads; count += 1) {
      tell(`load ${count} of ${loads}, both ways`);
      const [first, second] = [
        await load(browser, direct, {}),
        await load(browser, through, { storageState: { cookies, origins: [] } }),
      ];
      // The first of each warms the machine's own caches.
      if (count > 0) took.direct.push(first);
      if (count > 0) took.through.push(second);
    }
    return took;
  } finally {
    bare.close();
    await browser.close();
    await noProduct();
    await noFolder();
  }
}

async function load(browser: Browser, url: string, options: BrowserContextOptions): Promise<number> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const start = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  await page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor({ timeout: 60_000 });
  const seconds = (performance.now() - start) / 1000;
  await context.close();
  return seconds;
}
