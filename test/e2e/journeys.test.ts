import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, type Product, startProduct, temporaryDataFolder } from '../support/product.ts';
import { fillQuickInput } from './editor.ts';

/**
 * How many things a person does, counted by the pages themselves: each form that is sent, with all that was typed into
 * it, is one; each other click is one; each link that is followed from outside is one.
 */
class Actions {
  readonly done: string[] = [];

  async watch(context: BrowserContext): Promise<void> {
    await context.exposeBinding('acted', (_source, what: string) => void this.done.push(what));
    await context.addInitScript(() => {
      const acted = (what: string) => (window as unknown as { acted(what: string): void }).acted(what);
      const nameOf = (element: Element | null) =>
        element?.textContent?.trim() || element?.getAttribute('aria-label') || '?';
      addEventListener('submit', event => event.isTrusted && acted(`send ${nameOf(event.submitter)}`), true);
      addEventListener(
        'click',
        event => {
          const target =
            event.target instanceof Element ? event.target.closest('a, button, summary, input, select') : null;
          const sends = target instanceof HTMLButtonElement && target.type === 'submit' && target.form !== null;
          const types = target instanceof HTMLInputElement && !['checkbox', 'radio', 'submit'].includes(target.type);
          if (event.isTrusted && target && !sends && !types) acted(`click ${nameOf(target)}`);
        },
        true,
      );
    });
  }

  async follow(page: Page, url: string): Promise<void> {
    this.done.push(`follow ${new URL(url).pathname}`);
    await page.goto(url);
  }
}

/** In order; each step builds on the one before. Source of the figures: experience §2, U1. */
describe.skipIf(!chromiumIsThere)('journeys on one machine', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let product: Product;
  let browser: Browser;
  let instructor: Page;
  let student: Page;
  const taught = new Actions();
  const learned = new Actions();
  let mailed = '';
  let copied = '';

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    product = await startProduct({ data: folder.path, port: await anyPort(), sharesEditor: true });
    browser = await openChromium();
    const contexts = [await browser.newContext(), await browser.newContext()] as const;
    await taught.watch(contexts[0]);
    await learned.watch(contexts[1]);
    instructor = await contexts[0].newPage();
    student = await contexts[1].newPage();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await product?.end('SIGINT');
    await folder?.remove();
  });

  const row = (name: string) => instructor.getByRole('row').filter({ hasText: name });

  it('an instructor comes from the first page to a class that can start in at most 5 actions', async () => {
    await taught.follow(instructor, product.url);
    await instructor.locator('input[name=email]').fill(product.email);
    await instructor.locator('input[name=password]').fill(product.password);
    await instructor.getByRole('button', { name: 'Sign in' }).click();
    await instructor.locator('input[name=password]').fill('an instructor’s own 1');
    await instructor.getByRole('button', { name: 'Set password' }).click();
    await instructor.getByLabel('Name of the class').fill('Python 101');
    await instructor.getByRole('button', { name: 'Make class' }).click();
    const roster = 'Ada Lovelace, ada@school.example\nGrace Hopper, grace@school.example\nBob Ross, bob@school.example';
    await instructor.getByLabel('Names and addresses').fill(roster);
    await instructor.getByRole('button', { name: 'Add 3 students' }).click();
    await instructor.getByRole('button', { name: 'Start workspace of Ada Lovelace' }).waitFor();
    expect(await instructor.getByRole('button', { name: /^Start all/ }).isEnabled()).toBe(true);
    expect(taught.done.length, taught.done.join(', ')).toBeLessThanOrEqual(5);
    // What counts sees: each of the four forms and presses, and the first page.
    expect(taught.done).toContain('send Sign in');
    expect(taught.done).toContain('click Add 3 students');
  });

  it('a student comes from the invitation to typing in at most 2 actions', async () => {
    const outbox = await instructor.context().newPage();
    mailed = (await eventually(
      async () => {
        await outbox.goto(`${product.url}/outbox`);
        const mail = outbox.locator('article').filter({ hasText: 'ada@school.example' });
        return (await mail.innerText({ timeout: 1000 })).match(/https?:\/\/\S+\/join#\S+/)?.[0] ?? null;
      },
      { every: 250 },
    ))!;
    await outbox.close();
    await learned.follow(student, mailed);
    expect(student.url()).not.toContain('#');
    await student.getByLabel('New password').fill('a student’s own 2');
    await student.getByRole('button', { name: 'Set password and go in' }).click();
    await student.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    expect(learned.done.length, learned.done.join(', ')).toBeLessThanOrEqual(2);
    await types(student);
  });

  it('a student comes back by 1, to a workspace that sleeps, at the address that was asked for', async () => {
    const workspace = new URL(student.url()).origin;
    await student.goto('about:blank');
    await instructor.getByRole('button', { name: 'Stop workspace of Ada Lovelace' }).click();
    await eventually(async () => (await row('Ada Lovelace').locator('td.state').innerText()).trim() === 'Stopped', {
      within: 60_000,
      every: 250,
    });
    learned.done.length = 0;
    const again = await student.context().newPage();
    await learned.follow(again, `${workspace}/?folder=/home/coder`);
    await again.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    expect(new URL(again.url()).origin).toBe(workspace);
    expect(new URL(again.url()).search).toBe('?folder=/home/coder');
    expect(learned.done.length, learned.done.join(', ')).toBeLessThanOrEqual(1);
  });

  it('a link to a workspace leads a student who is signed out through signing in, to the address that was asked for', async () => {
    const { origin } = new URL(student.context().pages().at(-1)?.url() ?? '');
    const context = await browser.newContext();
    await learned.watch(context);
    learned.done.length = 0;
    const page = await context.newPage();
    await learned.follow(page, `${origin}/?folder=/home/coder`);
    await page.locator('input[name=email]').fill('ada@school.example');
    await page.locator('input[name=password]').fill('a student’s own 2');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    expect(page.url()).toBe(`${origin}/?folder=/home/coder`);
    expect(learned.done.length, learned.done.join(', ')).toBeLessThanOrEqual(2);
    await context.close();
  });

  it('the invitation’s link works once, and says what to do', async () => {
    const other = await (await browser.newContext()).newPage();
    await other.goto(mailed);
    await other.getByLabel('New password').fill('somebody else’s 3');
    await other.getByRole('button', { name: 'Set password and go in' }).click();
    await other.getByText('This link has been used').waitFor();
    await other.context().close();
  });

  it('a copied link brings in who has no mail, as quickly', async () => {
    await row('Bob Ross').getByRole('button', { name: 'Bob Ross', exact: true }).click();
    await instructor.getByRole('button', { name: 'Copy join link' }).click();
    const link = instructor.getByLabel('Join link of Bob Ross');
    await link.waitFor();
    const bob = await (await browser.newContext()).newPage();
    copied = await link.inputValue();
    await bob.goto(copied);
    await bob.getByLabel('New password').fill('a third one’s own 4');
    await bob.getByRole('button', { name: 'Set password and go in' }).click();
    await bob.waitForURL(/\/wake\/python-101-python-101-bob/);
    await bob.context().close();
  });

  it('T25: of the secrets of the whole run none is in a log of any process, nor in a mail that has no need of it', async () => {
    const files = readdirSync(path.join(folder.path, 'logs'), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => path.join(entry.parentPath, entry.name));
    const logs = new Map(files.map(file => [file, readFileSync(file, 'utf8')]));
    logs.set('the terminal', product.output().replaceAll(product.password, ''));
    const text = [...logs.values()].join('\n');
    // What is looked at is what each of them wrote.
    for (const seen of ['incoming request', 'create-home', 'gate listens', 'person entered'])
      expect(text, seen).toContain(seen);
    const kept: Record<string, string> = JSON.parse(readFileSync(path.join(folder.path, 'secrets.json'), 'utf8'));
    const { awsAccessKeyId: _, firstPassword, ...installed } = kept;
    const cookies = (await Promise.all(browser.contexts().map(context => context.cookies()))).flat();
    const sessions = cookies.filter(({ name, value }) => /armada/.test(name) && value.length > 20);
    expect(sessions.length).toBeGreaterThan(2);
    const chosen = ['an instructor’s own 1', 'a student’s own 2', 'somebody else’s 3', 'a third one’s own 4'];
    const typed = chosen.flatMap(each => [
      each,
      encodeURIComponent(each),
      String(new URLSearchParams([['', each]])).slice(1),
    ]);
    const never = [...Object.values(installed), ...typed, ...sessions.map(({ value }) => value)];
    const links = [mailed, copied].map(link => new URL(link).hash.slice(1));
    for (const secret of [...never, ...links, firstPassword!])
      for (const [file, log] of logs) expect(log.includes(secret), `${secret} in ${file}`).toBe(false);
    const outbox = await instructor.context().newPage();
    await outbox.goto(`${product.url}/outbox`);
    const mails = await outbox.locator('body').innerText();
    await outbox.close();
    expect(mails).toContain(links[0]);
    for (const secret of [...never, links[1]!]) expect(mails.includes(secret), secret).toBe(false);
  });
});

/** Something typed reaches the editor: a new file's first line. */
async function types(page: Page): Promise<void> {
  await page.keyboard.press('Control+Alt+N').catch(() => undefined);
  const input = await fillQuickInput(page, 'F1', '>Create: New File');
  expect(await input.inputValue()).toContain('New File');
  await page.keyboard.press('Escape');
}
