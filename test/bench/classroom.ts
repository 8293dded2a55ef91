import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Workspace } from '../../api/resources/workspace.ts';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, type Product, startProduct, temporaryDataFolder } from '../support/product.ts';
import { isSettled } from './class.ts';
import { type Bench, rounded } from './figures.ts';
import { operatorOf } from './operator.ts';
import { watch } from './watch.ts';

const runningAtOnce = 8;

/** The example roster on the real product: all declared, eight started at once, each IDE's page loaded in a browser. */
export const classroom: Bench = {
  name: 'classroom',
  does: 'thirty students declared, eight real IDEs started at once, each page loaded by staff',
  async run(print) {
    if (!chromiumIsThere) return;
    const folder = await temporaryDataFolder();
    const product = await startProduct({ data: folder.path, port: await anyPort() });
    const browser = await openChromium();
    try {
      const { call, token } = operatorOf(product);
      await call('PUT', '/cohorts/fall', { name: 'Fall' });
      await call('PUT', '/courses/intro', { name: 'Intro' });
      await call('PUT', '/courses/intro/cohorts/fall');
      const declared = performance.now();
      await call('POST', '/cohorts/fall/roster', { text: readFileSync('examples/roster.csv', 'utf8') });
      const all = await eventually(async () => prepared(await call('GET', '/workspaces?limit=500')), {
        within: 60_000,
      });
      print({
        figure: 'workspaces declared and prepared',
        value: all.length,
        unit: 'workspaces',
        goal: '30',
        met: all.length === 30,
        of: { seconds: rounded((performance.now() - declared) / 1000) },
      });

      const slugs = all.slice(0, runningAtOnce).map(({ slug }) => slug);
      const freeBefore = os.freemem();
      const watching = await watch(product.url, token);
      const ready = watching.until(slugs, ({ status }) => status.step === 'ready');
      const started = performance.now();
      await call('POST', '/workspaces:start', { ids: slugs });
      await ready;
      print({
        figure: `${runningAtOnce} IDEs ready after one request`,
        value: rounded((performance.now() - started) / 1000),
        unit: 's',
      });
      watching.close();

      const page = await (await browser.newContext()).newPage();
      await signIn(page, product);
      // Whoever makes a class is its staff; this one the operator made.
      const { slug: instructor } = await (await page.request.get(`${product.url}/v1/me`)).json();
      await call('PUT', `/courses/intro/staff/${instructor}`);
      const opened = performance.now();
      for (const slug of slugs) {
        await page.goto(`${product.url}/open/${slug}`);
        const notice = page.getByRole('button', { name: /continue/i });
        await notice.or(page.locator('.monaco-workbench')).first().waitFor({ timeout: 60_000 });
        if (await notice.isVisible()) await notice.click();
        await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
      }
      const seconds = (performance.now() - opened) / 1000 / runningAtOnce;
      print({ figure: 'page load of an IDE, one after the other', value: rounded(seconds), unit: 's' });
      const used = (freeBefore - os.freemem()) / 2 ** 20 / runningAtOnce;
      print({ figure: 'memory per running IDE, browser included', value: rounded(used), unit: 'MiB' });
    } finally {
      await browser.close();
      await product.end('SIGINT');
      await folder.remove();
    }
  },
};

function prepared(list: unknown): readonly Workspace[] {
  const { items } = list as { items: Workspace[] };
  if (items.length !== 30 || !items.every(isSettled)) throw new Error('not prepared yet');
  return items;
}

async function signIn(page: import('playwright-core').Page, product: Product): Promise<void> {
  await page.goto(product.url);
  await page.locator('input[name=email]').fill(product.email);
  await page.locator('input[name=password]').fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('input[name=password]').fill('a password of their own 3');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'Make your first class' }).waitFor();
}
