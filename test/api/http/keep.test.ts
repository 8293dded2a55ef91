import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
const slug = 'fall-intro-ada-lovelace';
beforeAll(async () => {
  api = await startApi();
  const [first, second] = await makeClass(api, ['Ada Lovelace', 'Bob Ross']);
  ada = first!;
  bob = second!;
});
afterAll(() => api.close());

async function runs(readyAt: Date): Promise<void> {
  await api.send('PATCH', `/v1/workspaces/${slug}`, 'operator', { body: { spec: { running: true } } });
  await api.database.pool.query('update workspaces set status = status || $2::jsonb where slug = $1', [
    slug,
    JSON.stringify({ step: 'ready', readyAt: readyAt.toISOString() }),
  ]);
}
const idle = async () => (await api.send('GET', `/v1/workspaces/${slug}`, ada)).body.idle;

test('its owner sees when it stops, keeps it for an hour, and nobody else’s; what does not run is not kept', async () => {
  expect(await idle()).toBeNull();
  expect((await api.send('POST', `/v1/workspaces/${slug}/keep`, ada)).status).toBe(409);
  const readyAt = new Date();
  await runs(readyAt);
  expect(await idle()).toEqual({
    since: readyAt.toISOString(),
    stopsAt: new Date(readyAt.getTime() + 30 * 60_000).toISOString(),
  });
  expect((await api.send('POST', `/v1/workspaces/${slug}/keep`, bob)).status).toBe(404);
  const kept = await api.send('POST', `/v1/workspaces/${slug}/keep`, ada);
  expect(kept.status).toBe(200);
  expect(Date.parse(kept.body.idle.stopsAt)).toBeGreaterThanOrEqual(readyAt.getTime() + 3_600_000);
  const { body } = await api.send('GET', `/v1/events?about=${slug}&limit=1`, ada);
  expect(body.items[0]).toMatchObject({ reason: 'KeepAsked', by: 'ada-lovelace' });
});

test('no keep goes beyond twelve hours of one stretch', async () => {
  const readyAt = new Date(Date.now() - 11.5 * 3_600_000);
  await runs(readyAt);
  const kept = await api.send('POST', `/v1/workspaces/${slug}/keep`, ada);
  expect(kept.body.idle.stopsAt).toBe(new Date(readyAt.getTime() + 12 * 3_600_000).toISOString());
});

test('an archived class is stopped and not startable, and comes out of the archive as it was', async () => {
  await runs(new Date());
  const archive = (archived: boolean) => api.send('PATCH', '/v1/courses/intro', 'operator', { body: { archived } });
  expect((await archive(true)).status).toBe(200);
  expect((await api.send('GET', `/v1/workspaces/${slug}`, ada)).body.spec.running).toBe(false);
  const start = { body: { spec: { running: true } } };
  expect((await api.send('PATCH', `/v1/workspaces/${slug}`, ada, start)).status).toBe(409);
  const { body } = await api.send('POST', '/v1/workspaces:start', ada, { body: { ids: [slug] } });
  expect(body.results).toMatchObject([{ slug, ok: false, problem: { status: 409 } }]);
  await archive(false);
  expect((await api.send('PATCH', `/v1/workspaces/${slug}`, ada, start)).status).toBe(200);
});

test('who is made staff, and by whom, is written down once', async () => {
  const grace = await api.person('Grace Hopper', 'instructor');
  const { id } = (await api.send('GET', '/v1/courses/intro', 'operator')).body;
  for (const method of ['PUT', 'PUT', 'DELETE', 'DELETE']) {
    expect((await api.send(method, '/v1/courses/intro/staff/bob-ross', grace)).status).toBe(204);
  }
  const { body } = await api.send('GET', `/v1/events?about=${id}`, grace);
  expect(body.items).toMatchObject([
    { reason: 'StaffRemoved', by: 'grace-hopper', message: 'Bob Ross is no longer staff of the class.' },
    { reason: 'StaffAdded', by: 'grace-hopper', message: 'Bob Ross is staff of the class.' },
  ]);
});
