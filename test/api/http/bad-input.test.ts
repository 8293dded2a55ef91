import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, type Got, makeClass, startApi } from './harness.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await makeClass(api, ['Ada Lovelace']);
});
afterAll(() => api.close());

/** Sends a raw body as JSON. */
async function raw(method: string, url: string, payload: string | Buffer, type = 'application/json') {
  const response = await api.app.inject({
    method: method as 'PUT',
    url,
    headers: { host: 'localhost:8080', authorization: `Bearer ${api.settings.operatorToken}`, 'content-type': type },
    payload,
  });
  return {
    status: response.statusCode,
    type: response.headers['content-type'],
    body: response.json(),
    headers: response.headers,
  };
}

test('every refusal is problem+json with a sentence and the request’s id, and shows no internals', async () => {
  const refusals = [
    [404, 'GET', '/v1/nowhere'],
    [404, 'GET', '/v1/courses/nobody'],
    [404, 'GET', '/nowhere'],
    [404, 'GET', '/assets/nothing.js'],
    [405, 'POST', '/v1/courses/intro'],
    [405, 'GET', '/v1/workspaces:start'],
    [405, 'DELETE', '/v1/watch'],
    [400, 'GET', '/v1/courses/%zz'],
    [400, 'GET', '/v1/courses/a%00b'],
    [404, 'GET', `/v1/courses/${'x'.repeat(299)}`],
    [400, 'GET', '/v1/courses?limit=501'],
    [400, 'GET', '/v1/courses?limit=abc'],
    [400, 'GET', '/v1/courses?limit=0'],
    [400, 'GET', '/v1/courses?limit=true'],
    [400, 'GET', '/v1/courses?limit=1e1'],
    [400, 'GET', '/v1/courses?nonsense=1'],
    [400, 'GET', '/v1/courses?cursor=nonsense'],
    [400, 'GET', `/v1/workspaces?q=${'x'.repeat(201)}`],
    [400, 'GET', '/v1/workspaces?course=a&course=b'],
    [406, 'GET', '/v1/watch'],
    [404, 'PUT', '/v1/courses/intro/cohorts/nobody'],
  ] as const;
  for (const [status, method, url] of refusals) {
    const headers: Record<string, string> = status === 406 ? { accept: 'application/json' } : {};
    const got = await api.send(method, url, 'operator', { headers });
    expect(got.status, `${method} ${url}`).toBe(status);
    expect(got.headers['content-type'], url).toBe('application/problem+json');
    expect(got.body, url).toMatchObject({
      status,
      title: expect.any(String),
      detail: expect.any(String),
      instance: expect.any(String),
    });
    expect(got.text, url).not.toMatch(/FST_|node_modules|at .*\.ts|select |SQL/);
  }
  expect((await api.send('POST', '/v1/courses/intro', 'operator')).headers['allow']).toBe(
    'DELETE, GET, HEAD, PATCH, PUT',
  );
});

test('a body that is wrong names every field at once', async () => {
  const { status, body } = await raw(
    'PUT',
    '/v1/courses/x',
    JSON.stringify({ cpu: '512', memory: 1, idleMinutes: 'x', colour: 'red' }),
  );
  expect(status).toBe(400);
  const pointers = body.errors.map((each: { pointer: string }) => each.pointer).sort();
  expect(pointers).toEqual(['#/colour', '#/cpu', '#/idleMinutes', '#/memory', '#/name']);
  expect(body.errors.find((each: { pointer: string }) => each.pointer === '#/colour').detail).toBe(
    'is not a known field',
  );
  expect(body.errors.find((each: { pointer: string }) => each.pointer === '#/name').detail).toBe('is missing');
});

test('nothing of what was sent is dropped or turned into something else', async () => {
  const wrong: readonly [string, string, unknown, string][] = [
    ['PATCH', '/v1/workspaces/fall-intro-ada-lovelace', { spec: { running: 'true' } }, '#/spec/running'],
    ['PATCH', '/v1/workspaces/fall-intro-ada-lovelace', { spec: { running: true, owner: 'eve' } }, '#/spec/owner'],
    ['PATCH', '/v1/workspaces/fall-intro-ada-lovelace', { spec: { restarts: -1 } }, '#/spec/restarts'],
    ['PATCH', '/v1/workspaces/fall-intro-ada-lovelace', { spec: { restarts: 2 ** 31 } }, '#/spec/restarts'],
    ['PATCH', '/v1/workspaces/fall-intro-ada-lovelace', { running: true }, '#/running'],
    ['PATCH', '/v1/students/ada-lovelace', { spec: { email: 'no address' } }, '#/spec/email'],
    ['PATCH', '/v1/students/ada-lovelace', { spec: { resends: 7 } }, '#/spec/resends'],
    ['PATCH', '/v1/students/ada-lovelace', { spec: { role: 'instructor' } }, '#/spec/role'],
    ['PUT', '/v1/cohorts/x', { name: '' }, '#/name'],
    ['PUT', '/v1/cohorts/x', { name: 'x'.repeat(201) }, '#/name'],
    ['PUT', '/v1/cohorts/x', { name: 'a\u0000b' }, '#/name'],
    ['PUT', '/v1/cohorts/x', { name: 'a\ud800b' }, '#/name'],
    ['PUT', '/v1/courses/x', { name: 'x', repository: 'file:///etc/passwd' }, '#/repository'],
    ['POST', '/v1/workspaces:start', { ids: 'all' }, '#/ids'],
    ['POST', '/v1/cohorts/fall/roster', { text: 1 }, '#/text'],
    ['POST', '/v1/cohorts/fall/roster', { text: '', extra: 1 }, '#/extra'],
  ];
  for (const [method, url, sent, pointer] of wrong) {
    const { status, body } = await raw(method, url, JSON.stringify(sent));
    expect(status, pointer).toBe(400);
    expect(
      body.errors.map((each: { pointer: string }) => each.pointer),
      JSON.stringify(sent),
    ).toContain(pointer);
  }
  const [workspace] = (await api.send('GET', '/v1/workspaces', 'operator')).body.items;
  expect(workspace.spec).toEqual({ running: false, restarts: 0 });
});

test('slugs that can’t be hosts, or are ours, are refused', async () => {
  for (const slug of ['Upper', 'a_b', '-a', 'a-', 'a'.repeat(19), 'ü', 'admin', 'www', 'a%2Fb']) {
    const { status } = await raw('PUT', `/v1/cohorts/${slug}`, '{"name": "x"}');
    expect(status, slug).toBe(400);
  }
});

test('bytes that are no JSON, no UTF-8 or not JSON by type are the client’s fault', async () => {
  const bodies: readonly [number, string | Buffer, string?][] = [
    [400, '{'],
    [400, ''],
    [400, 'null'],
    [400, '[]'],
    [400, '"x"'],
    [400, '{"__proto__": {"name": "x"}}'],
    [400, Buffer.from([0xff, 0xfe, 0x7b])],
    [400, Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
    [400, '['.repeat(50_000)],
    [413, JSON.stringify({ name: 'x'.repeat(70_000) })],
    [415, 'name: x', 'text/yaml'],
    [415, '<x/>', 'application/xml'],
    [415, 'x', 'nonsense'],
    [415, 'a,b', 'text/csv'],
  ];
  for (const [expected, payload, type] of bodies) {
    const { status, type: answered } = await raw('PUT', '/v1/cohorts/x', payload, type);
    expect(status, String(payload).slice(0, 40)).toBe(expected);
    expect(answered).toBe('application/problem+json');
  }
});

test('a page that is not there is a page, for people', async () => {
  const { status, headers, text } = await api.send('GET', '/nowhere', undefined, { headers: { accept: 'text/html' } });
  expect(status).toBe(404);
  expect(headers['content-type']).toContain('text/html');
  expect(text).toContain('<h1>Not found</h1>');
});

test('names in any script and with any markup come back as they were written', async () => {
  for (const name of [
    '<img src=x onerror=alert(1)>',
    'שלום עולם',
    '𝕬𝖉𝖆 👩‍🏫',
    `O'Brien "&" \\ %s {{7*7}}`,
    'null',
    '  ',
  ]) {
    const { body } = await raw('PUT', '/v1/cohorts/names', JSON.stringify({ name }));
    expect(body.spec.name).toBe(name);
  }
});

test('lists are paged in a stable order until the end', async () => {
  const slugs = Array.from({ length: 7 }, (_, number) => `page-${number}`);
  for (const slug of slugs) await raw('PUT', `/v1/cohorts/${slug}`, '{"name": "x"}');
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body }: Got = await api.send('GET', `/v1/cohorts?limit=3${cursor && `&cursor=${cursor}`}`, 'operator');
    expect(body.items.length).toBeLessThanOrEqual(3);
    expect(body.version).toBeGreaterThan(0);
    seen.push(...body.items.map((each: { slug: string }) => each.slug));
    cursor = body.cursor;
  }
  expect(seen).toEqual([...new Set(seen)].sort());
  expect(seen).toEqual(expect.arrayContaining(slugs));
  expect((await api.send('GET', '/v1/workspaces?q=nothing-like-it', 'operator')).body).toMatchObject({
    items: [],
    cursor: null,
  });
  expect((await api.send('GET', '/v1/workspaces?q=LOVELACE', 'operator')).body.items).toHaveLength(1);
  expect((await api.send('GET', '/v1/workspaces?q=%25', 'operator')).body.items).toHaveLength(0);
  expect((await api.send('GET', '/v1/workspaces?label=stopped', 'operator')).body.items).toHaveLength(1);
  expect((await api.send('GET', '/v1/workspaces?label=running', 'operator')).body.items).toHaveLength(0);
});
