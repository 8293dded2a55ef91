import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Api, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let grace: Person;
const purge = (body: unknown, as: Person | 'operator' = grace) =>
  api.send('POST', '/v1/courses/intro/homes:purge', as, { body });
const kept = async () => (await api.send('GET', '/v1/courses/intro/homes', grace)).body.items;
const homes = async () => (await api.database.pool.query('select * from homes order by created_at, id')).rows;
const leave = (slug: string) => api.send('DELETE', `/v1/cohorts/fall/students/${slug}`, grace);
/** As the controller does once nothing of it is left in AWS. */
const closed = () => api.database.pool.query('delete from workspaces where deleted_at is not null');

beforeEach(async () => {
  api = await startApi();
  await makeClass(api, ['Ada Lovelace', 'Bob Kahn', 'Eve Moss']);
  grace = await api.person('Grace', 'instructor');
});
afterEach(() => api.close());

test('kept files are listed with whose they are, since and until when; a live workspace’s are not', async () => {
  expect(await kept()).toEqual([]);
  await leave('ada-lovelace');
  expect(await kept()).toMatchObject([{ state: 'closing', student: { name: 'Ada Lovelace' } }]);
  await closed();
  const [ada] = await kept();
  expect(ada).toMatchObject({ state: 'kept', problem: null, student: { slug: 'ada-lovelace' } });
  expect((Date.parse(ada.keptUntil) - Date.parse(ada.keptSince)) / 86_400_000).toBeCloseTo(90, 0);
});

test('they go only when the class’s name is typed, and the answer names the field', async () => {
  await leave('ada-lovelace');
  await closed();
  for (const confirm of ['', 'Intro', 'introduction']) {
    const refused = await purge({ confirm });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toMatchObject([{ pointer: '/confirm' }]);
  }
  expect((await purge({})).status).toBe(400);
  expect((await homes()).every(home => home.deleted_at === null)).toBe(true);
  const asked = await purge({ confirm: ' Introduction ' });
  expect([asked.status, asked.body]).toEqual([202, { asked: 1 }]);
  const gone = (await homes()).filter(home => home.deleted_at !== null);
  expect(gone).toMatchObject([{ spec: { by: grace.person.slug, attempt: 1 }, generation: 2 }]);
  expect(await kept()).toMatchObject([{ state: 'going' }]);
  const { body } = await api.send('GET', '/v1/events?course=intro', grace);
  const told = body.items.filter((event: { reason: string }) => event.reason === 'FilesDeletionAsked');
  expect(told).toMatchObject([{ by: grace.person.slug, tone: 'warning' }]);
  // Asked again: nothing more.
  expect((await purge({ confirm: 'Introduction' })).body).toEqual({ asked: 0 });
  expect((await homes()).filter(home => home.generation > 2)).toEqual([]);
});

test('files that a workspace has, running, stopped or still closing, are refused', async () => {
  const [ada, bob] = await homes();
  const asked = await purge({ confirm: 'Introduction', homes: [ada.id] });
  expect(asked.status).toBe(409);
  expect((await purge({ confirm: 'Introduction' })).body).toEqual({ asked: 0 });
  await leave('ada-lovelace');
  await leave('bob-kahn');
  expect((await purge({ confirm: 'Introduction', homes: [ada.id, bob.id] })).status).toBe(409);
  expect((await purge({ confirm: 'Introduction' })).body).toEqual({ asked: 0 });
  await api.database.pool.query('delete from workspaces where home_id = $1', [ada.id]);
  // One that may not go keeps the others too.
  expect((await purge({ confirm: 'Introduction', homes: [ada.id, bob.id] })).status).toBe(409);
  expect((await purge({ confirm: 'Introduction', homes: [ada.id] })).body).toEqual({ asked: 1 });
  expect((await homes()).filter(home => home.deleted_at !== null)).toMatchObject([{ id: ada.id }]);
});

test('one that no marker tells goes only once that was found out, and is said', async () => {
  await leave('ada-lovelace');
  await leave('bob-kahn');
  await closed();
  await purge({ confirm: 'Introduction', unmarked: true });
  const specs = async () => (await homes()).filter(home => home.deleted_at !== null).map(home => home.spec.unmarked);
  expect(await specs()).toEqual([undefined, undefined]);
  const [ada] = await kept();
  const stalled = { type: 'Stalled', status: 'True', reason: 'NotThisHome', message: 'No.', since: '2026-01-01' };
  await api.database.pool.query('update homes set status = $2 where id = $1', [
    ada.id,
    {
      observedGeneration: 2,
      conditions: [stalled],
      purged: false,
      failure: { attempt: 1, reason: 'NotThisHome' },
    },
  ]);
  expect(await kept()).toMatchObject([
    { state: 'stuck', unmarked: true },
    { state: 'going', unmarked: false },
  ]);
  expect((await purge({ confirm: 'Introduction' })).body).toEqual({ asked: 1 });
  expect(await specs()).toEqual([undefined, undefined]);
  await api.database.pool.query('update homes set status = jsonb_set(status, $2, $3) where id = $1', [
    ada.id,
    ['observedGeneration'],
    '3',
  ]);
  expect((await purge({ confirm: 'Introduction', unmarked: true })).body).toEqual({ asked: 1 });
  expect((await specs()).filter(each => each)).toEqual([true]);
});

test('everybody’s files go once the class is put away and rests, and its name is typed; its students stay', async () => {
  await leave('eve-moss');
  await closed();
  const all = { confirm: 'Introduction', everybody: true };
  const archive = (archived: boolean) => api.send('PATCH', '/v1/courses/intro', grace, { body: { archived } });
  expect((await purge(all)).status).toBe(409);
  await api.database.pool.query(
    `update workspaces set status = status || '{"step": "stopping"}' where slug like '%ada%'`,
  );
  await archive(true);
  await api.database.pool.query('update homes set marked = true');
  await api.database.pool.query(
    'insert into reports (workspace_id, ready, home_bytes, changed_at) select id, false, 5, now() from workspaces',
  );
  expect((await purge(all)).body.detail).toContain('still being stopped');
  await api.database.pool.query(`update workspaces set status = status || '{"step": "stopped"}'`);
  expect((await purge({ ...all, confirm: 'Intro' })).status).toBe(422);
  const before = await homes();
  expect(before.every(home => home.deleted_at === null)).toBe(true);
  expect((await purge(all)).body).toEqual({ asked: 3 });
  const after = await homes();
  expect(after.filter(home => home.deleted_at !== null).map(home => home.id)).toEqual(before.map(home => home.id));
  expect(after.filter(home => home.deleted_at !== null).every(home => home.generation === 2)).toBe(true);
  expect((await kept()).map(({ state }: { state: string }) => state)).toEqual(['going', 'going', 'going']);
  // Asked again: in the fresh ones nobody has written a line.
  expect((await purge(all)).body).toEqual({ asked: 0 });
  await archive(false);
  const { body } = await api.send('GET', '/v1/workspaces?course=intro', grace);
  expect(body.items.map(({ slug }: { slug: string }) => slug)).toEqual([
    'fall-intro-ada-lovelace',
    'fall-intro-bob-kahn',
  ]);
  const live = after.filter(home => home.deleted_at === null).map(home => home.id);
  for (const { home, reported } of body.items) {
    expect(before.map(({ id }) => id)).not.toContain(home.id);
    expect(home.marked).toBe(false);
    expect(reported).toMatchObject({ homeBytes: null, changedAt: null });
  }
  expect(live).toHaveLength(2);
});

test('who comes back while the old files go has a new home', async () => {
  await leave('ada-lovelace');
  await closed();
  await purge({ confirm: 'Introduction' });
  const before = await homes();
  const old = before.find(home => home.deleted_at !== null);
  expect((await api.send('PUT', '/v1/cohorts/fall/students/ada-lovelace', 'operator')).status).toBeLessThan(300);
  const after = (await homes()).filter(home => home.person_id === old.person_id);
  expect(after).toHaveLength(2);
  const fresh = after.find(home => home.id !== old.id);
  expect(fresh).toMatchObject({ deleted_at: null, kept_until: null, marked: false });
  expect(fresh.uid).not.toBe(old.uid);
  const { rows } = await api.database.pool.query('select home_id from workspaces where deleted_at is null');
  expect(rows.map(row => row.home_id)).not.toContain(old.id);
});

test('nobody but this class’s instructors and the operator sees or deletes them', async () => {
  await leave('ada-lovelace');
  await closed();
  const stranger = await api.person('Mallory', 'instructor', { stranger: true });
  const eve = await api.person('Eve Moss');
  expect((await purge({ confirm: 'Introduction' }, stranger)).status).toBe(404);
  expect((await purge({ confirm: 'Introduction' }, eve)).status).toBe(403);
  expect((await api.send('GET', '/v1/courses/intro/homes', stranger)).status).toBe(404);
  expect((await purge({ confirm: 'Introduction' }, 'operator')).body).toEqual({ asked: 1 });
});

test('the operator deletes those of a class that is gone, by its id', async () => {
  const { body } = await api.send('GET', '/v1/courses/intro', grace);
  await api.send('DELETE', '/v1/courses/intro', grace);
  await closed();
  const url = `/v1/courses/${body.id}/homes`;
  expect((await api.send('GET', url, grace)).status).toBe(404);
  expect((await api.send('GET', url, 'operator')).body.items).toHaveLength(3);
  const asked = await api.send('POST', `${url}:purge`, 'operator', { body: { confirm: 'Introduction' } });
  expect(asked.body).toEqual({ asked: 3 });
});
