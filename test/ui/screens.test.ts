import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { aClass, type Item, pythonCourse } from './class.ts';
import { type Portal, startPortal } from './harness.ts';

let browser: Browser;
let portal: Portal;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  if (!chromiumIsThere) return;
  [browser, portal] = await Promise.all([openChromium(), startPortal()]);
});
afterAll(async () => {
  await browser?.close();
  await portal?.close();
});
beforeEach(async () => {
  if (!chromiumIsThere) return;
  Object.assign(portal.state, { items: [], students: [], courses: [pythonCourse], role: 'instructor', boot: {} });
  portal.asked.length = 0;
  portal.cut(false);
  await open(1200);
});
// Every test also checks that nothing complained: a script error, or the content security policy.
afterEach(async () => {
  await context?.close();
  expect(complaints).toEqual([]);
});

async function open(width: number): Promise<void> {
  await context?.close();
  complaints = [];
  context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: 'light' });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', error => complaints.push(error.message));
}

/** Opens a class of ten in every state, live. */
async function openClass(size = 10): Promise<Item[]> {
  Object.assign(portal.state, aClass(size));
  await page.goto(`${portal.url}/`);
  await page
    .locator('table.class tbody tr')
    .nth(size - 1)
    .waitFor();
  await eventually(() => portal.streams() === 1);
  return portal.state.items;
}

const rowOf = (item: Item) => page.locator(`tr[data-slug="${item.slug}"]`);
const pillOf = async (item: Item) => (await rowOf(item).locator('.pill').textContent())?.trim();

describe.skipIf(!chromiumIsThere)('the class page', () => {
  it('makes a first class from its name alone', async () => {
    portal.state.courses = [];
    await page.goto(`${portal.url}/`);
    await page.getByLabel('Name of the class').fill('Einführung in Python 3');
    await page.getByRole('button', { name: 'Make class' }).click();
    await page.waitForURL('**/classes/einfuhrung-in-pyth');
    expect(portal.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /v1/cohorts/einfuhrung-in-pyth',
      'PUT /v1/courses/einfuhrung-in-pyth',
      'PUT /v1/courses/einfuhrung-in-pyth/cohorts/einfuhrung-in-pyth',
    ]);
  });

  it('previews a pasted roster in place, mends a bad row there, and adds', async () => {
    await page.goto(`${portal.url}/`);
    await page
      .getByLabel('Names and addresses')
      .fill('Ada Lovelace <ada@example.edu>\nAlan Turing\nZoë; zoe@example.edu');
    await page.getByText('2 new · 1 needs a look').waitFor();
    const bad = page.getByLabel('Line 2: No address in this line.');
    expect(await bad.inputValue()).toBe('Alan Turing');
    expect(portal.asked).toEqual([]);
    await bad.fill('Alan Turing alan@example.edu');
    await bad.press('Tab');
    await page.getByText('3 new', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Add 3 students' }).click();
    await page.getByText('3 students added.').waitFor();
    expect(portal.asked).toEqual([
      {
        method: 'POST',
        path: '/v1/cohorts/python-101/roster',
        body: { text: 'Ada Lovelace <ada@example.edu>\nAlan Turing alan@example.edu\nZoë; zoe@example.edu' },
      },
    ]);
  });

  it('reads a file as people save it, UTF-16 too', async () => {
    await page.goto(`${portal.url}/`);
    const text = 'Zoë Brontë,zoe@example.edu';
    const buffer = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    await page.locator('input[type=file]').setInputFiles({ name: 'roster.csv', mimeType: 'text/csv', buffer });
    await eventually(async () => (await page.getByLabel('Names and addresses').inputValue()) === text);
    await page.getByRole('button', { name: 'Add 1 student' }).waitFor();
  });

  it('sums the class up and says what needs the instructor', async () => {
    await openClass();
    expect(await page.locator('.summary').textContent()).toBe(
      '10 students · 2 running · 2 starting · 1 waiting · 1 repairing · 1 stopping · 1 needs you',
    );
    expect(await page.locator('.needs').textContent()).toContain('Starting point not found: Edsger Dijkstra');
  });

  it('shows a click at once as asked, before the portal has answered, and keeps the focus', async () => {
    const items = await openClass();
    const stopped = items[4]!;
    let release = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    await page.route('**/v1/workspaces/*', async route => {
      await held;
      await route.continue();
    });
    const start = page.getByRole('button', { name: `Start workspace of ${stopped.student.name}` });
    await start.click();
    await eventually(async () => (await pillOf(stopped)) === 'Starting');
    expect(await rowOf(stopped).locator('.now').textContent()).toContain('Asked just now');
    expect(portal.asked).toEqual([]);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Stop');
    release();
    await eventually(() => portal.asked.length === 1);
    expect(portal.asked[0]).toEqual({
      method: 'PATCH',
      path: `/v1/workspaces/${stopped.id}`,
      body: { spec: { running: true } },
    });
  });

  it('puts a refused click back and says why, in the row', async () => {
    const [running] = await openClass();
    await page.route('**/v1/workspaces/*', route => route.abort());
    await page.getByRole('button', { name: `Stop workspace of ${running!.student.name}` }).click();
    await rowOf(running!).getByText('The portal can’t be reached.').waitFor();
    expect(await pillOf(running!)).toBe('Running');
    // The browser itself complains of the request that was cut.
    complaints = complaints.filter(text => !text.includes('ERR_FAILED'));
  });

  it('starts what fits by one request, and says beforehand how many that is', async () => {
    const items = await openClass();
    await page.getByRole('button', { name: 'Start 2 of 10' }).click();
    await page.getByText('Starting 2 of 10: 8 already run or are on their way.').waitFor();
    await eventually(() => portal.asked.length === 1);
    const ids = [items[5]!.id, items[4]!.id].sort();
    const { path, body } = portal.asked[0]!;
    expect(path).toBe('/v1/workspaces:start');
    expect((body as { ids: string[] }).ids.toSorted()).toEqual(ids);
    expect(await pillOf(items[4]!)).toBe('Starting');
  });

  it('asks before it stops those who are at work', async () => {
    await openClass();
    await page.getByRole('button', { name: /^Stop 7 of 10/ }).click();
    await page.getByText('1 is in use now.').waitFor();
    await page.keyboard.press('Escape');
    await eventually(async () => (await page.locator('dialog').count()) === 0);
    expect(portal.asked).toEqual([]);
  });

  it('changes only the row that changed, in its place', async () => {
    const items = await openClass();
    const starting = items[2]!;
    await page.evaluate(() => {
      const rows = [...document.querySelectorAll('table.class tbody tr')];
      const changed: string[] = [];
      Object.assign(window, { changed });
      new MutationObserver(list => {
        for (const { target } of list) {
          const row = (target instanceof Element ? target : target.parentElement)?.closest('tr');
          if (row) changed.push(row.getAttribute('data-slug') ?? '?');
        }
      }).observe(document.querySelector('table.class')!, {
        subtree: true,
        childList: true,
        attributes: true,
        attributeFilter: ['class'],
      });
      return rows.length;
    });
    const order = await page
      .locator('table.class tbody tr')
      .evaluateAll(rows => rows.map(row => row.getAttribute('data-slug')));
    const ready = starting.status.conditions.map(one => ({
      ...one,
      status: one.type === 'Ready' ? ('True' as const) : ('False' as const),
      reason: 'Settled',
    }));
    portal.push({
      ...starting,
      version: starting.version + 100,
      status: { ...starting.status, step: 'ready', conditions: ready },
    });
    await eventually(async () => (await pillOf(starting)) === 'Running');
    const changed = await page.evaluate(() => (window as unknown as { changed: string[] }).changed);
    expect(new Set(changed)).toEqual(new Set([starting.slug]));
    expect(
      await page.locator('table.class tbody tr').evaluateAll(rows => rows.map(row => row.getAttribute('data-slug'))),
    ).toEqual(order);
    expect(await page.locator('.summary').textContent()).toContain('3 running · 1 starting');
  });

  it('does not let an older change undo a newer one', async () => {
    const items = await openClass();
    const running = items[0]!;
    const stopped = {
      ...running,
      spec: { ...running.spec, running: false },
      status: { ...running.status, step: 'stopped' as const },
    };
    portal.push({ ...stopped, version: running.version - 1 });
    portal.push({ ...items[1]!, version: 999, spec: stopped.spec, status: stopped.status });
    await eventually(async () => (await pillOf(items[1]!)) === 'Stopped');
    expect(await pillOf(running)).toBe('Running');
  });

  it('says when it has lost the portal, and is right again after', async () => {
    const items = await openClass();
    portal.cut(true);
    await page.getByText('Reconnecting…').waitFor();
    const stopped = items[4]!;
    Object.assign(stopped, {
      version: stopped.version + 50,
      status: { ...items[0]!.status },
      spec: { running: true, restarts: 0 },
    });
    portal.cut(false);
    await eventually(async () => (await pillOf(stopped)) === 'Running');
    await eventually(async () => (await page.getByText('Reconnecting…').count()) === 0);
    // The browser itself complains of the refused stream.
    complaints = complaints.filter(text => !/503|ERR_/.test(text));
  });

  it('opens a row with its story, by keyboard alone', async () => {
    const items = await openClass();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('To the content');
    const name = rowOf(items[8]!).locator('button.name');
    await eventually(async () => {
      await page.keyboard.press('Tab');
      return name.evaluate(button => button === document.activeElement);
    });
    expect(await name.evaluate(button => getComputedStyle(button).outlineStyle)).toBe('solid');
    await page.keyboard.press('Enter');
    await page.locator('.drawer .log li').first().waitFor();
    expect(await page.locator('.drawer').textContent()).toContain('The image was not found');
    expect(await name.getAttribute('aria-expanded')).toBe('true');
  });

  it('finds by name, and says when nobody matches', async () => {
    await openClass();
    await page.getByLabel('Find a student').fill('hopper');
    await eventually(async () => (await page.locator('table.class tbody tr').count()) === 2);
    await page.getByLabel('Find a student').fill('xx');
    await page.getByText('Nobody matches ‘xx’.').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await eventually(async () => (await page.locator('table.class tbody tr').count()) === 10);
  });

  it('is small: 25 KB, and its lists of 300 students 35 KB more', async () => {
    const { assets, lists } = await transferred(() => openClass(300));
    expect(assets).toBeLessThan(25_000);
    expect(lists).toBeLessThan(35_000);
  });
});

describe.skipIf(!chromiumIsThere)('the student’s pages', () => {
  function own(index: number): Item {
    const { items, students } = aClass(10);
    const { id, slug, student } = items[0]!;
    const item = { ...items[index]!, id, slug, student, url: `http://${slug}.localhost:18080` };
    Object.assign(portal.state, { items: [item], students, role: 'student' });
    return item;
  }
  const wake = (item: Item, to = '/') => page.goto(`${portal.url}/wake/${item.slug}?to=${encodeURIComponent(to)}`);

  it('wakes one’s own sleeping workspace at once, and opens it where it was asked for', async () => {
    const item = own(4);
    await page.route('http://*.localhost:18080/**', route =>
      route.fulfill({ contentType: 'text/html', body: 'the editor' }),
    );
    await wake(item, '/?folder=/home');
    await eventually(() => portal.asked.length === 1);
    expect(portal.asked[0]).toMatchObject({ method: 'PATCH', body: { spec: { running: true } } });
    await page.getByText('Asked just now').waitFor();
    await eventually(() => portal.streams() === 1);
    const ready = own(0);
    portal.push({ ...ready, version: 9999, generation: 4, status: { ...ready.status, observedGeneration: 4 } });
    await page.waitForURL(`${ready.url}/?folder=/home`);
  });

  it('after a failure never starts by itself: it says why, and offers to try again', async () => {
    const item = own(8);
    await wake(item);
    await page.getByText('The class’s starting point can’t be loaded.').waitFor();
    await page.locator('details.story[open] .log li').first().waitFor();
    expect(portal.asked).toEqual([]);
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => portal.asked.length === 1);
    expect(portal.asked[0]!.body).toEqual({ spec: { running: true, restarts: 1 } });
  });

  it('does not wake another’s without a click', async () => {
    const item = own(4);
    portal.state.role = 'instructor';
    await wake(item);
    await page.getByRole('button', { name: 'Start it for Ada Lovelace' }).waitFor();
    expect(portal.asked).toEqual([]);
  });

  it('does not go round when the editor sends it back', async () => {
    const item = own(0);
    await page.route('http://*.localhost:18080/**', route =>
      route.fulfill({ status: 302, headers: { location: `${portal.url}/wake/${item.slug}` } }),
    );
    await wake(item);
    await page.getByRole('link', { name: 'Open', exact: true }).waitFor();
    await eventually(async () => (await page.getByText('In use').count()) === 1);
    complaints = complaints.filter(text => !text.includes('ERR_'));
  });

  it('shows each class with one button, and the way on when there is none', async () => {
    own(0);
    await page.goto(`${portal.url}/`);
    await page.getByRole('link', { name: 'Open', exact: true }).waitFor();
    portal.state.items = [];
    await page.reload();
    await page.getByText('You are signed in as student.0@example.edu, no class lists that address.').waitFor();
  });

  it('are small: 22 KB each, all in', async () => {
    const item = own(2);
    const waking = await transferred(() => wake(item));
    expect(waking.assets + waking.lists).toBeLessThan(22_000);
    await open(1200);
    const student = await transferred(() => page.goto(`${portal.url}/`));
    expect(student.assets + student.lists).toBeLessThan(22_000);
  });
});

describe.skipIf(!chromiumIsThere)('at 320 px', () => {
  it.each(['/', '/classes/python-101/settings', '/sign-in', '/sign-in/reset', '/outbox', '/message'])(
    '%s fits without sideways scroll',
    async path => {
      await open(320);
      Object.assign(portal.state, aClass(30));
      await page.goto(portal.url + path);
      await page.locator('h1').waitFor();
      if (path === '/') await page.locator('button.name').nth(8).click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    },
  );

  it('gives every control of the class 24 px and more', async () => {
    await open(320);
    await openClass();
    const small = await page.locator('a, button, summary, select, textarea').evaluateAll(controls =>
      controls.flatMap(control => {
        const box = control.getBoundingClientRect();
        return box.height > 0 && box.height < 24 && !control.matches('.skip') ? [control.outerHTML] : [];
      }),
    );
    expect(small).toEqual([]);
  });
});

/** Bytes that cross the wire: page and assets, and what the API answers, as if it were compressed. */
async function transferred(visit: () => Promise<unknown>): Promise<{ assets: number; lists: number }> {
  const sizes: Promise<readonly ['assets' | 'lists', number]>[] = [];
  const count = (response: Response) => {
    const path = new URL(response.url()).pathname;
    if (path === '/v1/watch') return;
    const kind = path.startsWith('/v1/') ? 'lists' : 'assets';
    sizes.push(response.body().then(body => [kind, gzipSync(body).length] as const));
  };
  page.on('response', count);
  await visit();
  await page.waitForFunction(() => document.querySelector('.pill') !== null);
  await eventually(() => portal.streams() === 1);
  page.off('response', count);
  const total = { assets: 0, lists: 0 };
  for (const [kind, size] of await Promise.all(sizes)) total[kind] += size;
  return total;
}
