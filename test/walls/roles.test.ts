import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rights } from '../../api/http/auth.ts';
import { type Api, makeClass, type Person, type Sender, startApi } from '../api/http/harness.ts';
import { watchAs } from '../api/http/stream.ts';
import { eventually } from '../support/eventually.ts';

/** V5, T26: every route of the table, asked by each kind of principal about one class that is really there. */

let api: Api;
let senders: Record<Who, Sender>;
let ids: Record<string, string>;
const who = [
  'nobody',
  'owner',
  'other student',
  'assistant',
  'instructor',
  'instructor of another course',
  'operator',
  'scoped token',
  'gate',
] as const;
type Who = (typeof who)[number];
const routes = Object.keys(rights);

beforeAll(async () => {
  api = await startApi();
  const [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
  const grace = await api.person('Grace Hopper', 'instructor');
  const alan = await api.person('Alan Turing', 'instructor', { stranger: true });
  const tara = await api.person('Tara Staff');
  await api.send('PUT', '/v1/courses/intro/staff/tara.staff@school.edu', grace);
  await api.send('PUT', '/v1/courses/other', alan, { body: { name: 'Other' } });
  const token = await api.send('POST', '/v1/tokens', grace, {
    body: { name: 't', scopes: ['workspaces:write@intro'] },
  });
  const { body } = await api.send('GET', '/v1/workspaces/fall-intro-ada-lovelace', 'operator');
  ids = { workspace: body.id, student: ada.person.id, person: tara.person.id, token: token.body.id };
  senders = {
    nobody: undefined,
    owner: ada,
    'other student': bob,
    assistant: tara,
    instructor: grace,
    'instructor of another course': alan,
    operator: 'operator',
    'scoped token': { bearer: token.body.value },
    gate: { bearer: api.keys.heartbeatToken('another-workspace') },
  };
});
afterAll(() => api.close());

/** A route about Ada, her workspace, her class. */
function addressOf(route: string): [string, string] {
  const [method = '', path = ''] = route.split(' ');
  const names: Record<string, string> = {
    workspace: 'fall-intro-ada-lovelace',
    course: 'intro',
    cohort: 'fall',
    student: 'ada-lovelace',
    ...(ids['person'] && { person: ids['person'] }),
    ...(ids['token'] && { token: ids['token'] }),
  };
  return [method, path.replaceAll(/(?<!:):(\w+)/g, (whole, name) => names[name] ?? whole.slice(1)).replace('::', ':')];
}

/** What would change something, if it were let in. */
function bodyOf(route: string): unknown {
  if (route.endsWith('/roster')) return { text: 'Mallory, mallory@school.edu' };
  if (/^POST .*::(start|stop|restart)$/.test(route)) return { ids: [ids['workspace'], 'fall-intro-ada-lovelace'] };
  if (route === 'PATCH /v1/workspaces/:workspace') return { spec: { running: true } };
  if (route === 'PATCH /v1/students/:student') return { spec: { name: 'Changed', disabled: true } };
  if (route === 'PATCH /v1/courses/:course') return { name: 'Changed' };
  if (route.endsWith('/homes::purge')) return { confirm: 'Introduction' };
  if (/^PUT .v1.(courses|cohorts).:\w+$/.test(route)) return { name: 'Changed' };
  if (/staff.:person$/.test(route)) return { role: 'instructor' };
  if (route === 'POST /v1/heartbeats') return { ready: true, problem: null, active: true, marked: true, visitors: [] };
  return {};
}

async function ask(route: string, sender: Sender) {
  if (route === 'GET /v1/watch') {
    // A stream has no end to wait for: what comes over it is asked about by itself.
    const stream = await watchAs(api, sender);
    stream.close();
    return { status: stream.status, text: stream.text() };
  }
  const [method, url] = addressOf(route);
  const sent = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: bodyOf(route) } : {};
  return api.send(method, url, sender, sent);
}

/** All that a class is, without what counts tries. */
async function dump(): Promise<string> {
  const tables =
    'people cohorts courses members enrolments staff workspaces homes join_links events reports tombstones';
  const found = await Promise.all(
    tables.split(' ').map(name => api.database.pool.query(`select * from ${name} as t order by t::text`)),
  );
  return JSON.stringify(found.map(({ rows }) => rows));
}

/** Whose word counts nothing in Ada's class; a student may make or sign out of nothing there. */
const outsiders = ['nobody', 'other student', 'instructor of another course', 'gate'] as const;
const own = /sign-in|sign-out|join$|tokens|heartbeats/;

describe('T26: whoever has no part in a class', () => {
  for (const outsider of outsiders) {
    test(`${outsider}: changes nothing of it by any route, and reads nothing of its people`, async () => {
      const before = await dump();
      for (const route of routes.filter(each => !own.test(each))) {
        const { status, text } = await ask(route, senders[outsider]);
        expect(status, route).toBeLessThan(500);
        if (outsider !== 'other student') expect(text, route).not.toMatch(/ada\.lovelace@|"Ada Lovelace"|Introduction/);
        else expect(text, route).not.toMatch(/ada\.lovelace@|"Ada Lovelace"/);
      }
      expect(await dump()).toBe(before);
    });
  }
});

test('the watch tells each of what is theirs, and nobody else of it', async () => {
  const expectedStatus: Readonly<Record<Who, number>> = {
    ...{ nobody: 401, owner: 200, 'other student': 200, assistant: 200, instructor: 200, operator: 200 },
    // Its scope names workspaces, not the watch.
    ...{ 'instructor of another course': 200, 'scoped token': 403, gate: 403 },
  };
  const streams = new Map(await Promise.all(who.map(async each => [each, await watchAs(api, senders[each])] as const)));
  try {
    expect(Object.fromEntries([...streams].map(([each, { status }]) => [each, status]))).toEqual(expectedStatus);
    const change = (path: string, body: object) => api.send('PATCH', path, 'operator', { body });
    await change('/v1/workspaces/fall-intro-ada-lovelace', { spec: { running: false, restarts: 7 } });
    // Each stream is told in order: what comes after says that what comes before was told, or never will be.
    await change('/v1/workspaces/fall-intro-bob-ross', { spec: { running: false, restarts: 7 } });
    await change('/v1/courses/other', { name: 'Other, renamed' });
    const hears = (each: Who, word: string) => streams.get(each)?.text().includes(word) ?? false;
    for (const each of ['assistant', 'instructor', 'operator', 'other student'] as const)
      await eventually(() => hears(each, 'fall-intro-bob-ross'));
    for (const each of ['instructor of another course', 'operator'] as const)
      await eventually(() => hears(each, 'Other, renamed'));
    await eventually(() => hears('owner', 'fall-intro-ada-lovelace'));
    const toldOfAda = who.filter(each => hears(each, 'fall-intro-ada-lovelace'));
    expect(toldOfAda).toEqual(['owner', 'assistant', 'instructor', 'operator']);
    const toldOfOther = who.filter(each => hears(each, 'Other, renamed'));
    expect(toldOfOther).toEqual(['instructor of another course', 'operator']);
  } finally {
    for (const stream of streams.values()) stream.close();
  }
});

/** Let in to what is there, hidden as if it were not, or refused. */
type Answer = 'in' | 'hidden' | 'refused';
/** By the table's row: students and those who teach, on what is somebody's. Written apart from the checks. */
const expected: Readonly<Record<Who, (route: string) => Answer>> = {
  nobody: () => 'refused',
  owner: route => (mine.test(route) ? 'in' : 'refused'),
  'other student': route => (mine.test(route) ? 'hidden' : 'refused'),
  assistant: route => (mine.test(route) || looks.test(route) ? 'in' : 'refused'),
  instructor: () => 'in',
  'instructor of another course': () => 'hidden',
  operator: route => (route.includes(' /v1/') ? 'in' : 'refused'),
  'scoped token': route => (/ .v1.workspaces/.test(route) && !route.startsWith('DELETE') ? 'in' : 'refused'),
  gate: () => 'refused',
};
const mine = /^(GET|PATCH|POST) .v1.workspaces.:workspace|^GET .(wake|open).:workspace|^GET .v1.students.:student$/;
const looks = /^GET .(classes.:course(?!.settings)|v1.(cohorts|courses|students).:\w+)/;

describe('a route about one object', () => {
  // Those that delete are asked by outsiders above; here they would end what the others ask about.
  const about = routes.filter(
    route => /\/:(?!file|name|token|student\/(in|jo))\w/.test(route) && !/^DELETE|^PUT/.test(route),
  );

  test('is in the list', () => expect(about.length).toBeGreaterThan(15));

  for (const each of who) {
    test(`answers ${each} as it should, on all of them`, async () => {
      const wrong: string[] = [];
      for (const route of about) {
        const { status } = await ask(route, senders[each]);
        const answer: Answer = status === 404 ? 'hidden' : status === 401 || status === 403 ? 'refused' : 'in';
        if (answer !== expected[each](route)) wrong.push(`${route}: ${status}, not ${expected[each](route)}`);
      }
      expect(wrong).toEqual([]);
    });
  }
});

describe('an instructor', () => {
  const [course, cohort] = ['mine', 'mine'];
  let ina: Person;
  beforeAll(async () => {
    ina = await api.person('Ina Structor', 'instructor', { stranger: true });
  });

  test('owns the course and the cohort that they make, before and after the one takes the other', async () => {
    expect((await api.send('PUT', `/v1/cohorts/${cohort}`, ina, { body: { name: 'Mine' } })).status).toBe(201);
    expect((await api.send('GET', `/v1/cohorts/${cohort}`, ina)).status).toBe(200);
    expect((await api.send('PUT', `/v1/courses/${course}`, ina, { body: { name: 'Mine' } })).status).toBe(201);
    expect((await api.send('GET', `/v1/courses/${course}/staff`, ina)).body.items).toMatchObject([
      { spec: { name: 'Ina Structor' } },
    ]);
    expect((await api.send('PUT', `/v1/courses/${course}/cohorts/${cohort}`, ina)).status).toBe(201);
    expect((await api.send('GET', '/v1/courses', ina)).body.items.map((each: { slug: string }) => each.slug)).toEqual([
      course,
    ]);
    expect((await api.send('GET', `/v1/cohorts/${cohort}`, senders.instructor)).status).toBe(404);
  });

  test('gets no course of somebody else’s by its name, nor a look at it', async () => {
    const taken = await api.send('PUT', '/v1/courses/intro', ina, { body: { name: 'Taken over' } });
    expect([taken.status, taken.text.includes('Introduction')]).toEqual([409, false]);
    const fresh = { body: { name: 'x' }, headers: { 'if-none-match': '*' } };
    const clash = await api.send('PUT', '/v1/courses/intro', ina, fresh);
    expect([clash.status, clash.body.current]).toEqual([412, undefined]);
    expect((await api.send('PUT', '/v1/cohorts/fall', ina, { body: { name: 'x' } })).status).toBe(409);
  });

  test('adds an assistant by address, who sees that class alone and changes nothing', async () => {
    const put = await api.send('PUT', `/v1/courses/${course}/staff/Helper@School.edu`, ina, {
      body: { name: 'Hel Per' },
    });
    expect(put.status).toBe(204);
    const { rows } = await api.database.pool.query(
      "select id, role, spec from people where email = 'helper@school.edu'",
    );
    expect(rows).toMatchObject([{ role: 'student', spec: { invited: true, name: 'Hel Per' } }]);
    const helper = await api.person('Helper');
    expect((await api.send('GET', '/v1/courses', helper)).body.items).toHaveLength(1);
    expect((await api.send('GET', '/classes/mine', helper)).status).toBe(200);
    expect((await api.send('PATCH', `/v1/courses/${course}`, helper, { body: { name: 'x' } })).status).toBe(403);
    expect((await api.send('GET', '/v1/courses/intro', helper)).status).toBe(404);
    await api.send('DELETE', `/v1/courses/${course}/staff/${rows[0].id}`, ina);
    expect((await api.send('GET', '/v1/courses', helper)).status).toBe(403);
  });

  test('brings in another instructor, and the last one stays', async () => {
    await api.send('PUT', `/v1/courses/${course}/staff/second@school.edu`, ina, { body: { role: 'instructor' } });
    const second = await api.person('Second');
    expect(second.person.role).toBe('instructor');
    expect((await api.send('DELETE', `/v1/courses/${course}/staff/${ina.person.id}`, second)).status).toBe(204);
    expect((await api.send('GET', `/v1/courses/${course}`, ina)).status).toBe(404);
    expect((await api.send('DELETE', `/v1/courses/${course}/staff/${second.person.id}`, second)).status).toBe(409);
    expect((await api.send('PUT', `/v1/courses/${course}/staff/nobody-here`, second)).status).toBe(404);
  });

  test('by adding somebody’s address gets no hand on an account that others count on', async () => {
    const alan = senders['instructor of another course'];
    await api.send('PUT', '/v1/cohorts/trap', alan, { body: { name: 'Trap' } });
    const roster =
      'Ada, ada.lovelace@school.edu\nGrace, grace.hopper@school.edu\nTara, tara.staff@school.edu\nBob, bob.ross@school.edu';
    await api.send('POST', '/v1/cohorts/trap/roster', alan, { body: { text: roster } });
    await api.send('PUT', '/v1/courses/other/cohorts/trap', alan);
    for (const slug of ['ada-lovelace', 'grace-hopper', 'tara-staff']) {
      expect((await api.send('POST', `/v1/students/${slug}/join-link`, alan)).status, slug).toBe(409);
      const patch = { body: { spec: { email: 'alan@evil.example' } } };
      expect((await api.send('PATCH', `/v1/students/${slug}`, alan, patch)).status, slug).toBe(409);
      expect((await api.send('DELETE', `/v1/students/${slug}`, alan)).status, slug).toBe(409);
    }
    // A mail goes to nobody but its owner: either class may ask for it, or nobody could for a student of both.
    expect((await api.send('POST', '/v1/students/bob-ross/invitation', alan)).status).toBe(202);
    expect((await api.send('POST', '/v1/students/bob-ross/invitation', senders.instructor)).status).toBe(202);
    const many = await api.send('POST', '/v1/courses/other/join-links', alan);
    expect(many.body.items).toEqual([]);
    // What is theirs to do: take the person out again.
    expect((await api.send('DELETE', '/v1/cohorts/trap/students/ada-lovelace', alan)).status).toBe(202);
    const back = { body: { spec: { disabled: false } } };
    expect((await api.send('PATCH', '/v1/students/ada-lovelace', senders.instructor, back)).status).toBe(200);
  });

  test('loses by their token what they lose themselves', async () => {
    const made = await api.send('POST', '/v1/tokens', senders.instructor, {
      body: { name: 'both', scopes: ['workspaces:read', 'courses:read@intro', 'workspaces:read@other'] },
    });
    const token = { bearer: made.body.value };
    expect((await api.send('GET', '/v1/courses/intro', token)).status).toBe(200);
    const grace = (senders.instructor as Person).person.id;
    await api.send('PUT', '/v1/courses/intro/staff/ina.structor@school.edu', 'operator');
    await api.send('DELETE', `/v1/courses/intro/staff/${grace}`, 'operator');
    expect((await api.send('GET', '/v1/courses/intro', token)).status).toBe(403);
    expect((await api.send('GET', '/v1/workspaces?course=intro', token)).body.items).toEqual([]);
  });
});
