import { readdirSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, startProduct, temporaryDataFolder } from '../support/product.ts';
import { operatorOf } from './operator.ts';
import { watch } from './watch.ts';

const loads = 3;
const slug = 'fall-intro-ada';

/** Seconds of a real editor's first load with an empty cache, both ways in turn; undefined without Chromium. */
export async function firstLoads(): Promise<{ readonly direct: number[]; readonly through: number[] } | undefined> {
  if (!chromiumIsThere) return undefined;
  const folder = await temporaryDataFolder();
  const product = await startProduct({ data: folder.path, port: await anyPort() });
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
    await product.end('SIGINT');
    await folder.remove();
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
