import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, type Product, startProduct, temporaryDataFolder } from '../support/product.ts';
import { openTerminal, serverProgram, type } from './editor.ts';
import { makeClassOfAda, openEditorOfAda, signInAsInstructor } from './instructor.ts';

/** The editor below `/w/<slug>/`, as a deployment without a domain has it; class.test.ts is the same on hosts of their own. */
describe.skipIf(!chromiumIsThere)('workspaces on one host, by path', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let product: Product;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    product = await startProduct({
      data: folder.path,
      port: await anyPort(),
      args: ['--path-routing'],
      sharesEditor: true,
    });
    browser = await openChromium();
    page = await (await browser.newContext()).newPage();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await product?.end('SIGINT');
    await folder?.remove();
  });

  const origin = () => `http://workspaces.localhost:${product.port}`;

  it('tells the instructor on the page what they give up', async () => {
    await signInAsInstructor(page, product);
    await page.getByText('all workspaces share one address').waitFor();
  });

  it('wakes a workspace by its address and opens the editor there, no request going above it', async () => {
    const slug = await makeClassOfAda(page);
    const above: string[] = [];
    page.on('request', request => {
      const url = new URL(request.url());
      // What the page made itself, such as a worker, is asked of nobody.
      if (url.protocol === 'blob:') return;
      if (url.origin === origin() && !url.pathname.startsWith(`/w/${slug}/`)) above.push(url.pathname);
    });
    await page.goto(`${origin()}/w/${slug}/`);
    expect(page.url()).toBe(`${product.url}/wake/${slug}`);
    await openEditorOfAda(page);
    expect(new URL(page.url()).pathname).toBe(`/w/${slug}/`);
    expect(above).toEqual([]);
    const cookies = (await page.context().cookies(page.url())).filter(({ name }) => name.includes('armada'));
    expect(cookies.map(({ name, path }) => [name, path])).toEqual([[`__Secure-armada-gate-${slug}`, `/w/${slug}/`]]);
  });

  it('has a terminal, and serves what a program in it serves, WebSocket included', async () => {
    await openTerminal(page);
    const encoded = Buffer.from(serverProgram).toString('base64');
    await type(page, `echo ${encoded} | base64 -d > server.cjs; node server.cjs &`);
    const here = page.url().replace(/\?.*/, '');
    const preview = await page.context().newPage();
    await eventually(
      async () => {
        await preview.goto(`${here}proxy/4321/`);
        return (await preview.innerText('body')) === 'own page';
      },
      { every: 200 },
    );
    const echoed = await preview.evaluate(
      address =>
        new Promise(resolve => {
          const socket = new WebSocket(address);
          socket.onmessage = event => resolve(event.data);
          socket.onclose = () => resolve('closed');
        }),
      `${here.replace('http', 'ws')}proxy/4321/`,
    );
    expect(echoed).toBe('hello');
    await preview.close();
  });

  it('lets no worker of a workspace reach above its path', async () => {
    const slug = new URL(page.url()).pathname.split('/')[2];
    const registered = await page.evaluate(async () => {
      const scopes = (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => new URL(scope).pathname);
      return scopes;
    });
    for (const scope of registered) expect(scope.startsWith(`/w/${slug}/`)).toBe(true);
  });
});
