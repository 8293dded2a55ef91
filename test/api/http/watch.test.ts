import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type Api, makeClass, operatorToken, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
let bob: Person;
let port: number;
beforeAll(async () => {
  api = await startApi();
  [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  port = (api.app.server.address() as AddressInfo).port;
});
afterAll(() => api.close());

interface Event {
  readonly id?: string;
  readonly event?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events
  readonly data: any;
}
interface Stream {
  readonly status: number;
  readonly events: Event[];
  ended: boolean;
  close(): void;
}
const streams: Stream[] = [];
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
});

function watch(as: Person | 'operator', { last, query = '' }: { last?: number; query?: string } = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const proof = as === 'operator' ? { authorization: `Bearer ${operatorToken}` } : { cookie: as.cookie };
    const headers = { host: 'localhost:8080', accept: 'text/event-stream', ...proof };
    const request = http.get({
      host: '127.0.0.1',
      port,
      path: `/v1/watch${query}`,
      headers: last === undefined ? headers : { ...headers, 'last-event-id': String(last) },
    });
    request.on('error', reject);
    request.on('response', response => {
      const stream: Stream = { status: response.statusCode!, events: [], ended: false, close: () => request.destroy() };
      let text = '';
      response.on('data', chunk => {
        text += chunk;
        const blocks = text.split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) {
          const fields = Object.fromEntries(
            block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
          );
          if (fields['data'] !== undefined) stream.events.push({ ...fields, data: JSON.parse(fields['data']) });
        }
      });
      const end = () => {
        stream.ended = true;
      };
      response.on('end', end).on('error', end).on('close', end);
      streams.push(stream);
      resolve(stream);
    });
  });
}

const version = async () => (await api.send('GET', '/v1/workspaces', 'operator')).body.version as number;
const run = (slug: string, running: boolean) =>
  api.send('PATCH', `/v1/workspaces/${slug}`, 'operator', { body: { spec: { running } } });
/** Returns once the API has heard of all that was written before: a test that begins then is told of its own writes alone. */
async function caughtUp(): Promise<void> {
  const stream = await watch('operator');
  const marker = `marker-${(await version()) + 1}`;
  await api.send('PUT', `/v1/cohorts/${marker}`, 'operator', { body: { name: 'Marker' } });
  await eventually(() => kinds(stream).includes(`cohort ${marker}`));
  stream.close();
}
beforeEach(caughtUp);
const kinds = (stream: Stream) => stream.events.map(({ data }) => `${data.kind} ${data.object?.slug}`);

test('a change arrives with the object as it is, and its version as the event’s id', async () => {
  const stream = await watch('operator');
  await run('fall-intro-ada-lovelace', true);
  await eventually(() => stream.events.length > 0);
  const [event] = stream.events as [Event];
  expect(event.event).toBe('change');
  expect(event.data).toMatchObject({
    kind: 'workspace',
    object: { slug: 'fall-intro-ada-lovelace', spec: { running: true }, url: null },
  });
  expect(event.id).toBe(String(event.data.object.version));
});

test('a watch resumes after the version that was seen last, in order, without a gap', async () => {
  const from = await version();
  await run('fall-intro-ada-lovelace', false);
  await run('fall-intro-bob-ross', true);
  await api.send('PATCH', '/v1/courses/intro', 'operator', { body: { cpu: 512 } });
  const stream = await watch('operator', { last: from });
  await eventually(() => stream.events.length >= 3);
  expect(kinds(stream)).toEqual(['course intro', 'workspace fall-intro-ada-lovelace', 'workspace fall-intro-bob-ross']);
  const ids = stream.events.map(({ id }) => Number(id));
  expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  // From the last one on there is nothing to tell, until there is.
  const later = await watch('operator', { last: ids.at(-1)! });
  await run('fall-intro-bob-ross', false);
  await eventually(() => later.events.length > 0);
  expect(kinds(later)).toEqual(['workspace fall-intro-bob-ross']);
});

test('what was removed meanwhile is told as gone; who was away for too long is told to list afresh', async () => {
  const eve = await api.person('Eve Short');
  await api.send('PUT', '/v1/cohorts/fall/students/eve-short', 'operator');
  const { body } = await api.send('GET', '/v1/workspaces/fall-intro-eve-short', 'operator');
  const from = await version();
  const live = await watch('operator');
  await api.send('DELETE', '/v1/cohorts/fall/students/eve-short', 'operator');
  await api.database.pool.query('delete from workspaces where id = $1', [body.id]);
  const gone = (stream: Stream) => stream.events.some(({ data }) => data.id === body.id && data.object === null);
  await eventually(() => gone(live));
  const resumed = await watch('operator', { last: from });
  await eventually(() => gone(resumed));
  const ancient = await watch('operator', { last: -1 });
  await eventually(() => ancient.events[0]!.event === 'gone');
  expect(eve.person.slug).toBe('eve-short');
});

test('a student is told of what is theirs, staff of their course, nobody of more', async () => {
  await api.send('PUT', '/v1/courses/other', 'operator', { body: { name: 'Other' } });
  await api.send('PUT', '/v1/courses/other/cohorts/fall', 'operator');
  const staff = await api.person('Tara Staff');
  await api.send('PUT', '/v1/courses/other/staff/tara-staff', 'operator');
  const [own, course, filtered, narrow, all] = await Promise.all([
    watch(ada),
    watch(staff),
    watch('operator', { query: '?course=intro' }),
    watch(ada, { query: '?course=intro' }),
    watch('operator'),
  ]);
  await run('fall-intro-bob-ross', true);
  await run('fall-other-bob-ross', true);
  await run('fall-intro-ada-lovelace', true);
  await run('fall-other-ada-lovelace', true);
  await eventually(() => all!.events.length >= 4);
  await eventually(() => [own, course, filtered].every(each => each!.events.length >= 2) && narrow!.events.length >= 1);
  expect(kinds(narrow!)).toEqual(['workspace fall-intro-ada-lovelace']);
  expect(kinds(own!).sort()).toEqual(['workspace fall-intro-ada-lovelace', 'workspace fall-other-ada-lovelace']);
  expect(kinds(course!).sort()).toEqual(['workspace fall-other-ada-lovelace', 'workspace fall-other-bob-ross']);
  expect(kinds(filtered!).sort()).toEqual(['workspace fall-intro-ada-lovelace', 'workspace fall-intro-bob-ross']);
});

test('a stream ends when its person signs out, and tells nothing after a right is gone', async () => {
  const grace = await api.person('Grace Hopper', 'instructor');
  const stream = await watch(grace);
  await api.send('POST', '/sign-out', grace);
  await eventually(() => stream.ended);
  const mine = await watch(bob);
  await api.database.pool.query('update people set spec = spec || \'{"disabled": true}\' where id = $1', [
    bob.person.id,
  ]);
  await eventually(() => mine.ended);
  expect(mine.events).toEqual([]);
  expect((await watch(bob)).status).toBe(401);
});

test('a burst of writes to one object is one event or few', async () => {
  const stream = await watch('operator');
  await Promise.all(Array.from({ length: 30 }, (_, number) => run('fall-intro-ada-lovelace', number % 2 === 1)));
  const { body } = await api.send('GET', '/v1/workspaces/fall-intro-ada-lovelace', 'operator');
  await eventually(() => stream.events.some(({ id }) => Number(id) >= body.version));
  expect(stream.events.length).toBeLessThan(30);
});

test('a person has five streams at most, and one that ends makes room', async () => {
  const five = await Promise.all(Array.from({ length: 5 }, () => watch(ada)));
  expect(five.map(each => each.status)).toEqual([200, 200, 200, 200, 200]);
  expect((await watch(ada)).status).toBe(429);
  five[0]!.close();
  await eventually(async () => (await watch(ada)).status === 200);
});

test('who watches is told to list afresh when the listener lost its connection', async () => {
  const stream = await watch('operator');
  await api.database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'armada listen changed' and datname = current_database()",
  );
  await eventually(() => stream.events.some(({ event }) => event === 'gone'));
  await eventually(async () => {
    await run('fall-intro-ada-lovelace', true);
    await run('fall-intro-ada-lovelace', false);
    return stream.events.some(({ event }) => event === 'change');
  });
});
