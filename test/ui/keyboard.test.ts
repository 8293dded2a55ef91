import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { chromiumIsThere } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { aClass, type Item } from './class.ts';
import { Visit } from './visit.ts';

const visit = new Visit();
const page = () => visit.page;
/** More stops than any of these screens has before what one came for. */
const mostStops = 80;

/** Goes on by Tab alone until the focus is there; at each stop one must see where one is. */
async function tabTo(wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let stops = 0; stops < mostStops; stops += 1) {
    await page().keyboard.press('Tab');
    const stop = await page().evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return null;
      // A file is chosen by its label, which wears the ring.
      const worn = at.matches('.file input') ? (at.closest('.file') ?? at) : at;
      const { outlineStyle, outlineWidth } = getComputedStyle(worn);
      const { top, bottom, left, right } = worn.getBoundingClientRect();
      const middle = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return {
        what: at.outerHTML.slice(0, 120),
        ring: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
        uncovered: middle !== null && (worn.contains(middle) || middle.contains(worn)),
      };
    });
    if (stop) expect(stop, stop.what).toMatchObject({ ring: true, uncovered: true });
    if (await wanted.evaluate(element => element === document.activeElement)) return;
  }
  throw new Error('Tab does not lead there');
}

/** What is focused is pressed, as a keyboard does. */
async function press(key: 'Enter' | 'Space', wanted: Locator): Promise<void> {
  await tabTo(wanted);
  await page().keyboard.press(key);
}

const own = (index: number): Item => {
  const { items, students } = aClass(10);
  const { id, slug, student } = items[0]!;
  const item = { ...items[index]!, id, slug, student, url: null };
  Object.assign(visit.portal.state, { items: [item], students, role: 'student' });
  return item;
};
const asked = () => visit.portal.asked.map(({ method, path }) => `${method} ${path}`);

describe.skipIf(!chromiumIsThere)('by keyboard alone, seeing where one is', () => {
  it('one signs in', async () => {
    await page().goto(`${visit.portal.url}/sign-in`);
    const mail = page().locator('input[name=email]');
    const password = page().locator('input[name=password]');
    if (!(await mail.evaluate(field => field === document.activeElement))) await tabTo(mail);
    await page().keyboard.press('Control+A');
    await page().keyboard.type('ada@example.edu');
    if (!(await password.evaluate(field => field === document.activeElement))) await tabTo(password);
    await page().keyboard.type('a student’s own 2');
    const [sent] = await Promise.all([
      page().waitForRequest(request => request.method() === 'POST'),
      press('Enter', page().getByRole('button', { name: 'Sign in' })),
    ]);
    expect(new URLSearchParams(sent.postData() ?? '').get('email')).toBe('ada@example.edu');
  });

  it('one starts a student’s workspace in the class, and looks at its row', async () => {
    const items = await visit.openClass();
    await press('Enter', page().getByRole('button', { name: 'Start 2 of 10' }));
    await eventually(() => asked().includes('POST /v1/workspaces:start'));
    await press('Space', page().locator(`tr[data-slug="${items[0]!.slug}"] button.name`));
    await press('Enter', page().locator('.drawer').getByRole('button', { name: 'Restart' }));
    await eventually(() => asked().includes(`PATCH /v1/workspaces/${items[0]!.slug}`));
  });

  it('one adds students', async () => {
    await visit.openClass();
    await press('Enter', page().getByRole('button', { name: 'Add students' }));
    // The area has the focus: one types at once.
    await page().waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
    await page().keyboard.type('Kurt Gödel, kurt@example.edu');
    await press('Enter', page().getByRole('button', { name: 'Add 1 student' }));
    await eventually(() => asked().includes('POST /v1/cohorts/python-101/roster'));
  });

  it('one changes the class’s settings', async () => {
    await page().goto(`${visit.portal.url}/classes/python-101/settings`);
    await tabTo(page().getByLabel('Stop when idle for'));
    await page().keyboard.press('ArrowDown');
    await press('Enter', page().getByRole('button', { name: 'Save' }));
    await page().getByText('Saved.').waitFor();
    expect(visit.portal.asked[0]).toMatchObject({ method: 'PATCH', body: { idleMinutes: 60 } });
  });

  it('a student goes to their workspace', async () => {
    const item = own(4);
    await page().goto(`${visit.portal.url}/?stay`);
    await press('Enter', page().getByRole('link', { name: 'Start', exact: true }));
    await page().waitForURL(`**/wake/${item.slug}`);
  });

  it('a student tries again, and reads what happened', async () => {
    const item = own(8);
    await page().goto(`${visit.portal.url}/wake/${item.slug}`);
    await press('Space', page().getByRole('button', { name: 'Try again' }));
    await eventually(() => asked().includes(`PATCH /v1/workspaces/${item.slug}`));
    await page().getByText('Restarting').waitFor();
    await press('Enter', page().getByRole('button', { name: 'Cancel' }));
    await eventually(() => visit.portal.asked.length === 2);
    expect(visit.portal.asked[1]!.body).toEqual({ spec: { running: false } });
  });
});
