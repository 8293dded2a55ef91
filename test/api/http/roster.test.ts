import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from './harness.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await api.send('PUT', '/v1/courses/intro', 'operator', { body: { name: 'Introduction' } });
  await api.send('PUT', '/v1/cohorts/fall', 'operator', { body: { name: 'Fall' } });
  await api.send('PUT', '/v1/courses/intro/cohorts/fall', 'operator');
});
afterAll(() => api.close());

const paste = (text: string, query = '') =>
  api.send('POST', `/v1/cohorts/fall/roster${query}`, 'operator', { body: { text } });
async function upload(payload: string | Buffer, type = 'text/csv') {
  const headers = {
    host: 'localhost:8080',
    authorization: `Bearer ${api.settings.operatorToken}`,
    'content-type': type,
  };
  const {
    statusCode,
    json,
    headers: answered,
  } = await api.app.inject({ method: 'POST', url: '/v1/cohorts/fall/roster', headers, payload });
  return { status: statusCode, body: json(), type: answered['content-type'] };
}
const people = async () => (await api.database.pool.query('select slug, email, spec from people order by slug')).rows;
const clock = async () => (await api.database.pool.query('select version from clock')).rows[0].version;

const list =
  'Name,Email\nAda Lovelace,ada@x.edu\nGrace Hopper,GRACE@x.edu\n\nbroken,not-an-address\n"Ross, Bob";bob@x.edu';

test('a dry run says what would come of it, and changes nothing', async () => {
  const before = await clock();
  const { status, body } = await paste(list, '?dryRun=true');
  expect(status).toBe(200);
  expect(body.added).toEqual([
    { line: 2, name: 'Ada Lovelace', email: 'ada@x.edu' },
    { line: 3, name: 'Grace Hopper', email: 'grace@x.edu' },
    { line: 6, name: 'Bob Ross', email: 'bob@x.edu' },
  ]);
  expect(body.problems).toMatchObject([{ line: 5, text: 'broken,not-an-address' }]);
  expect(await people()).toEqual([]);
  expect(await clock()).toBe(before);
});

test('a roster makes people and the workspaces that the enrolment implies', async () => {
  await paste(list);
  expect((await people()).map(person => person.slug)).toEqual(['ada-lovelace', 'bob-ross', 'grace-hopper']);
  const { body } = await api.send('GET', '/v1/workspaces', 'operator');
  expect(body.items.map((each: { slug: string }) => each.slug)).toEqual([
    'fall-intro-ada-lovelace',
    'fall-intro-bob-ross',
    'fall-intro-grace-hopper',
  ]);
});

test('T22: the same list again changes nothing', async () => {
  const before = await clock();
  const { body } = await paste(list);
  expect(body.added).toEqual([]);
  expect(body.unchanged).toHaveLength(3);
  // A write that waits its turn takes the clock's lock, not a version.
  expect(await clock()).toBe(before);
});

test('a later list names who is missing from it, and removes nobody', async () => {
  const { body } = await paste('Ada Lovelace <ada@x.edu>\nNew One <new@x.edu>');
  expect(body.missing.map((each: { slug: string }) => each.slug)).toEqual(['bob-ross', 'grace-hopper']);
  expect((await api.send('GET', '/v1/cohorts/fall', 'operator')).body.size).toBe(4);
});

test('two who paste at once make each person once', async () => {
  const text = Array.from({ length: 40 }, (_, number) => `Twin ${number} <twin${number}@x.edu>`).join('\n');
  const both = await Promise.all([paste(text), paste(text)]);
  expect(both.map(each => each.status)).toEqual([200, 200]);
  expect(both.flatMap(each => each.body.added)).toHaveLength(40);
  expect((await people()).filter(person => person.email.startsWith('twin'))).toHaveLength(40);
});

test('namesakes get slugs of their own', async () => {
  await paste('Wei Chen <wei1@x.edu>\nWei Chen <wei2@x.edu>');
  expect((await people()).filter(person => person.email.startsWith('wei')).map(person => person.slug)).toEqual([
    'wei-chen',
    'wei-chen-2',
  ]);
});

test('invitations can be left for later', async () => {
  await paste('quiet@x.edu', '?invite=false');
  expect((await people()).find(person => person.email === 'quiet@x.edu').spec.invited).toBe(false);
});

test('files come in every encoding, and too large ones are refused, never a failure', async () => {
  const utf16 = Buffer.from('\ufeffName\tEmail\r\nZoë Ångström\tzoe@x.edu\r\n', 'utf16le');
  expect((await upload(utf16)).body.added).toEqual([{ line: 2, name: 'Zoë Ångström', email: 'zoe@x.edu' }]);
  const latin1 = Buffer.from('José Núñez;jose@x.edu', 'latin1');
  expect((await upload(latin1, 'application/octet-stream')).body.added[0].name).toBe('José Núñez');
  expect((await upload(Buffer.alloc(500))).body).toMatchObject({ added: [], problems: [] });
  const large = 'x@x.edu\n'.repeat(1_250_000);
  for (const got of [await upload(large), await upload('x,y@x.edu\n'.repeat(101_000)), await paste(large)]) {
    expect(got.status).toBe(413);
  }
  expect((await paste(Array.from({ length: 2001 }, (_, number) => `p${number}@x.edu`).join('\n'))).status).toBe(413);
  const many = await paste(Array.from({ length: 2000 }, (_, number) => `p${number}@y.edu`).join('\n'), '?dryRun=true');
  expect(many.body.added).toHaveLength(2000);
  expect((await upload('a,b', 'text/html')).type).toBe('application/problem+json');
});
