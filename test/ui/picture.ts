import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { openChromium } from '../support/chromium.ts';
import { aClass, ago, type Item } from './class.ts';
import { startPortal } from './harness.ts';

/** Takes the README's picture of the class page: `node test/ui/picture.ts`, by hand, after the page's look has changed. */

const students = 12;
/** Which of the harness's ten states each of the twelve is in: a lesson that has begun. */
const states = [0, 0, 2, 0, 1, 0, 8, 0, 2, 0, 4, 0];
const file = path.join(import.meta.dirname, '..', '..', 'docs', 'class.png');

const portal = await startPortal();
const browser = await openChromium();
try {
  const { items, students: people } = aClass(30);
  const shown = people.slice(0, students).map((person, index): Item => {
    const { slug, id, student, home, version } = items[index] ?? pick(items, 0);
    return {
      ...pick(items, states[index] ?? 0),
      slug,
      id,
      student: { ...student, email: person.spec.email },
      home,
      version,
    };
  });
  const stopsSoon = shown[4];
  if (stopsSoon) Object.assign(stopsSoon, { idle: { since: ago(760), stopsAt: ago(-1040) } });
  Object.assign(portal.state, { items: shown, students: people.slice(0, students) });
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, colorScheme: 'light' });
  await page.goto(`${portal.url}/`);
  await page
    .locator('table.class tbody tr')
    .nth(students - 1)
    .waitFor();
  await mkdir(path.dirname(file), { recursive: true });
  await page.screenshot({ path: file, fullPage: true });
  console.log(`${file}: ${Math.round((await stat(file)).size / 1024)} KB`);
} finally {
  await browser.close();
  await portal.close();
}

function pick(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (!item) throw new Error(`the harness has no item ${index}`);
  return item;
}
