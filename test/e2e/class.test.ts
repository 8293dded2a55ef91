import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, type Product, startProduct, temporaryDataFolder } from '../support/product.ts';
import { openFile, openTerminal, serverProgram, type } from './editor.ts';

/** The first whole path, in a real browser against the real `npm start`; each step builds on the one before. */
describe.skipIf(!chromiumIsThere)('a class on one machine', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let product: Product;
  let browser: Browser;
  let instructor: Page;
  let student: Page;
  const own = { instructor: 'an instructor’s own 1', student: 'a student’s own 2' };

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    product = await startProduct({ data: folder.path, port: await anyPort(), sharesEditor: true });
    browser = await openChromium();
    instructor = await (await browser.newContext()).newPage();
    student = await (await browser.newContext()).newPage();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await product?.end('SIGINT');
    await folder?.remove();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const [who, page] of Object.entries({ instructor, student })) {
      const file = path.join(os.tmpdir(), `armada-e2e-${who}.png`);
      await page.screenshot({ path: file }).catch(() => undefined);
      console.log(`${who} was at ${page.url()}, see ${file}`);
    }
  });

  const row = (name: string) => instructor.getByRole('row').filter({ hasText: name });
  const state = (name: string) => row(name).locator('td.state').innerText();

  it('lets the instructor in with the printed password, once, and asks for their own', async () => {
    await instructor.goto(product.url);
    await instructor.getByLabel('E-mail').or(instructor.locator('input[name=email]')).first().fill(product.email);
    await instructor.locator('input[name=password]').fill(product.password);
    await instructor.getByRole('button', { name: 'Sign in' }).click();
    await instructor.locator('input[name=password]').fill(own.instructor);
    await instructor.getByRole('button', { name: 'Set password' }).click();
    await instructor.getByRole('heading', { name: 'Make your first class' }).waitFor();
  });

  it('makes a class from its name and a roster of three with one bad row', async () => {
    await instructor.getByLabel('Name of the class').fill('Intro');
    await instructor.getByRole('button', { name: 'Make class' }).click();
    const text = 'Ada Lovelace, ada@school.example\nGrace Hopper <grace@school.example>\nAlan Turing, alan-at-school';
    await instructor.getByLabel('Names and addresses').fill(text);
    await instructor.getByText('2 new · 1 needs a look').waitFor();
    await instructor.getByText('Line 3').waitFor();
    await instructor.getByRole('button', { name: 'Add 2 students' }).click();
    await row('Ada Lovelace').waitFor();
    await row('Grace Hopper').waitFor();
  });

  it('starts a workspace and shows each step live', async () => {
    const seen = new Set<string>();
    await instructor.getByRole('button', { name: 'Start workspace of Ada Lovelace' }).click();
    await eventually(async () => {
      seen.add((await state('Ada Lovelace')).trim());
      return seen.has('Running');
    });
    expect([...seen]).toContain('Starting');
  });

  it('mails the student a password that leads into the editor', async () => {
    await instructor.getByRole('link', { name: 'Outbox' }).click();
    const mail = await eventually(async () => {
      await instructor.reload();
      const found = instructor.locator('article, li, section, pre').filter({ hasText: 'ada@school.example' }).last();
      return (await found.innerText({ timeout: 1000 })).match(/Password: (\S+)/)?.[1] ?? null;
    });
    await instructor.goto(product.url);
    await student.goto(product.url);
    await student.locator('input[name=email]').fill('ada@school.example');
    await student.locator('input[name=password]').fill(mail!);
    await student.getByRole('button', { name: 'Sign in' }).click();
    await student.locator('input[name=password]').fill(own.student);
    await student.getByRole('button', { name: 'Set password' }).click();
    await student.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    expect(new URL(student.url()).hostname).toMatch(/^intro-intro-ada[a-z0-9-]*\.localhost$/);
  });

  it('lets the student write a program in the terminal, run it, and see its output', async () => {
    await openTerminal(student);
    await type(student, 'echo "console.log(6 * 7)" > answer.js; node answer.js > out.txt; cat out.txt');
    await eventually(() => readHome('out.txt').trim() === '42');
    await openFile(student, 'out.txt');
    await student.locator('.view-line').filter({ hasText: '42' }).waitFor();
  });

  it('serves what the student’s own program serves, WebSocket included', async () => {
    const encoded = Buffer.from(serverProgram).toString('base64');
    await type(student, `echo ${encoded} | base64 -d > server.cjs; node server.cjs &`);
    const origin = new URL(student.url()).origin;
    const page = await student.context().newPage();
    await eventually(
      async () => {
        await page.goto(`${origin}/proxy/4321/`);
        return (await page.innerText('body')) === 'own page';
      },
      { every: 200 },
    );
    const echoed = await page.evaluate(
      address =>
        new Promise(resolve => {
          const socket = new WebSocket(address);
          socket.onmessage = event => resolve(event.data);
          socket.onclose = () => resolve('closed');
          socket.onerror = () => resolve('refused');
        }),
      `${origin.replace('http', 'ws')}/proxy/4321/`,
    );
    expect(echoed).toBe('hello');
    await page.close();
  });

  it('shows a webview', async () => {
    await type(student, 'echo "# A heading of mine" > page.md');
    await eventually(() => readHome('page.md').includes('mine'));
    await openFile(student, 'page.md');
    const webview = student.locator('iframe.webview').first();
    // The key does nothing before the editor has found out what file it is, and closes again what it opened.
    await eventually(async () => {
      if ((await webview.count()) === 0) await student.keyboard.press('Control+Shift+V');
      await webview.waitFor({ state: 'attached', timeout: 10_000 });
      return true;
    });
    await eventually(
      async () => {
        const texts = await Promise.all(
          student.frames().map(frame =>
            frame
              .locator('body')
              .innerText({ timeout: 500 })
              .catch(() => ''),
          ),
        );
        return texts.some(text => text.includes('A heading of mine'));
      },
      { every: 250 },
    );
  });

  it('tells the instructor whose code runs there before it opens', async () => {
    const link = instructor.getByRole('link', { name: 'Open workspace of Ada Lovelace' });
    const [opened] = await Promise.all([instructor.context().waitForEvent('page'), link.click()]);
    await opened
      .getByText('Code on this page is Ada Lovelace’s')
      .or(opened.getByText(/Ada Lovelace/))
      .first()
      .waitFor();
    await opened.getByRole('button', { name: 'Continue' }).click();
    await opened.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    await opened.close();
  });

  it('keeps the files over a stop and a start', async () => {
    await instructor.getByRole('button', { name: 'Stop workspace of Ada Lovelace' }).click();
    await eventually(async () => (await state('Ada Lovelace')).trim() === 'Stopped');
    await student.goto(`${product.url}/wake/${slug()}`);
    await student.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    await student.getByRole('treeitem', { name: 'answer.js' }).waitFor({ timeout: 60_000 });
    await eventually(async () => (await state('Ada Lovelace')).trim() === 'Running');
  });

  it('shows nothing of the editor to somebody else, on whatever port', async () => {
    const stranger = await (await browser.newContext()).newPage();
    await stranger.goto(new URL(student.url()).origin);
    expect(new URL(stranger.url()).pathname).toBe('/sign-in');
    for (const port of listeningPorts()) {
      // Whoever else listens on this machine may not speak HTTP.
      const signal = AbortSignal.timeout(5_000);
      const answer = await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual', signal }).catch(() => undefined);
      const body = (await answer?.text().catch(() => '')) ?? '';
      expect(body, `port ${port}`).not.toMatch(/monaco|vscode|code-server/i);
    }
    await stranger.context().close();
  });

  function homes(): string {
    return path.join(folder.path, 'homes');
  }

  function readHome(file: string): string {
    const found = readdirSync(homes(), { recursive: true, encoding: 'utf8' }).find(
      name => path.basename(name) === file,
    );
    if (!found) throw new Error(`no ${file} in any home`);
    return readFileSync(path.join(homes(), found), 'utf8');
  }

  function slug(): string {
    return new URL(student.url()).hostname.split('.')[0] ?? '';
  }
});

/** TCP ports of this machine that something listens on. */
function listeningPorts(): number[] {
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  const listening = '0A';
  return rows
    .map(line => line.trim().split(/\s+/))
    .filter(fields => fields[3] === listening)
    .map(fields => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
}
