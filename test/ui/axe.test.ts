import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import { describe, expect, it } from 'vitest';
import { chromiumIsThere } from '../support/chromium.ts';
import { aClass, keptFiles, pythonCourse } from './class.ts';
import { Visit } from './visit.ts';

const visit = new Visit();

/** Evaluated by the debugger, which no content security policy keeps out: the pages stay as they are served. */
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Screen {
  readonly name: string;
  readonly path: string;
  readonly prepare?: () => void;
  /** Brings the page into the state that is looked at. */
  readonly act?: () => Promise<unknown>;
}

const page = () => visit.page;
const plain: Screen[] = [
  '/sign-in',
  '/sign-in?problem=That+did+not+match.',
  '/sign-in/new-password',
  '/sign-in/new-password?problem=Too+short.',
  '/join#a-link’s-key',
  '/join?key&problem=This+password+is+too+weak.',
  '/join',
  '/sign-in/forgot',
  '/sign-in/reset?problem=The+code+is+old.',
  '/message',
  '/outbox',
].map(path => ({ name: path, path }));

const classOf = (size: number) => () => void Object.assign(visit.portal.state, aClass(size));
const rows = () => page().locator('table.class tbody tr').first().waitFor();
/** The first who has not joined. */
const openInvited = async () => {
  const invited = page().locator('tr').filter({ hasText: 'Not opened yet' }).first();
  await invited.locator('button.name').click();
  await page().locator('.drawer .invitation').waitFor();
};
const openInvitedOfAssistant = async () => {
  await page().locator('tr').filter({ hasText: 'Not opened yet' }).first().locator('button.name').click();
  await page().locator('.drawer .log li').first().waitFor();
};
const paste = async () => {
  await page()
    .getByLabel('Names and addresses')
    .fill('Ada <ada@example.edu>\nnobody at all\nAlan Turing <aturing1@example.edu>');
  await page().getByLabel('Line 2: No address in this line.').waitFor();
};
const classes: Screen[] = [
  { name: 'class, none yet', path: '/', prepare: () => void Object.assign(visit.portal.state, { courses: [] }) },
  { name: 'class, unknown', path: '/classes/nothing' },
  { name: 'class, without students', path: '/', act: paste },
  { name: 'class, in every state', path: '/', prepare: classOf(30), act: rows },
  {
    name: 'class, a row open',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await page().locator('button.name').nth(8).click();
      await page().locator('.drawer .log li').first().waitFor();
    },
  },
  {
    name: 'class, a link to hand over',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await openInvited();
      await page().getByRole('button', { name: 'Copy join link' }).click();
      await page()
        .getByLabel(/^Join link of/)
        .waitFor();
      // Axe takes what lies half under the sticky head for too small.
      await page().evaluate(() => scrollTo(0, 0));
    },
  },
  {
    name: 'class, adding',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await page().getByRole('button', { name: 'Add students' }).click();
      await paste();
    },
  },
  {
    name: 'class, asked before stopping',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await page()
        .getByRole('button', { name: /^Stop 7 of 10/ })
        .click();
      await page().locator('dialog[open]').waitFor();
    },
  },
  {
    name: 'class, nobody found',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await rows();
      await page().getByLabel('Find a student').fill('xx');
      await page().getByText('Nobody matches').waitFor();
    },
  },
  {
    name: 'class, both menus open',
    path: '/',
    prepare: () => {
      classOf(10)();
      visit.portal.state.courses = [
        pythonCourse,
        { ...pythonCourse, id: 'course2', slug: 'two', cohorts: ['python-101'] },
      ];
    },
    act: async () => {
      for (const menu of await page().locator('.menu > summary').all()) await menu.click();
    },
  },
  {
    name: 'class, a student removed',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await page().locator('button.name').nth(4).click();
      await page().getByRole('button', { name: 'Remove from class' }).click();
      await page().getByRole('button', { name: 'Undo' }).waitFor();
    },
  },
  {
    name: 'class, chosen',
    path: '/',
    prepare: classOf(10),
    act: () => page().getByLabel('Choose all').check(),
  },
  {
    name: 'class, an assistant’s',
    path: '/',
    prepare: () => void Object.assign(visit.portal.state, { ...aClass(10), role: 'staff' }),
    act: openInvitedOfAssistant,
  },
  {
    name: 'settings, everybody’s files',
    path: '/classes/python-101/settings',
    prepare: () => {
      visit.portal.state.courses = [{ ...pythonCourse, spec: { ...pythonCourse.spec, archived: true } }];
    },
    act: async () => {
      await page().getByRole('button', { name: 'Delete everybody’s files for good' }).click();
      await page().locator('dialog[open]').waitFor();
    },
  },
  {
    name: 'history',
    path: '/classes/python-101/history',
    act: () => page().locator('table.history tbody tr').first().waitFor(),
  },
  {
    name: 'class, archived',
    path: '/',
    prepare: () => {
      classOf(10)();
      visit.portal.state.courses = [{ ...pythonCourse, spec: { ...pythonCourse.spec, archived: true } }];
    },
    act: rows,
  },
  {
    name: 'class, what an editor wrote',
    path: '/',
    prepare: classOf(10),
    act: async () => {
      await page().locator('button.name').nth(8).click();
      await page().getByText('What the editor wrote last').click();
      await page().getByText('no space left').waitFor();
    },
  },
  {
    name: 'settings, archiving',
    path: '/classes/python-101/settings',
    act: async () => {
      await page().getByRole('button', { name: 'Archive this class' }).click();
      await page().locator('dialog[open]').waitFor();
    },
  },
  {
    name: 'settings, join links',
    path: '/classes/python-101/settings',
    prepare: classOf(10),
    act: async () => {
      await page().getByText('Grete Hermann').last().waitFor();
      await page().getByRole('button', { name: 'Copy join links' }).click();
      await page().getByRole('textbox', { name: 'Join links' }).waitFor();
    },
  },
  {
    name: 'settings, kept files',
    path: '/classes/python-101/settings',
    prepare: () => {
      visit.portal.state.kept = keptFiles();
    },
    act: async () => {
      await page().getByText('nothing was deleted').waitFor();
      await page().getByRole('button', { name: 'for good' }).click();
      await page().locator('dialog[open]').waitFor();
      await page().getByLabel('Type the class’s name').fill('Java');
      await page().getByRole('button', { name: 'Delete for good' }).click();
      await page().getByText('That is not the name').waitFor();
      // The browser complains of every refusal.
      visit.complaints = visit.complaints.filter(complaint => !complaint.includes('422'));
    },
  },
  {
    name: 'settings, saved',
    path: '/classes/python-101/settings',
    act: async () => {
      await page().getByRole('button', { name: 'Save' }).click();
      await page().getByText('Saved.').waitFor();
    },
  },
];

const own = (index: number, path: string) => () => {
  const { items, students } = aClass(10);
  const { id, slug, student } = items[0]!;
  const item = { ...items[index]!, id, slug, student, url: null };
  Object.assign(visit.portal.state, { items: [item], students, role: path === '/' ? 'student' : 'instructor' });
};
const states = [
  'running',
  'idle',
  'starting',
  'in line',
  'stopped',
  'invited',
  'repairing',
  'stopping',
  'stuck',
  'slow',
];
const pill = () => page().locator('.pill').waitFor();
const students: Screen[] = [
  {
    name: 'student, no class',
    path: '/',
    prepare: () => void Object.assign(visit.portal.state, { role: 'student' }),
    act: () => page().getByText('no class lists that address').waitFor(),
  },
  {
    name: 'student, without walls',
    path: '/',
    prepare: () => void Object.assign(visit.portal.state, { role: 'student', boot: { unwalled: true } }),
  },
  ...states.flatMap((name, index): Screen[] => [
    { name: `student, ${name}`, path: '/', prepare: own(index, '/'), act: pill },
    { name: `wake, ${name}`, path: `/wake/${aClass(1).items[0]!.slug}`, prepare: own(index, '/wake'), act: pill },
  ]),
];

describe.skipIf(!chromiumIsThere)('axe finds nothing', () => {
  it.each([...plain, ...classes, ...students])('on $name, light and dark', async screen => {
    screen.prepare?.();
    await page().emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page().goto(visit.portal.url + screen.path);
    await page().locator('h1, main h2').first().waitFor();
    await screen.act?.();
    await page().evaluate(axe);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page().emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const findings = await page().evaluate(
        async options => {
          const { axe } = window as unknown as {
            axe: { run(root: Document, options: RunOptions): Promise<AxeResults> };
          };
          const { violations } = await axe.run(document, options);
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join('\n')}`);
        },
        { runOnly: tags } as RunOptions,
      );
      expect(findings, `${screen.name}, ${colorScheme}`).toEqual([]);
    }
  });

  it('would find a control without a name', async () => {
    await page().goto(`${visit.portal.url}/sign-in`);
    await page().evaluate(() => document.querySelector('main')?.append(document.createElement('button')));
    await page().evaluate(axe);
    const ids = await page().evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
      return (await axe.run()).violations.map(({ id }) => id);
    });
    expect(ids).toContain('button-name');
  });
});
