import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';

const run = promisify(execFile);
const script = path.join(import.meta.dirname, '../../../infra/images/ide/start.sh');
let home: string;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'a home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Starts it with a program in the IDE's place that tells its folder, umask and arguments. */
async function start(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<string[]> {
  const program = { ARMADA_IDE_PROGRAM: '/bin/sh', ARMADA_IDE_SCRIPT: path.join(home, 'a program.sh') };
  await writeFile(program.ARMADA_IDE_SCRIPT, 'pwd; umask; for each in "$@"; do echo "$each"; done');
  const { stdout } = await run('/bin/sh', [script, ...args], {
    env: { PATH: process.env['PATH'], HOME: home, ...program, ...env },
  });
  return stdout.trim().split('\n');
}

const settings = () => path.join(home, '.local/share/code-server/User/settings.json');
const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

async function git(folder: string, ...args: string[]): Promise<void> {
  const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.com'];
  await run('git', ['-C', folder, ...who, ...args], {
    env: { ...process.env, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
  });
}

test('it becomes the IDE in the home, with the task’s arguments last', async () => {
  const [folder, umask, ...args] = await start({}, ['--auth', 'none', home]);
  expect(folder).toBe(home);
  expect(umask).toBe('0022');
  expect(args.slice(-3)).toEqual(['--auth', 'none', home]);
  expect(args).toContain('--user-data-dir');
  const bare = await start();
  expect(bare.slice(-3)).toEqual(['--socket-mode', '660', home]);
});

test('what the IDE says is kept beside its socket too, and ends with it', async () => {
  const socket = path.join(home, 'ide.sock');
  const said = await start({ ARMADA_JOB_SECONDS: '1' }, ['--socket', socket]);
  expect(said[0]).toBe(home);
  await eventually(async () => (await readFile(path.join(home, 'ide.log'), 'utf8')).trim().split('\n')[0] === home);
  expect(await exists(path.join(home, 'ide.log.pipe'))).toBe(false);
});

test('settings are written once and then the student’s', async () => {
  await start();
  expect(JSON.parse(await readFile(settings(), 'utf8'))).toMatchObject({
    'chat.disableAIFeatures': true,
    'workbench.startupEditor': 'none',
    'security.workspace.trust.enabled': false,
  });
  await writeFile(settings(), '{}');
  await writeFile(path.join(home, '.bashrc'), 'mine');
  await start();
  expect(await readFile(settings(), 'utf8')).toBe('{}');
  expect(await readFile(path.join(home, '.bashrc'), 'utf8')).toBe('mine');
});

test('the shell’s prompt tells whose workspace it is', async () => {
  await start();
  const { stdout } = await run(
    'bash',
    ['--rcfile', path.join(home, '.bashrc'), '-i', '-c', ['echo "$', '{PS1@P}"'].join('')],
    {
      env: { HOME: home, ARMADA_PROMPT_NAME: 'ada@intro', PATH: process.env['PATH'] },
      cwd: home,
    },
  );
  // Without colours: escape sequences, and the bytes that tell the shell where they are.
  const escapeCode = String.fromCharCode(27);
  const plain = [1, 2].reduce((text, code) => text.replaceAll(String.fromCharCode(code), ''), stdout);
  expect(plain.replaceAll(new RegExp(`${escapeCode}\\[\\d+m`, 'g'), '').trim()).toMatch(/^ada@intro:~[#$]$/);
});

test('the starter repository is cloned once', async () => {
  const repository = await mkdtemp(path.join(tmpdir(), 'starter-'));
  try {
    await git(repository, 'init', '-q');
    await writeFile(path.join(repository, 'main.py'), 'print(1)');
    await git(repository, 'add', '.');
    await git(repository, 'commit', '-q', '-m', 'Start');
    const clone = path.join(home, path.basename(repository));
    await start({ ARMADA_REPOSITORY: repository });
    await eventually(() => exists(path.join(clone, 'main.py')));
    await writeFile(path.join(clone, 'main.py'), 'mine');
    await start({ ARMADA_REPOSITORY: repository });
    expect(await readFile(path.join(clone, 'main.py'), 'utf8')).toBe('mine');
    expect(await exists(path.join(home, 'README-starter-failed.txt'))).toBe(false);
  } finally {
    await rm(repository, { recursive: true, force: true });
  }
});

test('a starter repository that can’t be cloned is told in a file, and the IDE starts', async () => {
  const said = path.join(home, 'README-starter-failed.txt');
  for (const repository of [path.join(home, 'none'), '--upload-pack=touch hacked', 'file:///none/..', '-']) {
    await rm(said, { force: true });
    expect((await start({ ARMADA_REPOSITORY: repository }))[0]).toBe(home);
    await eventually(async () => (await readFile(said, 'utf8')).includes(repository));
    expect(await exists(path.join(home, 'hacked'))).toBe(false);
    expect(await exists(path.join(home, '.starter-part'))).toBe(false);
  }
  expect((await stat(said)).mode & 0o777).toBe(0o644);
});
