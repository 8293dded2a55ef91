import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chromiumIsThere } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { aClass, ago, type Item } from './class.ts';
import { Visit } from './visit.ts';

const visit = new Visit();

describe.skipIf(!chromiumIsThere)('the student’s pages', () => {
  function own(index: number): Item {
    const { items, students } = aClass(10);
    const { id, slug, student } = items[0]!;
    const item = { ...items[index]!, id, slug, student, url: `http://${slug}.localhost:18080` };
    Object.assign(visit.portal.state, { items: [item], students, role: 'student' });
    return item;
  }
  const wake = (item: Item, to = '/') =>
    visit.page.goto(`${visit.portal.url}/wake/${item.slug}?to=${encodeURIComponent(to)}`);

  it('wakes one’s own sleeping workspace at once, and opens it where it was asked for', async () => {
    const item = own(4);
    await visit.page.route('http://*.localhost:18080/**', route =>
      route.fulfill({ contentType: 'text/html', body: 'the editor' }),
    );
    await wake(item, '/?folder=/home');
    await eventually(() => visit.portal.asked.length === 1);
    expect(visit.portal.asked[0]).toMatchObject({ method: 'PATCH', body: { spec: { running: true } } });
    await visit.page.getByText('Asked just now').waitFor();
    await eventually(() => visit.portal.streams() === 1);
    const ready = own(0);
    visit.portal.push({ ...ready, version: 9999, generation: 4, status: { ...ready.status, observedGeneration: 4 } });
    await visit.page.waitForURL(`${ready.url}/?folder=/home`);
  });

  it('after a failure never starts by itself: it says why, and offers to try again', async () => {
    const item = own(8);
    await wake(item);
    await visit.page.getByText('The class’s starting point can’t be loaded.').waitFor();
    await visit.page.locator('details.story[open] .log li').first().waitFor();
    expect(visit.portal.asked).toEqual([]);
    await visit.page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => visit.portal.asked.length === 1);
    expect(visit.portal.asked[0]!.body).toEqual({ spec: { running: true, restarts: 1 } });
  });

  it('does not wake another’s without a click', async () => {
    const item = own(4);
    visit.portal.state.role = 'instructor';
    await wake(item);
    await visit.page.getByRole('button', { name: 'Start it for Ada Lovelace' }).waitFor();
    expect(visit.portal.asked).toEqual([]);
  });

  it('does not go round when the editor sends it back', async () => {
    const item = own(0);
    await visit.page.route('http://*.localhost:18080/**', route =>
      route.fulfill({ status: 302, headers: { location: `${visit.portal.url}/wake/${item.slug}` } }),
    );
    await wake(item);
    await visit.page.getByRole('link', { name: 'Open', exact: true }).waitFor();
    await eventually(async () => (await visit.page.getByText('In use').count()) === 1);
    visit.complaints = visit.complaints.filter(text => !text.includes('ERR_'));
  });

  it('comes by a stopped workspace’s files over its start, and stays where it is', async () => {
    const item = own(0);
    const archive = { status: 200, headers: { 'content-disposition': 'attachment; filename="ada.zip"' }, body: 'zip' };
    await visit.page.route('http://*.localhost:18080/**', route => route.fulfill(archive));
    const [download] = await Promise.all([visit.page.waitForEvent('download'), wake(item, '/.gate/files.zip')]);
    expect(download.url()).toBe(`${item.url}/.gate/files.zip`);
    await visit.page.getByRole('link', { name: 'Download again' }).waitFor();
    expect(await visit.page.getByRole('link', { name: 'Open', exact: true }).getAttribute('href')).toBe(`${item.url}/`);
  });

  it('tells a student what happens in words of no cloud, the usual time and the place in line', async () => {
    const item = own(2);
    visit.portal.state.boot = { usualSeconds: 20 };
    visit.portal.state.role = 'student';
    await wake(item);
    await visit.page.getByText('Usually 20 s.').waitFor();
    await visit.page.getByText('What happened so far').click();
    await visit.page.getByText('The editor is started.').waitFor();
    await visit.page.getByText('What the editor wrote last').click();
    await visit.page.getByText('no space left').waitFor();
    for (const index of Array.from({ length: 10 }, (_, each) => each)) {
      Object.assign(item, { ...own(index), url: null, ...(index === 3 && { line: 3 }) });
      for (const path of [`/wake/${item.slug}`, '/?stay']) {
        visit.portal.state.role = 'student';
        visit.portal.state.items = [item];
        await visit.page.goto(visit.portal.url + path);
        await visit.page.locator('.pill').waitFor();
        const text = await visit.page.locator('main').innerText();
        expect(text).not.toMatch(
          /\b(AWS|ECS|EFS|ALB|ELB|Cognito|tasks?|services?|targets?|containers?|clusters?|hosts?)\b/i,
        );
        if (index === 3) expect(text).toContain('3rd in line');
      }
    }
  });

  it('keeps an idle workspace running from the wake page too', async () => {
    const item = own(0);
    Object.assign(item, { idle: { since: ago(760), stopsAt: ago(-1040) } });
    visit.portal.state.role = 'instructor';
    await visit.page.route('http://*.localhost:18080/**', route => route.fulfill({ status: 204 }));
    await wake(item);
    await visit.page.getByRole('button', { name: 'Keep it running for an hour' }).click();
    await eventually(() => visit.portal.asked.some(({ path }) => path === `/v1/workspaces/${item.slug}/keep`));
  });

  it('shows each class with one button, and the way on when there is none', async () => {
    own(0);
    await visit.page.goto(`${visit.portal.url}/`);
    await visit.page.getByRole('link', { name: 'Open', exact: true }).waitFor();
    await visit.page.getByText('Files last changed 5 min ago.').waitFor();
    visit.portal.state.items = [];
    await visit.page.reload();
    await visit.page.getByText('You are signed in as ada.lovelace@example.edu, no class lists that address.').waitFor();
  });

  it('sign-in is small: 10 KB, without a script', async () => {
    const body = await (await fetch(`${visit.portal.url}/sign-in`)).text();
    expect(body).not.toContain('<script');
    const sheet = await (await fetch(`${visit.portal.url}/assets/style.css`)).text();
    expect(gzipSync(body).length + gzipSync(sheet).length).toBeLessThan(10_000);
  });

  it('are small: 22 KB each, all in', async () => {
    const item = own(2);
    const waking = await visit.transferred(() => wake(item));
    expect(waking.assets + waking.lists).toBeLessThan(22_000);
    await visit.open(1200);
    const student = await visit.transferred(() => visit.page.goto(`${visit.portal.url}/`));
    expect(student.assets + student.lists).toBeLessThan(22_000);
  });
});

describe.skipIf(!chromiumIsThere)('at 320 px', () => {
  it.each(['/', '/classes/python-101/settings', '/sign-in', '/sign-in/reset', '/outbox', '/message'])(
    '%s fits without sideways scroll',
    async path => {
      await visit.open(320);
      Object.assign(visit.portal.state, aClass(30));
      await visit.page.goto(visit.portal.url + path);
      await visit.page.locator('h1').waitFor();
      if (path === '/') await visit.page.locator('button.name').nth(8).click();
      expect(await visit.page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    },
  );

  it('gives every control of the class 24 px and more', async () => {
    await visit.open(320);
    await visit.openClass();
    const small = await visit.page.locator('a, button, summary, select, textarea').evaluateAll(controls =>
      controls.flatMap(control => {
        const box = control.getBoundingClientRect();
        return box.height > 0 && box.height < 24 && !control.matches('.skip') ? [control.outerHTML] : [];
      }),
    );
    expect(small).toEqual([]);
  });
});
