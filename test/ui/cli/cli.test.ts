import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { main } from '../../../ui/cli/main.ts';
import { type Api, operatorToken, startApi } from '../../api/http/harness.ts';
import { eventually } from '../../support/eventually.ts';

let api: Api;
let url: string;
let folder: string;
beforeAll(async () => {
  api = await startApi();
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'armada-cli-'));
});
afterAll(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  await api.close();
});
const leaving = new Set<AbortController>();
afterEach(() => {
  for (const each of leaving) each.abort();
});

/** Starts one command line against the API, nobody at the terminal. */
function start(line: string, extra: Partial<Parameters<typeof main>[1]> = {}) {
  const controller = new AbortController();
  leaving.add(controller);
  const texts = { stdout: '', stderr: '' };
  const code = main(line.split(' '), {
    stdout: { write: text => (texts.stdout += text) },
    stderr: { write: text => (texts.stderr += text) },
    env: { ARMADA_URL: url, ARMADA_TOKEN: operatorToken },
    fetch: globalThis.fetch,
    now: () => new Date(),
    signal: controller.signal,
    ...extra,
  });
  return { texts, code, controller };
}
async function run(line: string, extra: Partial<Parameters<typeof main>[1]> = {}) {
  const { texts, code } = start(line, extra);
  return { code: await code, ...texts };
}
function file(name: string, text: string): string {
  const where = path.join(folder, name);
  fs.writeFileSync(where, text);
  return where;
}
const presentVersion = async () => (await api.send('GET', '/v1/workspaces?limit=1', 'operator')).body.version as number;
const example = 'examples/class.yaml';

test('the example makes a class of 60, and the second time there are no changes and no writes', async () => {
  const before = await presentVersion();
  const dry = await run(`apply -f ${example} --dry-run`);
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('+ Ada Lovelace <ada.lovelace@school.example> joins fall-a');
  expect(dry.stdout).toContain('+ 90 workspaces, stopped: 90 services, 90 routing rules, 90 target groups');
  // Two courses of 60 and 30 students at 1 GiB, fixed costs once.
  const [, month = '', each = ''] =
    /Estimate, on AWS:\n {2}\$([\d.]+) a month for 90 .* \$([\d.]+) each/.exec(dry.stdout) ?? [];
  expect(Number(month) / 90).toBeCloseTo(Number(each), 1);
  expect(Number(each)).toBeGreaterThan(1);
  expect(Number(each)).toBeLessThan(6);
  const data = JSON.parse((await run(`apply -f ${example} --dry-run -o json`)).stdout);
  expect(data.forecast).toMatchObject({ workspaces: 90, month: expect.closeTo(Number(month), 2) });
  expect(await presentVersion()).toBe(before);

  expect((await run(`apply -f ${example}`)).code).toBe(0);
  const made = await run('get workspaces --course web-201 -o json');
  expect(JSON.parse(made.stdout)).toHaveLength(30);
  expect((await api.send('GET', '/v1/courses/python-101/staff', 'operator')).body.items).toMatchObject([
    { slug: 'tina-tutor' },
  ]);

  const settled = await presentVersion();
  expect(await run(`apply -f ${example}`)).toEqual({ code: 0, stdout: 'no changes\n', stderr: '' });
  expect(await presentVersion()).toBe(settled);
});

test('verbs about a whole deployment are handed on, with their exit code', async () => {
  const handed: (readonly string[])[] = [];
  const operate = async (argv: readonly string[]) => handed.push(argv) + 6;
  expect((await run('leave --yes', { operate })).code).toBe(7);
  expect(handed).toEqual([['leave', '--yes']]);
  const command = ['ui/cli/main.ts', 'cost', '--students', '12'];
  const { stdout, status } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^12 students, 10 h a week/)]);
  expect((await run('--help')).stdout).toContain('armada doctor, cost, backup, restore, leave');
});

test('what is removed from the file is removed only with --prune or a yes', async () => {
  const text = fs
    .readFileSync(example, 'utf8')
    .replace(/^.*Ada Lovelace.*\n/m, '')
    .replace('memory: 1024', 'memory: 1536')
    .replace('Alan Turing', 'Alan M. Turing');
  const less = file('less.yaml', text);
  const before = await presentVersion();
  const refused = await run(`apply -f ${less}`);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('- Ada Lovelace <ada.lovelace@school.example> leaves fall-a');
  expect(refused.stdout).toContain('~ course python-101: memory 1024 → 1536');
  expect(refused.stdout).toContain('- 1 workspace: 1 service');
  expect(refused.stderr).toContain('next: the same command with --prune');
  expect((await run(`apply -f ${less}`, { ask: async () => 'no' })).code).toBe(1);
  expect(await presentVersion()).toBe(before);

  expect((await run(`apply -f ${less} --prune`)).code).toBe(0);
  const python = (await run('get ws --course python-101 -o yaml')).stdout;
  expect(parse(python).filter((item: { deletedAt: string | null }) => item.deletedAt === null)).toHaveLength(59);
  expect(python).toContain('Alan M. Turing');
  expect((await run(`apply -f ${less}`)).stdout).toBe('no changes\n');
});

test('every mistake of a document is told at once, with line and column', async () => {
  const bad = file(
    'bad.yaml',
    'courses:\n  Py:\n    name: P\n    cohorts: [fall]\ncohorts:\n  spring:\n    name: S\n    roster:\n      - nobody\n',
  );
  const semantic = await run(`apply -f ${bad}`);
  expect(semantic.code).toBe(1);
  expect(semantic.stderr).toMatch(/bad\.yaml:2:3: "Py" must/);
  expect(semantic.stderr).toMatch(/bad\.yaml:4:15: there is no cohort "fall"/);
  expect(semantic.stderr).toMatch(/bad\.yaml:9:9: /);
  const shape = file('shape.yaml', 'courses:\n  py:\n    name: P\n    cpu: many\n    colour: red\ncohorts: {}\n');
  const schema = await run(`apply -f ${shape}`);
  expect(schema.stderr).toMatch(/shape\.yaml:4:5: courses\.py\.cpu must be integer/);
  expect(schema.stderr).toMatch(/shape\.yaml:5:5: courses\.py\.colour is not a known field/);
});

test('tables show what the class page shows, and describe tells asked, is and events', async () => {
  const table = await run('get workspaces --course web-201');
  const [head, first] = table.stdout.split('\n');
  expect(head).toMatch(/^WORKSPACE +STUDENT +EMAIL +STATE +NOW$/);
  expect(first).toMatch(/^fall-b-web-201-\S+ +\S.* \S+@school\.example +○ Stopped +Never used$/);
  const { slug } = (await api.send('GET', '/v1/workspaces?course=web-201&limit=1', 'operator')).body.items[0];
  const said = await run(`describe workspace ${slug}`);
  expect(said.code).toBe(0);
  expect(said.stdout).toMatch(/^Asked +to be stopped; generation \d+, restarts 0$/m);
  expect(said.stdout).toMatch(/^Is +○ Stopped: Never used$/m);
  // Who did it is told by name, as on the page.
  const nora = await api.person('Nora Named', 'instructor');
  for (const running of [true, false])
    await api.send('PATCH', `/v1/workspaces/${slug}`, nora, { body: { spec: { running } } });
  expect((await run(`get events ${slug}`)).stdout).toMatch(/StartAsked +Nora Named +Asked to start\.$/m);
  expect((await run(`describe workspace ${slug}`)).stdout).toMatch(/StartAsked +Asked to start\. \(Nora Named\)$/m);
});

test('exit codes: 0 done, 1 refused, 2 wrong usage, 3 not ready in time, each fault with a next command', async () => {
  const { slug } = (await api.send('GET', '/v1/workspaces?course=web-201&limit=1', 'operator')).body.items[0];
  expect((await run('--help')).code).toBe(0);
  expect(await run(`start ${slug}`)).toMatchObject({ code: 0, stdout: 'start asked of 1 workspace\n' });
  for (const [line, code] of [
    ['describe workspace nobody', 1],
    ['start nobody', 1],
    ['delete course web-201', 1],
    ['get planets', 2],
    ['frobnicate', 2],
    ['start', 2],
    [`wait workspace ${slug} --timeout soon`, 2],
    [`wait workspace ${slug} --timeout 50ms`, 3],
  ] as const) {
    const got = await run(line);
    expect([line, got.code]).toEqual([line, code]);
    expect(got.stderr).toMatch(/\n {2}next: \S.*\n$/);
  }
});

test('a wait goes on when its stream is cut, and ends when the workspace is stopped', async () => {
  const { id, slug } = (await api.send('GET', '/v1/workspaces?course=web-201&limit=1', 'operator')).body.items[0];
  const sockets = new Set<http.ServerResponse>();
  let streams = 0;
  const proxy = http.createServer((request, response) => {
    const upstream = http.request(`${url}${request.url}`, { method: request.method, headers: request.headers });
    upstream.on('response', answer => {
      if (request.url?.startsWith('/v1/watch')) {
        streams += 1;
        sockets.add(response);
      }
      response.writeHead(answer.statusCode!, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  });
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
  try {
    const through = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const env = { ARMADA_URL: through, ARMADA_TOKEN: operatorToken };
    const { texts, code } = start(`wait workspace ${slug} --for=stopped`, { env });
    await eventually(() => streams === 1);
    await api.send('POST', '/v1/workspaces:stop', 'operator', { body: { ids: [slug] } });
    for (const each of sockets) each.destroy();
    await eventually(() => streams >= 2);
    await api.database.pool.query(
      `update workspaces set status = status || jsonb_build_object('step', 'stopped', 'observedGeneration', generation)
       where id = $1`,
      [id],
    );
    expect(await code).toBe(0);
    expect(texts.stdout).toBe(`${slug} is stopped\n`);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('the token is not carried along a redirect, and Ctrl-C ends a watch', async () => {
  let visits = 0;
  const elsewhere = http.createServer((_request, response) => {
    visits += 1;
    response.writeHead(302, { location: '/again' }).end();
  });
  await new Promise<void>(resolve => elsewhere.listen(0, '127.0.0.1', resolve));
  const there = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  const got = await run(`--url ${there} get courses`);
  elsewhere.close();
  expect([got.code, visits]).toEqual([1, 1]);
  expect(got.stderr).toContain('the token stays here');

  const watching = start('events --watch');
  await eventually(() => watching.texts.stdout.length > 0);
  watching.controller.abort();
  expect(await watching.code).toBe(130);
});

test('as a process it adds a roster, and says which line needs a look', async () => {
  const list = file('more.csv', 'name,email\nNew One,new.one@school.example\nbroken\n');
  const argv = ['ui/cli/main.ts', 'roster', 'add', list, '--cohort', 'fall-a'];
  const env = { ...process.env, ARMADA_URL: url, ARMADA_TOKEN: operatorToken };
  const got = await promisify(execFile)(process.execPath, argv, { env }).catch(error => error);
  expect(got.code).toBe(1);
  expect(got.stdout).toContain('+ New One <new.one@school.example>\n1 added, 0 already here, 29 here');
  expect(got.stderr).toContain('more.csv:3: broken');
});
