import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './harness.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const workspaces = async (query = '') => (await api.send('GET', `/v1/workspaces?${query}`, 'operator')).body.items;

test('declaring a course fills in defaults, and again changes nothing', async () => {
  const made = await api.send('PUT', '/v1/courses/python', 'operator', { body: { name: 'Python' } });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ kind: 'course', slug: 'python', generation: 1, cohorts: [] });
  expect(made.body.spec).toMatchObject({ name: 'Python', ide: 'code-server', memory: 1024, idleMinutes: 30 });
  const again = await api.send('PUT', '/v1/courses/python', 'operator', { body: { name: 'Python' } });
  expect(again.status).toBe(200);
  expect(again.headers['etag']).toBe(made.headers['etag']);
  const changed = await api.send('PATCH', '/v1/courses/python', 'operator', { body: { memory: 2048 } });
  expect(changed.body).toMatchObject({ generation: 2, spec: { name: 'Python', memory: 2048 } });
});

test('the second of two people who edit one course gets 412 with the course as it is', async () => {
  const { headers } = await api.send('PUT', '/v1/courses/logic', 'operator', { body: { name: 'Logic' } });
  const etag = String(headers['etag']);
  const first = await api.send('PATCH', '/v1/courses/logic', 'operator', {
    body: { cpu: 512 },
    headers: { 'if-match': etag },
  });
  expect(first.status).toBe(200);
  const second = await api.send('PATCH', '/v1/courses/logic', 'operator', {
    body: { cpu: 1024 },
    headers: { 'if-match': etag },
  });
  expect(second.status).toBe(412);
  expect(second.body.current).toMatchObject({ slug: 'logic', generation: 2, spec: { cpu: 512 } });
  const read = await api.send('GET', '/v1/courses/logic', 'operator');
  expect(read.body.spec.cpu).toBe(512);
});

test('If-Match compares what was asked, so that a status written meanwhile does not spoil an edit', async () => {
  const { body } = await api.send('PUT', '/v1/courses/stats', 'operator', { body: { name: 'Statistics' } });
  await api.database.pool.query("update courses set spec = spec where slug = 'stats'");
  const etag = `"${body.generation}.${body.version}"`;
  const edit = await api.send('PATCH', '/v1/courses/stats', 'operator', {
    body: { cpu: 512 },
    headers: { 'if-match': etag },
  });
  expect(edit.status).toBe(200);
  const foreign = await api.send('PATCH', '/v1/courses/stats', 'operator', {
    body: { cpu: 128 },
    headers: { 'if-match': '"xyz"' },
  });
  expect(foreign.status).toBe(412);
});

test('If-None-Match: * makes only, and a GET that has this very version is 304', async () => {
  const only = { 'if-none-match': '*' };
  expect(
    (await api.send('PUT', '/v1/cohorts/once', 'operator', { body: { name: 'Once' }, headers: only })).status,
  ).toBe(201);
  const twice = await api.send('PUT', '/v1/cohorts/once', 'operator', { body: { name: 'Twice' }, headers: only });
  expect(twice.status).toBe(412);
  expect(twice.body.current).toMatchObject({ slug: 'once', spec: { name: 'Once' } });
  const { headers } = await api.send('GET', '/v1/cohorts/once', 'operator');
  const again = await api.send('GET', '/v1/cohorts/once', 'operator', {
    headers: { 'if-none-match': String(headers['etag']) },
  });
  expect(again.status).toBe(304);
  expect(again.text).toBe('');
  const missing = await api.send('PUT', '/v1/cohorts/nobody', 'operator', {
    body: { name: 'x' },
    headers: { 'if-match': '*' },
  });
  expect(missing.status).toBe(412);
  expect(missing.body.current).toBeNull();
});

test('an enrolment implies a stopped workspace for each member, late joiners too', async () => {
  const ada = await api.person('Ada Lovelace');
  const zoe = await api.person('Zoë Ångström');
  await api.send('PUT', '/v1/cohorts/fall', 'operator', { body: { name: 'Fall' } });
  await api.send('PUT', `/v1/cohorts/fall/students/${ada.person.slug}`, 'operator');
  expect((await api.send('PUT', '/v1/courses/python/cohorts/fall', 'operator')).status).toBe(201);
  expect((await api.send('PUT', '/v1/courses/python/cohorts/fall', 'operator')).status).toBe(200);
  const [first, ...rest] = await workspaces();
  expect(rest).toEqual([]);
  expect(first).toMatchObject({
    slug: 'fall-python-ada-lovelace',
    spec: { running: false, restarts: 0 },
    student: { name: 'Ada Lovelace' },
    url: null,
    template: { memory: 2048 },
  });
  await api.send('PUT', `/v1/cohorts/fall/students/${zoe.person.slug}`, 'operator');
  expect((await workspaces()).map((each: { slug: string }) => each.slug)).toEqual([
    'fall-python-ada-lovelace',
    'fall-python-zoe-angstrom',
  ]);
  const course = await api.send('GET', '/v1/courses/python', 'operator');
  expect(course.body.cohorts).toEqual(['fall']);
  expect((await api.send('GET', '/v1/cohorts/fall', 'operator')).body.size).toBe(2);
});

test('who leaves loses the workspace and keeps the home; who comes back finds it', async () => {
  const [before] = await workspaces('student=ada-lovelace');
  expect((await api.send('DELETE', '/v1/cohorts/fall/students/ada-lovelace', 'operator')).status).toBe(202);
  const [leaving] = await workspaces('student=ada-lovelace');
  expect(leaving).toMatchObject({ id: before.id, spec: { running: false } });
  expect(leaving.deletedAt).not.toBeNull();
  const kept = await api.database.pool.query('select kept_until from homes where id = $1', [before.home.id]);
  const days = (Date.parse(kept.rows[0].kept_until) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(89);
  expect(days).toBeLessThan(91);

  // Back before the deletion is done: the same row.
  await api.send('PUT', '/v1/cohorts/fall/students/ada-lovelace', 'operator');
  const [again] = await workspaces('student=ada-lovelace');
  expect(again).toMatchObject({ id: before.id, slug: before.slug, deletedAt: null, home: before.home });
  expect(again.generation).toBe(leaving.generation + 1);

  // Back after it: another row, the same home.
  await api.send('DELETE', '/v1/cohorts/fall/students/ada-lovelace', 'operator');
  await api.database.pool.query('delete from workspaces where id = $1', [before.id]);
  await api.send('PUT', '/v1/cohorts/fall/students/ada-lovelace', 'operator');
  const [last] = await workspaces('student=ada-lovelace');
  expect(last).toMatchObject({ slug: before.slug, home: before.home });
  expect(last.id).not.toBe(before.id);
  const home = await api.database.pool.query('select kept_until from homes where id = $1', [before.home.id]);
  expect(home.rows[0].kept_until).toBeNull();
});

test('a workspace that was deleted by hand does not come back by itself, only by putting the person back', async () => {
  const [workspace] = await workspaces('student=zoe-angstrom');
  expect((await api.send('DELETE', `/v1/workspaces/${workspace.slug}`, 'operator')).status).toBe(202);
  expect((await api.send('DELETE', `/v1/workspaces/${workspace.slug}`, 'operator')).status).toBe(202);
  const late = await api.person('Late Comer');
  await api.send('PUT', `/v1/cohorts/fall/students/${late.person.slug}`, 'operator');
  expect((await workspaces('student=zoe-angstrom'))[0].deletedAt).not.toBeNull();
  await api.send('PUT', '/v1/cohorts/fall/students/zoe-angstrom', 'operator');
  expect((await workspaces('student=zoe-angstrom'))[0].deletedAt).toBeNull();
});

test('ending an enrolment, a cohort or a course takes the workspaces that it implied, and no other', async () => {
  await api.send('PUT', '/v1/courses/logic/cohorts/fall', 'operator');
  const live = async () => (await workspaces()).filter((each: { deletedAt: string | null }) => each.deletedAt === null);
  expect(await live()).toHaveLength(6);
  await api.send('DELETE', '/v1/courses/logic/cohorts/fall', 'operator');
  expect((await live()).map((each: { course: { slug: string } }) => each.course.slug)).toEqual([
    'python',
    'python',
    'python',
  ]);
  await api.send('DELETE', '/v1/courses/python', 'operator');
  expect(await live()).toEqual([]);
  expect((await api.send('GET', '/v1/courses/python', 'operator')).status).toBe(404);
  await api.send('DELETE', '/v1/cohorts/fall', 'operator');
  expect((await api.send('GET', '/v1/cohorts/fall', 'operator')).status).toBe(404);
});

test('two pairs of slugs that join to the same host get different ones', async () => {
  const lin = await api.person('Lin');
  for (const [cohort, course] of [
    ['a', 'b-c'],
    ['a-b', 'c'],
  ]) {
    await api.send('PUT', `/v1/cohorts/${cohort}`, 'operator', { body: { name: 'x' } });
    await api.send('PUT', `/v1/courses/${course}`, 'operator', { body: { name: 'x' } });
    await api.send('PUT', `/v1/courses/${course}/cohorts/${cohort}`, 'operator');
    await api.send('PUT', `/v1/cohorts/${cohort}/students/${lin.person.slug}`, 'operator');
  }
  const slugs = (await workspaces('student=lin')).map((each: { slug: string }) => each.slug);
  expect(slugs).toEqual(['a-b-c-lin', 'a-b-c-lin-2']);
});

test('what people do is an event with their name', async () => {
  const grace = await api.person('Grace Hopper', 'instructor');
  const [workspace] = await workspaces('student=lin');
  await api.send('PATCH', `/v1/workspaces/${workspace.id}`, grace, { body: { spec: { running: true } } });
  const events = await api.send('GET', `/v1/events?about=${workspace.slug}`, grace);
  expect(events.body.items[0]).toMatchObject({ about: workspace.id, reason: 'StartAsked', by: 'grace-hopper' });
});
