import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../api/http/app.ts';
import { stopIdle, watchedWorkspaces } from '../../api/store/idle.ts';
import { createPool } from '../../api/store/pool.ts';
import { Autostop } from '../../controller/actors/autostop.ts';
import { operatorToken } from '../api/http/harness.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort } from '../support/product.ts';
import { thingsOf } from './fault-things.ts';
import { type FaultWorld, startFaultWorld } from './fault-world.ts';

/** Faults F9 to F15 of the promises: the database, notifications, two controllers, clocks, bulk changes. */

let world: FaultWorld;
beforeAll(async () => {
  world = await startFaultWorld();
}, 60_000);
afterAll(() => world.close());

const headers = { host: 'localhost:8080', authorization: `Bearer ${operatorToken}` };
const put = { method: 'PUT', url: '/v1/courses/again', headers, payload: { name: 'Again' } } as const;

const status = async (id: string) =>
  (await world.api.database.pool.query('select status from people where id = $1', [id])).rows[0]?.status;
async function running(name: string, size = 1): Promise<string[]> {
  const ids = await world.class(name, size);
  await world.ask(ids, 'start');
  await world.ready(...ids);
  return ids;
}

test('F9 a database that is gone before the commit is answered 503 problem+json, and the same request succeeds later', async () => {
  const pool = createPool(`postgres://nobody@127.0.0.1:${await anyPort()}/nothing`);
  const { settings, hub, identity, keys } = world.api;
  const app = await buildApp({ pool, settings, hub, identity, keys, assets: new Map(), now: () => new Date() });
  const answer = await app.inject(put);
  expect(answer.statusCode).toBe(503);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  await app.close();
  await pool.end();
  expect((await world.api.app.inject(put)).statusCode).toBeLessThan(300);
}, 60_000);

test('F10 a write that was committed unheard is repeated without effect: a PUT by what it says, a status by its version', async () => {
  await world.api.app.inject(put);
  const first = (await world.api.send('GET', '/v1/courses/again', 'operator')).body;
  expect((await world.api.app.inject(put)).statusCode).toBe(200);
  expect((await world.api.send('GET', '/v1/courses/again', 'operator')).body).toEqual(first);
  // The controller's own: it hears nothing of these, and does not know whether they were written.
  const cuts = [
    world.unheard(/update workspaces set status/, 3),
    world.unheard(/update people set status/),
    world.unheard(/insert into mails/),
    world.unheard(/update mails set sent_at/),
  ];
  const [id = ''] = await world.class('versions', 1);
  await world.ask([id], 'start');
  await eventually(() => expect(cuts.map(met => met())).toEqual([3, 1, 1, 1]));
  await world.ready(id);
  const { student } = await world.get(id);
  await eventually(async () => (await status(student.id)).invitation === 'sent');
  expect(world.test.aws.cognito.outbox.list().filter(({ to }) => to === student.email)).toHaveLength(1);
  const { services, groups, rules } = thingsOf(world, id);
  expect([services.length, groups.length, rules.length, world.mostTasks(id)]).toEqual([1, 1, 1, 1]);
  const { body } = await world.api.send('GET', `/v1/events?about=${id}`, 'operator');
  const reasons: string[] = body.items.map(({ reason }: { reason: string }) => reason);
  for (const once of ['CreateTarget', 'CreateService', 'Settled'])
    expect(reasons.filter(reason => reason === once)).toEqual([once]);
}, 60_000);

test('F11 a wish whose notification is lost is seen by the next resync, and a cut listener lists anew', async () => {
  const [id = ''] = await world.class('unheard', 1);
  await world.stopped(id);
  const { pool } = world.api.database;
  await pool.query('alter table workspaces disable trigger announce');
  await world.ask([id], 'start');
  await world.ready(id);
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'`,
  );
  await world.ask([id], 'stop');
  await world.stopped(id);
  await pool.query('alter table workspaces enable trigger announce');
}, 60_000);

test('F12 a storm of notifications costs a pass or two, and no key is ever passed over twice at once', async () => {
  const [id = ''] = await running('storm');
  await eventually(() => world.passes.all.length > 0);
  const before = world.passes.all.filter(passed => passed === id).length;
  await world.api.database.pool.query(
    `select pg_notify('asked', json_build_object('kind', 'workspace', 'id', $1::text, 'n', n)::text)
     from generate_series(1, 5000) n`,
    [id],
  );
  await eventually(() => world.passes.all.filter(passed => passed === id).length > before);
  await world.ready(id);
  // Each look takes long enough for a hundred notifications to arrive; resyncs come on top.
  expect(world.passes.all.filter(passed => passed === id).length - before).toBeLessThan(1000);
  expect(world.passes.most).toBe(1);
}, 60_000);

test('F13 of two controllers one acts, and the call that the deposed one finishes late changes nothing', async () => {
  const [id = ''] = await world.class('two', 1);
  await world.stopped(id);
  const late = Promise.withResolvers<void>();
  const held = world.wrong('CreateService', { before: () => late.promise });
  await world.ask([id], 'start');
  await eventually(() => held() === 1);
  const deposed = world.controller;
  await world.crash();
  await eventually(() => world.controller.leading && !deposed.leading);
  await world.ready(id);
  late.resolve();
  await world.look();
  await world.ready(id);
  expect(thingsOf(world, id).services).toHaveLength(1);
  expect(world.mostTasks(id)).toBe(1);
}, 60_000);

test('F14 a clock that jumps an hour on and back stops nobody, and changes nothing', async () => {
  const ids = await running('jumps', 2);
  const { pool } = world.api.database;
  const begun = performance.now();
  const autostop = new Autostop({
    list: () => watchedWorkspaces(pool),
    stop: (seen, why) => stopIdle(pool, seen, why),
    now: () => world.clock.now(),
    elapsed: () => performance.now() - begun,
  });
  await autostop.sweep();
  for (const hours of [1, -1]) {
    world.clock.jump(hours * 3_600_000);
    await autostop.sweep();
    await world.look();
    await world.ready(...ids);
  }
  for (const id of ids) expect((await world.get(id)).spec).toEqual({ running: true, restarts: 0 });
  for (const id of ids) expect(world.mostTasks(id)).toBe(1);
}, 60_000);

test('F15 an API that dies in a bulk change has asked everything or nothing', async () => {
  const ids = await world.class('bulk', 10);
  await world.stopped(...ids);
  const { pool } = world.api.database;
  // Its connection is cut at the seventh row.
  await pool.query(`create sequence seventh; create function cut() returns trigger language plpgsql as $$
    begin if nextval('seventh') = 7 then perform pg_terminate_backend(pg_backend_pid()); end if; return new; end $$;
    create trigger cut before update on workspaces for each row when (new.spec is distinct from old.spec) execute function cut()`);
  const asked = () => world.api.send('POST', '/v1/workspaces:start', 'operator', { body: { course: 'bulk' } });
  expect((await asked()).status).toBe(503);
  for (const id of ids) expect((await world.get(id)).spec.running).toBe(false);
  await pool.query('drop trigger cut on workspaces');
  expect((await asked()).status).toBeLessThan(300);
  for (const id of ids) expect((await world.get(id)).spec.running).toBe(true);
  await world.ready(...ids);
}, 60_000);
