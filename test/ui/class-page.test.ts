import { describe, expect, it } from 'vitest';
import { filesPath } from '../../api/resources/entrance-paths.ts';
import { chromiumIsThere } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { ago, type Item, keptFiles, pythonCourse } from './class.ts';
import { Visit } from './visit.ts';

const visit = new Visit();

const rowOf = (item: Item) => visit.page.locator(`tr[data-slug="${item.slug}"]`);
const pillOf = async (item: Item) => (await rowOf(item).locator('.pill').textContent())?.trim();

describe.skipIf(!chromiumIsThere)('the class page', () => {
  it('makes a first class from its name alone', async () => {
    visit.portal.state.courses = [];
    await visit.page.goto(`${visit.portal.url}/`);
    await visit.page.getByLabel('Name of the class').fill('Einführung in Python 3');
    await visit.page.getByRole('button', { name: 'Make class' }).click();
    await visit.page.waitForURL('**/classes/einfuhrung-in-pyth');
    expect(visit.portal.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /v1/cohorts/einfuhrung-in-pyth',
      'PUT /v1/courses/einfuhrung-in-pyth',
      'PUT /v1/courses/einfuhrung-in-pyth/cohorts/einfuhrung-in-pyth',
    ]);
  });

  it('previews a pasted roster in place, mends a bad row there, and adds', async () => {
    await visit.page.goto(`${visit.portal.url}/`);
    await visit.page
      .getByLabel('Names and addresses')
      .fill('Ada Lovelace <ada@example.edu>\nAlan Turing\nZoë; zoe@example.edu');
    await visit.page.getByText('2 new · 1 needs a look').waitFor();
    const bad = visit.page.getByLabel('Line 2: No address in this line.');
    expect(await bad.inputValue()).toBe('Alan Turing');
    expect(visit.portal.asked).toEqual([]);
    await bad.fill('Alan Turing alan@example.edu');
    await bad.press('Tab');
    await visit.page.getByText('3 new', { exact: true }).waitFor();
    await visit.page.getByRole('button', { name: 'Add 3 students' }).click();
    await visit.page.getByText('3 students added.').waitFor();
    expect(visit.portal.asked).toEqual([
      {
        method: 'POST',
        path: '/v1/cohorts/python-101/roster',
        body: { text: 'Ada Lovelace <ada@example.edu>\nAlan Turing alan@example.edu\nZoë; zoe@example.edu' },
      },
    ]);
  });

  it('reads a file as people save it, UTF-16 too', async () => {
    await visit.page.goto(`${visit.portal.url}/`);
    const text = 'Zoë Brontë,zoe@example.edu';
    const buffer = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    await visit.page.locator('input[type=file]').setInputFiles({ name: 'roster.csv', mimeType: 'text/csv', buffer });
    await eventually(async () => (await visit.page.getByLabel('Names and addresses').inputValue()) === text);
    await visit.page.getByRole('button', { name: 'Add 1 student' }).waitFor();
  });

  it('sums the class up and says what needs the instructor', async () => {
    await visit.openClass();
    expect(await visit.page.locator('.summary').textContent()).toBe(
      '10 students · 2 running · 2 starting · 1 waiting · 1 repairing · 1 stopping · 1 needs you',
    );
    expect(await visit.page.locator('.needs').textContent()).toContain('Starting point not found: Edsger Dijkstra');
  });

  it('shows a click at once as asked, before the portal has answered, and keeps the focus', async () => {
    const items = await visit.openClass();
    const stopped = items[4]!;
    let release = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    await visit.page.route('**/v1/workspaces/*', async route => {
      await held;
      await route.continue();
    });
    const start = visit.page.getByRole('button', { name: `Start workspace of ${stopped.student.name}` });
    await start.click();
    await eventually(async () => (await pillOf(stopped)) === 'Starting');
    expect(await rowOf(stopped).locator('.now').textContent()).toContain('Asked just now');
    expect(visit.portal.asked).toEqual([]);
    expect(await visit.page.evaluate(() => document.activeElement?.textContent)).toBe('Stop');
    release();
    await eventually(() => visit.portal.asked.length === 1);
    expect(visit.portal.asked[0]).toEqual({
      method: 'PATCH',
      path: `/v1/workspaces/${stopped.slug}`,
      body: { spec: { running: true } },
    });
  });

  it('puts a refused click back and says why, in the row', async () => {
    const [running] = await visit.openClass();
    await visit.page.route('**/v1/workspaces/*', route => route.abort());
    await visit.page.getByRole('button', { name: `Stop workspace of ${running!.student.name}` }).click();
    await rowOf(running!).getByText('The portal can’t be reached.').waitFor();
    expect(await pillOf(running!)).toBe('Running');
    // The browser itself complains of the request that was cut.
    visit.complaints = visit.complaints.filter(text => !text.includes('ERR_FAILED'));
  });

  it('starts what fits by one request, and says beforehand how many that is', async () => {
    const items = await visit.openClass();
    await visit.page.getByRole('button', { name: 'Start 2 of 10' }).click();
    await visit.page.getByText('Starting 2 of 10: 8 already run or are on their way.').waitFor();
    await eventually(() => visit.portal.asked.length === 1);
    const ids = [items[5]!.slug, items[4]!.slug].sort();
    const { path, body } = visit.portal.asked[0]!;
    expect(path).toBe('/v1/workspaces:start');
    expect((body as { ids: string[] }).ids.toSorted()).toEqual(ids);
    expect(await pillOf(items[4]!)).toBe('Starting');
  });

  it('asks before it stops those who are at work', async () => {
    await visit.openClass();
    await visit.page.getByRole('button', { name: /^Stop 7 of 10/ }).click();
    await visit.page.getByText('1 is in use now.').waitFor();
    await visit.page.keyboard.press('Escape');
    await eventually(async () => (await visit.page.locator('dialog').count()) === 0);
    expect(visit.portal.asked).toEqual([]);
  });

  it('takes a student out at a click, and puts them back at another', async () => {
    const items = await visit.openClass();
    await rowOf(items[4]!).locator('button.name').click();
    await visit.page.getByRole('button', { name: 'Remove from class' }).click();
    await eventually(async () => (await rowOf(items[4]!).count()) === 0);
    expect(await visit.page.locator('.summary').textContent()).toContain('9 students');
    await visit.page.getByRole('button', { name: 'Undo' }).click();
    await rowOf(items[4]!).waitFor();
    await eventually(async () => (await visit.page.locator('.undo').textContent()) === '');
    expect(visit.portal.asked).toEqual([]);
  });

  it('removes for good once the time to undo is over, and not before', async () => {
    await visit.page.clock.install();
    const items = await visit.openClass();
    await rowOf(items[4]!).locator('button.name').click();
    await visit.page.getByRole('button', { name: 'Remove from class' }).click();
    await visit.page.getByRole('button', { name: 'Undo' }).waitFor();
    expect(visit.portal.asked).toEqual([]);
    await visit.page.clock.fastForward(10_000);
    await eventually(() => visit.portal.asked.length === 1);
    const { cohort, student } = items[4]!;
    expect(visit.portal.asked[0]).toMatchObject({
      method: 'DELETE',
      path: `/v1/cohorts/${cohort.slug}/students/${student.slug}`,
    });
  });

  it('removes also when the page is left within that time', async () => {
    const items = await visit.openClass();
    await rowOf(items[4]!).locator('button.name').click();
    await visit.page.getByRole('button', { name: 'Remove from class' }).click();
    await visit.page.getByRole('button', { name: 'Undo' }).waitFor();
    await visit.page.goto('about:blank');
    await eventually(() => visit.portal.asked.length === 1);
    expect(visit.portal.asked[0]!.method).toBe('DELETE');
  });

  it('offers to remove who is no longer on a pasted list', async () => {
    const items = await visit.openClass();
    await visit.page.getByRole('button', { name: 'Add students' }).click();
    const listed = items.slice(3).map(({ student }) => `${student.name} <${student.email}>`);
    await visit.page.getByLabel('Names and addresses').fill(listed.join('\n'));
    await visit.page.getByText('3 are no longer on your list, and stay').waitFor();
    await visit.page.getByRole('button', { name: 'Remove 3 students' }).click();
    await visit.page.getByText('3 students are removed.').waitFor();
    await eventually(async () => (await visit.page.locator('table.class tbody tr').count()) === 7);
  });

  it('keeps an idle workspace running for an hour at a click', async () => {
    const items = await visit.openClass();
    const idle = items[1]!;
    visit.portal.push({ ...idle, version: 999, idle: { since: ago(760), stopsAt: ago(-1040) } });
    await rowOf(idle).getByText('stops in 17').waitFor();
    await rowOf(idle).locator('button.name').click();
    await visit.page.getByRole('button', { name: 'Keep it running for an hour' }).click();
    await eventually(() => visit.portal.asked.length === 1);
    expect(visit.portal.asked[0]!.path).toBe(`/v1/workspaces/${idle.slug}/keep`);
  });

  it('shows in an open row what the editor wrote last, and the way to the files', async () => {
    const items = await visit.openClass();
    await rowOf(items[8]!).locator('button.name').click();
    await visit.page.getByText('What the editor wrote last').click();
    await visit.page.getByText('no space left').waitFor();
    const stuck = visit.page.getByRole('link', { name: 'Download the files once it runs' });
    expect(await stuck.getAttribute('href')).toBe(`/wake/${items[8]!.slug}?to=/.gate/files.zip`);
    await rowOf(items[0]!).locator('button.name').click();
    await rowOf(items[0]!)
      .locator('+ tr .drawer')
      .getByText(/^\d+ MB, last changed 5 min ago$/)
      .waitFor();
    const running = visit.page.getByRole('link', { name: 'Download the files', exact: true });
    expect(await running.getAttribute('href')).toBe(`${items[0]!.url}/.gate/files.zip`);
  });

  it('tells what happened in the class, and who did it', async () => {
    await visit.page.goto(`${visit.portal.url}/classes/python-101/history`);
    const table = visit.page.locator('table.history tbody tr');
    await eventually(async () => (await table.count()) === 1);
    expect(await table.first().textContent()).toMatch(/Asked to start\.Ada LovelaceGrete Hermann$/);
    await visit.page.getByLabel('Also what Armada did by itself').check();
    await eventually(async () => (await table.count()) === 3);
  });

  it('puts a class away, says so, and brings it back', async () => {
    await visit.page.goto(`${visit.portal.url}/classes/python-101/settings`);
    await visit.page.getByRole('button', { name: 'Archive this class' }).click();
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
    await visit.page.getByText('This class is archived').waitFor();
    expect(visit.portal.asked.at(-1)).toMatchObject({ method: 'PATCH', body: { archived: true } });
    await visit.openClass();
    await visit.page.getByText('This class is archived: nothing runs').waitFor();
    await visit.page.goto(`${visit.portal.url}/classes/python-101/settings`);
    await visit.page.getByRole('button', { name: 'Bring it back' }).click();
    await visit.page.getByRole('button', { name: 'Archive this class' }).waitFor();
    expect(visit.portal.asked.at(-1)).toMatchObject({ method: 'PATCH', body: { archived: false } });
  });

  it('deletes kept files for good once the class’s name is typed, and shows them go', async () => {
    visit.portal.state.kept = keptFiles().slice(0, 1);
    await visit.page.goto(`${visit.portal.url}/classes/python-101/settings`);
    await visit.page.getByText(/Kept until/).waitFor();
    await visit.page.getByRole('button', { name: 'Delete the kept files of 1 student for good' }).click();
    const dialog = visit.page.getByRole('dialog');
    await dialog.getByText('This can’t be undone').waitFor();
    await dialog.getByLabel('Type the class’s name').fill('python 101');
    await dialog.getByRole('button', { name: 'Delete for good' }).click();
    await dialog.getByText('That is not the name of this class. Nothing was deleted.').waitFor();
    expect(visit.portal.state.kept.map(({ state }) => state)).toEqual(['kept']);
    // The browser complains of every refusal.
    visit.complaints = visit.complaints.filter(complaint => !complaint.includes('422'));
    await dialog.getByLabel('Type the class’s name').fill('Python 101');
    await visit.page.keyboard.press('Enter');
    await visit.page.getByText('The files of 1 student are being deleted.').waitFor();
    expect(await dialog.count()).toBe(0);
    expect(visit.portal.asked.at(-1)).toMatchObject({
      method: 'POST',
      path: '/v1/courses/python-101/homes:purge',
      body: { confirm: 'Python 101' },
    });
    visit.portal.state.kept = [];
    await visit.page.getByText('Deleted for good.').waitFor();
    expect(await visit.page.getByRole('button', { name: /for good/ }).count()).toBe(0);
  });

  it('deletes everybody’s files of an archived class, and those without a mark, only when that is said', async () => {
    const { page, portal } = visit;
    portal.state.kept = keptFiles();
    await page.goto(`${portal.url}/classes/python-101/settings`);
    await page.getByRole('button', { name: 'Delete the kept files of 2 students for good' }).waitFor();
    expect(await page.getByRole('button', { name: 'everybody' }).count()).toBe(0);
    const confirm = async (button: string, also?: string) => {
      await page.getByRole('button', { name: button }).click();
      const dialog = page.locator('dialog');
      if (also) await dialog.getByLabel(also).check();
      await dialog.getByLabel('Type the class’s name').fill('Python 101');
      await dialog.getByRole('button', { name: 'Delete for good' }).click();
      await eventually(async () => (await page.locator('dialog').count()) === 0);
    };
    await confirm('Delete the kept files of 2 students for good', 'Also those without a mark');
    expect(portal.asked.at(-1)!.body).toEqual({ confirm: 'Python 101', unmarked: true });
    portal.state.kept = [];
    portal.state.courses = [{ ...pythonCourse, spec: { ...pythonCourse.spec, archived: true } }];
    await page.reload();
    await confirm('Delete everybody’s files for good');
    expect(portal.asked.at(-1)!.body).toEqual({ confirm: 'Python 101', everybody: true });
  });

  it('says nothing of kept files where nobody left any', async () => {
    await visit.page.goto(`${visit.portal.url}/classes/python-101/settings`);
    await visit.page.getByText('Grete Hermann').last().waitFor();
    expect(await visit.page.getByText('Files of who left').count()).toBe(0);
  });

  it('goes from one class to another, archived ones last', async () => {
    const { courses } = visit.portal.state;
    courses.unshift({
      ...courses[0]!,
      id: 'old',
      slug: 'old',
      spec: { ...courses[0]!.spec, name: 'Old', archived: true },
    });
    await visit.openClass();
    expect(await visit.page.locator('h1').textContent()).toBe('Python 101');
    await visit.page.getByText('Classes', { exact: true }).click();
    const links = visit.page.getByRole('navigation', { name: 'Classes' }).getByRole('link');
    expect(await links.allTextContents()).toEqual(['Python 101', 'Old · archived']);
    await links.last().click();
    await visit.page.waitForURL('**/classes/old');
  });

  it('says on the page that there are no walls where that is so', async () => {
    await visit.openClass();
    expect(await visit.page.locator('.unwalled').count()).toBe(0);
    visit.portal.state.boot = { unwalled: true };
    await visit.page.reload();
    await visit.page.getByText('Not started as root: no walls between students').waitFor();
  });

  it('says on the page what is given up where all workspaces share one address', async () => {
    await visit.openClass();
    visit.portal.state.boot = { sharedOrigin: true };
    await visit.page.reload();
    await visit.page.getByText('all workspaces share one address').waitFor();
  });

  it('changes only the row that changed, in its place', async () => {
    const items = await visit.openClass();
    const starting = items[2]!;
    await visit.page.evaluate(() => {
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
    const order = await visit.page
      .locator('table.class tbody tr')
      .evaluateAll(rows => rows.map(row => row.getAttribute('data-slug')));
    const ready = starting.status.conditions.map(one => ({
      ...one,
      status: one.type === 'Ready' ? ('True' as const) : ('False' as const),
      reason: 'Settled',
    }));
    visit.portal.push({
      ...starting,
      version: starting.version + 100,
      status: { ...starting.status, step: 'ready', conditions: ready },
    });
    await eventually(async () => (await pillOf(starting)) === 'Running');
    const changed = await visit.page.evaluate(() => (window as unknown as { changed: string[] }).changed);
    expect(new Set(changed)).toEqual(new Set([starting.slug]));
    expect(
      await visit.page
        .locator('table.class tbody tr')
        .evaluateAll(rows => rows.map(row => row.getAttribute('data-slug'))),
    ).toEqual(order);
    expect(await visit.page.locator('.summary').textContent()).toContain('3 running · 1 starting');
  });

  it('does not let an older change undo a newer one', async () => {
    const items = await visit.openClass();
    const running = items[0]!;
    const stopped = {
      ...running,
      spec: { ...running.spec, running: false },
      status: { ...running.status, step: 'stopped' as const },
    };
    visit.portal.push({ ...stopped, version: running.version - 1 });
    visit.portal.push({ ...items[1]!, version: 999, spec: stopped.spec, status: stopped.status });
    await eventually(async () => (await pillOf(items[1]!)) === 'Stopped');
    expect(await pillOf(running)).toBe('Running');
  });

  it('tells a workspace that goes from the one that has come in its place', async () => {
    const items = await visit.openClass();
    const item = items[0]!;
    const gone = { ...item, id: 'the-old-one', version: 5000, deletedAt: ago(1) };
    visit.portal.push(gone);
    visit.portal.push({ ...items[1]!, version: 5001, spec: { running: false, restarts: 0 } });
    await eventually(async () => (await pillOf(items[1]!)) === 'Stopping');
    expect(await pillOf(item)).toBe('Running');
    Object.assign(item, { deletedAt: ago(1), version: 5002 });
    visit.portal.push(item);
    await eventually(async () => (await pillOf(item)) === 'Removed');
    Object.assign(item, { deletedAt: null, id: 'a-new-one', version: 4000 });
    visit.portal.cut(false);
    await eventually(async () => (await pillOf(item)) === 'Running');
    visit.complaints = visit.complaints.filter(text => !/503|ERR_/.test(text));
  });

  it('says when it has lost the portal, and is right again after', async () => {
    const items = await visit.openClass();
    visit.portal.cut(true);
    await visit.page.getByText('Reconnecting…').waitFor();
    const stopped = items[4]!;
    Object.assign(stopped, {
      version: stopped.version + 50,
      status: { ...items[0]!.status },
      spec: { running: true, restarts: 0 },
    });
    visit.portal.cut(false);
    await eventually(async () => (await pillOf(stopped)) === 'Running');
    await eventually(async () => (await visit.page.getByText('Reconnecting…').count()) === 0);
    // The browser itself complains of the refused stream.
    visit.complaints = visit.complaints.filter(text => !/503|ERR_/.test(text));
  });

  it('opens a row with its story, by keyboard alone', async () => {
    const items = await visit.openClass();
    await visit.page.keyboard.press('Tab');
    expect(await visit.page.evaluate(() => document.activeElement?.textContent)).toBe('To the content');
    const name = rowOf(items[8]!).locator('button.name');
    await eventually(async () => {
      await visit.page.keyboard.press('Tab');
      return name.evaluate(button => button === document.activeElement);
    });
    expect(await name.evaluate(button => getComputedStyle(button).outlineStyle)).toBe('solid');
    await visit.page.keyboard.press('Enter');
    await visit.page.locator('.drawer .log li').first().waitFor();
    expect(await visit.page.locator('.drawer').textContent()).toContain('The image was not found');
    await visit.page.locator('.drawer').getByText('Not counted yet').waitFor();
    expect(await name.getAttribute('aria-expanded')).toBe('true');
  });

  it('offers an assistant what the table of rights grants them, and nothing that would be refused', async () => {
    visit.portal.state.role = 'staff';
    const items = await visit.openClass();
    const { page } = visit;
    const changes =
      /^(Settings|Class settings|Add students|New class|Remove from class|Send invitation|Copy join link)/;
    const offered = () => page.locator('a, button').filter({ hasText: changes }).count();
    for (const item of [items[5]!, items[8]!]) {
      await rowOf(item).locator('button.name').click();
      await page.locator('.drawer .log li').first().waitFor();
      expect(await offered()).toBe(0);
      await rowOf(item).locator('button.name').click();
    }
    await page.getByRole('link', { name: 'History' }).waitFor();
    await page.getByText('Grete Hermann').click();
    await page.getByText('Assistant', { exact: false }).waitFor();
    await page.getByRole('link', { name: 'Your own workspaces' }).waitFor();
    visit.portal.state.role = 'instructor';
    await page.reload();
    await rowOf(items[5]!).locator('button.name').click();
    await page.getByRole('button', { name: 'Remove from class' }).waitFor();
    expect(await offered()).toBe(7);
  });

  it('leads to the files of a stopped workspace at one click, unless its start is refused', async () => {
    const stopped = (await visit.openClass())[4]!;
    const { page } = visit;
    const open = async () => {
      await rowOf(stopped).locator('button.name').click();
      await page.getByRole('link', { name: 'Start it and download the files' }).click();
    };
    const detail = 'This class is archived. Bring it back first.';
    await page.route('**/v1/workspaces/*', route =>
      route.fulfill({ status: 409, json: { title: 'Archived', detail }, contentType: 'application/problem+json' }),
    );
    await open();
    await rowOf(stopped).getByText(detail).waitFor();
    visit.complaints = visit.complaints.filter(text => !text.includes('409'));
    await page.unroute('**/v1/workspaces/*');
    await page.getByRole('link', { name: 'Start it and download the files' }).click();
    await page.waitForURL(`**/wake/${stopped.slug}?to=${filesPath}`);
    expect(visit.portal.asked).toMatchObject([{ method: 'PATCH', body: { spec: { running: true } } }]);
  });

  it('tells an assistant of a class without students that it has none', async () => {
    Object.assign(visit.portal.state, { role: 'staff' });
    await visit.page.goto(`${visit.portal.url}/`);
    await visit.page.getByText('No student is in this class yet.').waitFor();
    expect(await visit.page.getByLabel('Names and addresses').count()).toBe(0);
  });

  it('finds by name, and says when nobody matches', async () => {
    await visit.openClass();
    await visit.page.getByLabel('Find a student').fill('hopper');
    await eventually(async () => (await visit.page.locator('table.class tbody tr').count()) === 2);
    await visit.page.getByLabel('Find a student').fill('xx');
    await visit.page.getByText('Nobody matches ‘xx’.').waitFor();
    await visit.page.getByRole('button', { name: 'Clear' }).click();
    await eventually(async () => (await visit.page.locator('table.class tbody tr').count()) === 10);
  });

  it('saves settings against the version that was shown, and says when they take effect', async () => {
    await visit.page.goto(`${visit.portal.url}/classes/python-101/settings`);
    await visit.page.getByLabel('Stop when idle for').selectOption('1 hour');
    const [request] = await Promise.all([
      visit.page.waitForRequest(one => one.method() === 'PATCH'),
      visit.page.getByRole('button', { name: 'Save' }).click(),
    ]);
    expect(request.headers()['if-match']).toBe('"1"');
    expect(request.postDataJSON()).toEqual({ ...pythonCourse.spec, idleMinutes: 60 });
    await visit.page.getByText('Saved. A running workspace takes it up at its next start.').waitFor();
  });

  it('is small: 40 KB with 300 students, all in', async () => {
    const { assets, lists } = await visit.transferred(() => visit.openClass(300));
    expect(assets + lists, `${assets} of assets, ${lists} of lists`).toBeLessThan(40_000);
  });
});
