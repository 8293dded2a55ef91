import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { anyPort, temporaryDataFolder } from '../support/product.ts';
import { type Bench, rounded } from './figures.ts';

const goalSeconds = 180;

/** Seconds of each step from an empty clone, with an empty home folder, to a typed character in a student's editor. */
export const firstRun: Bench = {
  name: 'first-run',
  does: 'from an empty clone to a typed character, step by step',
  async run(print) {
    if (!chromiumIsThere) return;
    const clone = mkdtempSync(path.join(os.tmpdir(), 'armada-clone-'));
    const home = mkdtempSync(path.join(os.tmpdir(), 'armada-home-'));
    const folder = await temporaryDataFolder();
    const env = { ...process.env, HOME: home };
    const began = performance.now();
    let last = began;
    const step = (figure: string) => {
      const now = performance.now();
      print({ figure, value: rounded((now - last) / 1000), unit: 's' });
      last = now;
    };
    let start: ChildProcess | undefined;
    try {
      execFileSync('git', ['clone', '-q', process.cwd(), clone], { env });
      step('git clone');
      execFileSync('npm', ['ci'], { cwd: clone, env, stdio: 'ignore' });
      step('npm ci');
      const port = await anyPort();
      start = spawn('npm', ['start', '--', '--port', String(port), '--data', folder.path], {
        cwd: clone,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      const printed = await output(start, /Password +(\S+)/);
      step('npm start, editor installed');
      await visit(`http://localhost:${port}`, printed[1] ?? '', folder.path, step);
      const seconds = (performance.now() - began) / 1000;
      print({
        figure: 'empty clone to a typed character',
        value: rounded(seconds),
        unit: 's',
        goal: `≤ ${goalSeconds} s`,
        met: seconds <= goalSeconds,
      });
    } finally {
      if (start?.pid) await ended(start);
      await folder.remove();
      for (const each of [clone, home]) rmSync(each, { recursive: true, force: true });
    }
  },
};

/** Instructor and student in one: the steps of the README, as fast as a browser goes. */
async function visit(url: string, password: string, data: string, step: (figure: string) => void): Promise<void> {
  const browser = await openChromium();
  try {
    const instructor = await (await browser.newContext()).newPage();
    await signIn(instructor, url, 'instructor@armada.localhost', password);
    await instructor.getByLabel('Name of the class').fill('Intro');
    await instructor.getByRole('button', { name: 'Make class' }).click();
    await instructor.getByLabel('Names and addresses').fill('Ada <ada@school.example>');
    await instructor.getByRole('button', { name: 'Add 1 student' }).click();
    await instructor.getByRole('row').filter({ hasText: 'Ada' }).waitFor();
    step('instructor: sign in, class, roster');
    const mailed = await mailedPassword(data);
    const student = await (await browser.newContext()).newPage();
    await signIn(student, url, 'ada@school.example', mailed);
    await student.locator('.monaco-workbench').waitFor({ timeout: 60_000 });
    step('student: sign in, editor shown');
    await student.keyboard.press('Control+Alt+Meta+n');
    await student.locator('.monaco-workbench').dblclick({ position: { x: 660, y: 120 } });
    await student.locator('.monaco-editor .view-lines').first().waitFor();
    await student.keyboard.type('a');
    await student.locator('.view-line').filter({ hasText: 'a' }).first().waitFor();
    step('a typed character');
  } finally {
    await browser.close();
  }
}

async function signIn(
  page: import('playwright-core').Page,
  url: string,
  email: string,
  password: string,
): Promise<void> {
  await page.goto(url);
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('input[name=password]').fill('a password of their own 3');
  await page.getByRole('button', { name: 'Set password' }).click();
}

/** The newest mail's password, from the outbox that the instructor's page shows. */
async function mailedPassword(data: string): Promise<string> {
  const { outboxToken } = JSON.parse(readFileSync(path.join(data, 'secrets.json'), 'utf8'));
  const { aws } = JSON.parse(readFileSync(path.join(data, 'ports.json'), 'utf8'));
  for (;;) {
    const mails: { text: string }[] = await (await fetch(`http://127.0.0.1:${aws}/_outbox/${outboxToken}`)).json();
    const found = mails.map(mail => /Password: (\S+)/.exec(mail.text)?.[1]).find(each => each);
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

function output(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', chunk => {
      text += chunk;
      const found = /Stop +Ctrl-C/.test(text) && pattern.exec(text);
      if (found) resolve(found);
    });
    child.once('exit', code => reject(new Error(`npm start ended with ${code}: ${text}`)));
  });
}

/** Ctrl-C, as a terminal sends it: to the whole group. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve());
    if (child.pid) process.kill(-child.pid, 'SIGINT');
  });
}
