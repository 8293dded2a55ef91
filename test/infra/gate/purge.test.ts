import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keeperExits } from '../../../api/resources/keeper.ts';
import { takeLock } from '../../../infra/gate/lock.ts';
import { prepareHome, writeMark } from '../../../infra/gate/marker.ts';
import { purgeHome } from '../../../infra/gate/purge.ts';

let root: string;
let home: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'armada-purge-'));
  home = path.join(root, 'ada');
  await mkdir(home);
  await prepareHome(home);
  await writeMark(home, 'home-of-ada');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const failures: unknown[] = [];
const purge = (homeId = 'home-of-ada', patience = AbortSignal.timeout(60_000), unmarked = false) =>
  purgeHome({ homePath: home, homeId, unmarked, patience, onFailure: cause => failures.push(cause) });

test('everything in the home goes, whatever its name and depth; lock and mark stay', async () => {
  const secret = path.join(home, 'closed', 'inner');
  await mkdir(secret, { recursive: true });
  await writeFile(path.join(secret, 'file'), 'x');
  await chmod(path.join(home, 'closed'), 0o000);
  await writeFile(Buffer.concat([Buffer.from(`${home}/caf`), Buffer.from([0xe9])]), 'latin1');
  await writeFile(path.join(home, '.armada', 'more'), 'x');
  let deep = home;
  for (let level = 0; level < 400; level += 1) deep = path.join(deep, 'deep');
  await mkdir(deep, { recursive: true });
  await writeFile(path.join(deep, 'last'), 'x');
  expect(await purge()).toBe(keeperExits.done);
  expect(await readdir(home)).toEqual(['.armada']);
  expect((await readdir(path.join(home, '.armada'))).filter(name => !name.startsWith('lock'))).toEqual(['purged']);
});

test('no link is followed, and what it led to stands as before', async () => {
  const bob = path.join(root, 'bob');
  await mkdir(bob, { mode: 0o700 });
  await writeFile(path.join(bob, 'work.txt'), 'of bob');
  await symlink(bob, path.join(home, 'to-bob'));
  await mkdir(path.join(home, 'sub'));
  await symlink(path.join(bob, 'work.txt'), path.join(home, 'sub', 'to-work'));
  expect(await purge()).toBe(keeperExits.done);
  expect(await readdir(home)).toEqual(['.armada']);
  expect(await readFile(path.join(bob, 'work.txt'), 'utf8')).toBe('of bob');
});

test('a purge may be repeated: after it is done, and after it was cut off halfway', async () => {
  await writeFile(path.join(home, 'file'), 'x');
  expect(await purge()).toBe(keeperExits.done);
  expect(await purge()).toBe(keeperExits.done);
  // Cut off: the mark was written, a folder lies on the heap, a file is left, the marker is gone.
  await mkdir(path.join(home, '.armada', 'going', 'half'), { recursive: true });
  await writeFile(path.join(home, '.armada', 'going', 'half', 'x'), 'x');
  await writeFile(path.join(home, 'left'), 'x');
  expect(await purge()).toBe(keeperExits.done);
  expect(await readdir(home)).toEqual(['.armada']);
});

test('another home, one that cannot be told, and one in use lose nothing', async () => {
  await writeFile(path.join(home, 'file'), 'x');
  expect(await purge('home-of-bob')).toBe(keeperExits.otherHome);
  const lock = await takeLock({ file: path.join(home, '.armada', 'lock'), onWaiting: () => {} });
  expect(await purge('home-of-ada', AbortSignal.timeout(300))).toBe(keeperExits.inUse);
  await lock.release();
  await rm(path.join(home, '.armada', 'home'));
  expect(await purge()).toBe(keeperExits.otherHome);
  expect(await readFile(path.join(home, 'file'), 'utf8')).toBe('x');
  // With nothing in it, there is nothing to lose.
  await rm(path.join(home, 'file'));
  expect(await purge()).toBe(keeperExits.done);
});

test('a home whose own folder is a link is not touched', async () => {
  const bob = path.join(root, 'bob');
  await mkdir(bob);
  await writeFile(path.join(bob, 'home'), 'home-of-ada\n');
  await rm(path.join(home, '.armada'), { recursive: true });
  await symlink(bob, path.join(home, '.armada'));
  expect(await purge()).toBe(keeperExits.otherHome);
  expect(await readdir(bob)).toEqual(['home']);
  // Nor once it was said that the directory is proof enough: the link goes, what it leads to stays.
  await writeFile(path.join(home, 'file'), 'x');
  expect(await purgeUnmarked()).toBe(keeperExits.done);
  expect(await readdir(home)).toEqual(['.armada']);
  expect(await readdir(bob)).toEqual(['home']);
});

const purgeUnmarked = (homeId?: string) => purge(homeId, AbortSignal.timeout(60_000), true);

test.each(['missing', 'a link', 'a folder', 'a link that leads nowhere'])(
  'a home whose marker is %s goes once that was said, and nothing else does',
  async what => {
    const marker = path.join(home, '.armada', 'home');
    const outside = path.join(root, 'outside');
    await writeFile(outside, 'home-of-ada\n');
    await writeFile(path.join(home, 'file'), 'x');
    await rm(marker);
    if (what === 'a link') await symlink(outside, marker);
    if (what === 'a folder') await mkdir(marker);
    if (what === 'a link that leads nowhere') await symlink(path.join(root, 'nowhere'), marker);
    expect(await purge()).toBe(keeperExits.otherHome);
    expect(await readdir(home)).toContain('file');
    expect(await purgeUnmarked()).toBe(keeperExits.done);
    expect((await readdir(path.join(home, '.armada'))).filter(name => !name.startsWith('lock'))).toEqual(['purged']);
    expect(await readdir(home)).toEqual(['.armada']);
    expect(await readFile(outside, 'utf8')).toBe('home-of-ada\n');
    expect(await purgeUnmarked()).toBe(keeperExits.done);
  },
);

test('a marker that names another home is believed, whatever was said', async () => {
  await writeFile(path.join(home, 'file'), 'x');
  expect(await purgeUnmarked('home-of-bob')).toBe(keeperExits.otherHome);
  expect(await readFile(path.join(home, 'file'), 'utf8')).toBe('x');
});
