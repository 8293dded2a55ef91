import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engine } from '../infra/local/aws/engine.ts';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, type Product, startInVain, startProduct, temporaryDataFolder } from '../support/product.ts';
import { openTerminal, type } from './editor.ts';
import { makeClassOfAda, openEditorOfAda, signInAsInstructor } from './instructor.ts';

const images = ['armada-gate:latest', 'armada-ide:latest'];
const built = await Promise.all(
  images.map(async name =>
    engine
      ?.getImage(name)
      .inspect()
      .catch(() => undefined),
  ),
);
const ready = chromiumIsThere && process.getuid?.() === 0 && built.every(each => each !== undefined);
if (engine && !ready) console.log(`${images.join(' and ')} are not built here: the class in containers is skipped.`);

it('says what to do where no engine answers', async () => {
  const folder = await temporaryDataFolder();
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock';
  try {
    const given = { data: folder.path, port: await anyPort(), args: ['--driver', 'docker'] };
    const { code, output } = await startInVain(given);
    expect(code).toBe(1);
    expect(output).toMatch(/No container engine answers at unix:\/\/\/nowhere.*Start Docker, or leave --driver out\./);
  } finally {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    await folder.remove();
  }
});

/** Gate and IDE from the images of infra/images, in an engine's containers. */
describe.skipIf(!ready)('a class in containers', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let product: Product;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    product = await startProduct({ data: folder.path, port: await anyPort(), args: ['--driver', 'docker'] });
    browser = await openChromium();
    page = await (await browser.newContext()).newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await product?.end('SIGINT');
    await folder?.remove();
  });

  const containers = () => engine!.listContainers({ filters: { label: ['armada.local=armada'] } });

  it('opens an editor, and what is typed there is in the home on this machine', async () => {
    await signInAsInstructor(page, product);
    const slug = await makeClassOfAda(page);
    await page.goto(`${product.url}/wake/${slug}`);
    await openEditorOfAda(page);
    await openTerminal(page);
    await type(page, 'id -u > who.txt');
    const homes = path.join(folder.path, 'homes');
    await eventually(() => {
      const file = readdirSync(homes, { recursive: true, encoding: 'utf8' }).find(each => each.endsWith('who.txt'));
      return file !== undefined && Number(readFileSync(path.join(homes, file), 'utf8')) >= 20_000;
    });
    expect((await containers()).map(({ Image }) => Image.split(':')[0]).toSorted()).toEqual([
      'armada-gate',
      'armada-ide',
    ]);
  });

  it('leaves no container behind', async () => {
    await product.end('SIGINT');
    expect(await containers()).toEqual([]);
  });
});
