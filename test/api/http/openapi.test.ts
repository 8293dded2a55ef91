import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, makeClass, startApi } from './harness.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await makeClass(api, ['Ada Lovelace']);
});
afterAll(() => api.close());

test('the description of the API is OpenAPI 3.1 and names every route below /v1 and no page', async () => {
  const { body } = await api.send('GET', '/v1/openapi.json');
  expect(body.openapi).toBe('3.1.0');
  const paths = Object.keys(body.paths);
  expect(paths).toEqual(expect.arrayContaining(['/v1/workspaces:start', '/v1/courses/{course}', '/v1/heartbeats']));
  expect(paths.filter(path => !path.startsWith('/v1/'))).toEqual([]);
  const put = body.paths['/v1/courses/{course}'].put;
  expect(put.requestBody.content['application/json'].schema.properties.cpu.minimum).toBe(128);
});

test('every route describes what it answers', async () => {
  const { body } = await api.send('GET', '/v1/openapi.json');
  for (const [path, operations] of Object.entries(body.paths))
    for (const [method, { responses }] of Object.entries(operations as Record<string, { responses: object }>)) {
      const fine = Object.keys(responses).filter(status => /^[23]/.test(status));
      expect(fine, `${method} ${path} needs a row in api/http/answers.ts`).not.toEqual([]);
      expect(Object.keys(responses), path).toEqual(expect.arrayContaining(['401', '403', 'default']));
    }
});

test('answers are as it describes them', async () => {
  const { body: description } = await api.send('GET', '/v1/openapi.json');
  const calls: readonly [string, string, string, unknown?][] = [
    ['GET', '/v1/workspaces', '/v1/workspaces'],
    ['GET', '/v1/workspaces/{workspace}', '/v1/workspaces/fall-intro-ada-lovelace'],
    ['PATCH', '/v1/workspaces/{workspace}', '/v1/workspaces/fall-intro-ada-lovelace', { spec: { running: true } }],
    ['POST', '/v1/workspaces:restart', '/v1/workspaces:restart', { ids: ['fall-intro-ada-lovelace', 'nobody'] }],
    ['GET', '/v1/events', '/v1/events'],
    ['GET', '/v1/cohorts', '/v1/cohorts'],
    ['GET', '/v1/cohorts/{cohort}', '/v1/cohorts/fall'],
    ['GET', '/v1/cohorts/{cohort}/students', '/v1/cohorts/fall/students'],
    ['GET', '/v1/students/{student}', '/v1/students/ada-lovelace'],
    ['POST', '/v1/cohorts/{cohort}/roster', '/v1/cohorts/fall/roster', { text: 'Name,Email\nBob,bob@x.edu\nbad' }],
    ['PUT', '/v1/courses/{course}', '/v1/courses/logic', { name: 'Logic' }],
    ['GET', '/v1/courses', '/v1/courses'],
  ];
  for (const [method, path, url, sent] of calls) {
    const { body, status } = await api.send(method, url, 'operator', { body: sent });
    expect(status, url).toBeLessThan(300);
    const responses = description.paths[path][method.toLowerCase()].responses;
    const check = Compile(responses[status].content['application/json'].schema);
    expect(check.Errors(body), url).toEqual([]);
  }
});
