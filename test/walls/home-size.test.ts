import { execFileSync } from 'node:child_process';
import { link, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { largeHomeBytes } from '../../api/resources/entrance.ts';
import { startGate } from '../../infra/gate/gate.ts';
import { sizeOf } from '../../infra/gate/home-size.ts';
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
  const bytes = await sizeOf(task.home);
  expect(bytes).toBeGreaterThanOrEqual(3 * megabyte);
  expect(bytes).toBeLessThan(3.2 * megabyte);
  await rm(task.folder, { recursive: true });
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
