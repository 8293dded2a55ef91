import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { main } from '../../ui/cli/main.ts';
import { type Api, makeClass, operatorToken, type Person, startApi } from '../api/http/harness.ts';

let api: Api;
let url: string;
beforeAll(async () => {
  api = await startApi();
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
});
afterAll(() => api.close());

/** One command line of `armada`, as the operator unless told otherwise. */
async function armada(line: string, env: Record<string, string> = {}) {
  let said = '';
  const sink = { write: (text: string) => (said += text) };
  const code = await main(line.split(' '), {
    stdout: sink,
    stderr: sink,
    env: { ARMADA_URL: url, ARMADA_TOKEN: operatorToken, ...env },
    fetch: globalThis.fetch,
    now: () => new Date(),
    signal: new AbortController().signal,
  });
  return { code, said };
}

describe('V17: a rule holds at every door', () => {
  const slug = 'fall-intro-ada-lovelace';
  let ada: Person;
  let bob: Person;
  let id: string;
  beforeEach(async () => {
    await api.database.pool.query('truncate people, courses, cohorts, homes, workspaces, tokens cascade');
    [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
    await api.database.pool.query(
      `update workspaces set spec = spec || '{"running": true}',
       status = status || jsonb_build_object('step', 'ready', 'readyAt', now()::text)`,
    );
    id = (await api.send('GET', `/v1/workspaces/${slug}`, 'operator')).body.id;
    await api.database.pool.query('delete from route_slots');
    await api.database.pool.query('insert into route_slots values (0, 7, $1)', [id]);
  });

  /** What each door lets through: true where somebody gets in, or gets it to run. */
  async function doors(who: Person) {
    const gate = { bearer: api.keys.heartbeatToken(id) };
    const { rows } = await api.database.pool.query('select sid from sessions where person_id = $1', [who.person.id]);
    const visitors =
      rows.length > 0
        ? rows.map(({ sid }) => ({ sub: who.person.id, sid }))
        : [{ sub: who.person.id, sid: 'of a session that ended' }];
    const beat = { ready: true, problem: null, active: false, marked: true, visitors };
    const page = { accept: 'text/html' };
    const sends = async (method: string, path: string, body?: unknown) =>
      (await api.send(method, path, who, body === undefined ? {} : { body })).status < 300;
    const bulk = async (ask: string) => {
      const { body, status } = await api.send('POST', `/v1/workspaces:${ask}`, who, { body: { ids: [id] } });
      return status === 200 && body.results[0].ok;
    };
    return {
      wake: (await api.send('GET', `/wake/${slug}`, who, { headers: page })).status === 200,
      open: /^\/wake\/|^http:\/\/fall-intro/.test(
        String((await api.send('GET', `/open/${slug}`, who, { headers: page })).headers['location']),
      ),
      ticket: (await api.send('GET', `/open/${slug}?state=${'A'.repeat(43)}`, who, { headers: page })).text.includes(
        'name="ticket"',
      ),
      look: await sends('GET', `/v1/workspaces/${slug}`),
      'look by id': await sends('GET', `/v1/workspaces/${id}`),
      list: (await api.send('GET', '/v1/workspaces', who)).text.includes(id),
      events: await sends('GET', `/v1/events?about=${id}`),
      patch: await sends('PATCH', `/v1/workspaces/${slug}`, { spec: { running: true } }),
      keep: await sends('POST', `/v1/workspaces/${slug}/keep`),
      start: await bulk('start'),
      restart: await bulk('restart'),
      'open socket': !(await api.send('POST', '/v1/heartbeats', gate, { body: beat })).body.revoked.includes(
        visitors[0]!.sid,
      ),
    };
  }

  test('the owner gets in by each of them', async () => {
    expect(Object.entries(await doors(ada)).filter(([, lets]) => !lets)).toEqual([]);
  });

  test.each<[who: string, change: () => Promise<unknown>, isKnown?: boolean]>([
    [
      'one who was removed from the class',
      () => api.send('DELETE', '/v1/cohorts/fall/students/ada-lovelace', 'operator'),
    ],
    [
      'one whose course no longer takes the cohort',
      () => api.send('DELETE', '/v1/courses/intro/cohorts/fall', 'operator'),
    ],
    [
      'one who is disabled',
      () => api.send('PATCH', '/v1/students/ada-lovelace', 'operator', { body: { spec: { disabled: true } } }),
      false,
    ],
    ['one who is deleted', () => api.send('DELETE', '/v1/students/ada-lovelace', 'operator'), false],
    ['one whose workspace was deleted by hand', () => api.send('DELETE', `/v1/workspaces/${slug}`, 'operator')],
  ])('%s gets in by none', async (_, change, isKnown = true) => {
    await change();
    // What is on its way out may be looked at by its owner, as long as it is there.
    const looking = !isKnown ? [] : ['look', 'look by id', 'list', 'events', 'wake', 'open'];
    const open = Object.entries(await doors(ada)).filter(([door, lets]) => lets && !looking.includes(door));
    expect(open).toEqual([]);
  });

  test('a neighbour gets in by none', async () => {
    expect(Object.entries(await doors(bob)).filter(([, lets]) => lets)).toEqual([]);
  });

  test('what is archived is started by nobody, by none', async () => {
    await api.send('PATCH', '/v1/courses/intro', 'operator', { body: { archived: true } });
    const running = async () => (await api.send('GET', `/v1/workspaces/${slug}`, 'operator')).body.spec.running;
    expect(await running()).toBe(false);
    const { patch, keep, start, restart } = await doors(ada);
    expect({ patch, keep, start, restart }).toEqual({ patch: false, keep: false, start: false, restart: false });
    for (const line of ['start --course intro', `start ${slug}`, `restart ${slug}`]) await armada(line);
    for (const body of [{ ids: [id] }, { course: 'intro' }, { course: 'intro', cohort: 'fall' }])
      for (const ask of ['start', 'restart']) await api.send('POST', `/v1/workspaces:${ask}`, 'operator', { body });
    expect(await running()).toBe(false);
  });
});
