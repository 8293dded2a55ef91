import { execFileSync } from 'node:child_process';
import { link, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { largeHomeBytes } from '../../api/resources/entrance.ts';
import { startGate } from '../../infra/gate/gate.ts';
import { countHome } from '../../infra/gate/home-size.ts';
import { readSettings } from '../../infra/gate/settings.ts';
import { type Api, makeClass, startApi } from '../api/http/harness.ts';
import { makeTask, startIde, startPortal } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await makeClass(api, ['Ada Lovelace']);
});
afterAll(() => api.close());

const megabyte = 1 << 20;

/** A home of 3 MB that would like to be taken for more, or to hold whoever counts. */
async function fill(home: string): Promise<void> {
  await mkdir(path.join(home, 'deep/er/and\ndeeper'), { recursive: true });
  await writeFile(path.join(home, 'deep/er/and\ndeeper/two'), Buffer.alloc(2 * megabyte, 1));
  await writeFile(path.join(home, 'one'), Buffer.alloc(megabyte, 1));
  await link(path.join(home, 'one'), path.join(home, 'one again'));
  await symlink('/usr', path.join(home, 'usr'));
  await symlink('.', path.join(home, 'loop'));
  await symlink('/proc/kcore', path.join(home, 'kcore'));
  execFileSync('mkfifo', [path.join(home, 'pipe')]);
  execFileSync('truncate', ['--size', '100G', path.join(home, 'holes')]);
}

test('T12: a home is counted without following a link, waiting for a pipe or believing a hole', async () => {
  const task = await makeTask();
  await fill(task.home);
  const { bytes } = await countHome(task.home);
  expect(bytes).toBeGreaterThanOrEqual(3 * megabyte);
  expect(bytes).toBeLessThan(3.2 * megabyte);
  await rm(task.folder, { recursive: true });
});

test('a home’s last change is of a file that is somebody’s work, and never in the future', async () => {
  const task = await makeTask();
  expect(await countHome(task.home)).toMatchObject({ changedAt: null });
  const write = async (name: string, at: string) => {
    await mkdir(path.dirname(path.join(task.home, name)), { recursive: true });
    await writeFile(path.join(task.home, name), 'x');
    await utimes(path.join(task.home, name), new Date(at), new Date(at));
  };
  await write('project/main.py', '2026-03-01T10:00:00Z');
  await write('older.txt', '2026-02-01T10:00:00Z');
  await write('.local/share/editor/log', '2026-03-05T10:00:00Z');
  const now = Date.parse('2026-03-06T10:00:00Z');
  expect((await countHome(task.home, now)).changedAt).toBe('2026-03-01T10:00:00.000Z');
  await write('project/of-tomorrow', '2126-03-01T10:00:00Z');
  expect((await countHome(task.home, now)).changedAt).toBe('2026-03-06T10:00:00.000Z');
  await rm(task.folder, { recursive: true });
});

test('what a gate counted is told to the student and to staff, and stays when it tells less', async () => {
  const { body: workspace } = await api.send('GET', '/v1/workspaces/fall-intro-ada-lovelace', 'operator');
  const report = (more: object) =>
    api.send(
      'POST',
      '/v1/heartbeats',
      { bearer: api.keys.heartbeatToken(workspace.id) },
      { body: { ready: true, problem: null, active: false, marked: true, visitors: [], ...more } },
    );
  const ada = await api.person('Ada Lovelace');
  const told = async () => (await api.send('GET', `/v1/workspaces/${workspace.id}`, ada)).body.reported;
  expect(await told()).toMatchObject({ homeBytes: null, changedAt: null });
  await report({ homeBytes: 5_000_000, homeChangedAt: '2026-03-01T10:00:00.000Z' });
  await report({});
  expect(await told()).toMatchObject({ homeBytes: 5_000_000, changedAt: '2026-03-01T10:00:00.000Z' });
  await report({ homeBytes: 0, homeChangedAt: null });
  expect(await told()).toMatchObject({ homeBytes: 0, changedAt: null });
  expect((await report({ homeBytes: 1, homeChangedAt: 'yesterday' })).status).toBe(400);
  for (const odd of ['2026-02-31T10:00:00.000Z', '0000-00-00T29:00:00.000Z'])
    expect((await report({ homeBytes: 1, homeChangedAt: odd })).status).toBeLessThan(500);
});

test('T12: the gate tells the size with a heartbeat, once for each count', async () => {
  const task = await makeTask();
  await fill(task.home);
  const portal = await startPortal();
  const ide = await startIde(path.join(task.run, 'ide.sock'));
  const settings = readSettings({ ...task.env, ARMADA_HEARTBEAT_URL: portal.url });
  const gate = await startGate({ settings, log: pino({ level: 'silent' }), now: Date.now, countAfter: 1 });
  const told = () => portal.beats.flatMap(({ homeBytes }) => homeBytes ?? []);
  await eventually(() => told().length > 0);
  expect(told()[0]).toBeGreaterThanOrEqual(3 * megabyte);
  await gate.close();
  await Promise.all([portal.close(), ide.close()]);
  await rm(task.folder, { recursive: true, force: true, maxRetries: 5 });
});

test('T12: more than 5 GB is flagged in one pass, with words for whoever looks after the class, and once a day', async () => {
  const { body: workspace } = await api.send('GET', '/v1/workspaces/fall-intro-ada-lovelace', 'operator');
  const grace = await api.person('Grace Hopper', 'instructor');
  const flags = async () =>
    (await api.send('GET', `/v1/events?about=${workspace.id}`, grace)).body.items.filter(
      (each: { reason: string }) => each.reason === 'HomeLarge',
    );
  const report = (homeBytes: number) => {
    const body = { ready: true, problem: null, active: false, marked: true, visitors: [], homeBytes };
    return api.send('POST', '/v1/heartbeats', { bearer: api.keys.heartbeatToken(workspace.id) }, { body });
  };
  expect((await report(largeHomeBytes)).status).toBe(200);
  expect(await flags()).toEqual([]);
  await report(6_240_000_000);
  expect(await flags()).toMatchObject([{ tone: 'warning', message: expect.stringContaining('6.2 GB') }]);
  await report(7e9);
  expect(await flags()).toHaveLength(1);
  await api.database.pool.query(`update events set at = at - interval '1 day' where reason = 'HomeLarge'`);
  await report(7e9);
  expect(await flags()).toHaveLength(2);
});
