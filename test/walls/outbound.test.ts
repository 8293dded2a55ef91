import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../ui/cli/main.ts';
import { type Api, makeClass, operatorToken, startApi } from '../api/http/harness.ts';
import { Browser } from '../infra/gate/browser.ts';
import { startWorld } from '../infra/gate/support.ts';
import { eventually } from '../support/eventually.ts';
import { watchConnections } from './sockets.ts';

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

describe('V14: what people write leads to no connection', () => {
  const lure = 'https://lure.example:4443/x';
  test('of the API, whichever field holds an address', async () => {
    const watched = watchConnections();
    try {
      await makeClass(api, ['Ada Lovelace']);
      const course = { name: lure, repository: lure, image: 'lure.example:4443/x' };
      expect((await api.send('PUT', '/v1/courses/intro', 'operator', { body: course })).status).toBe(200);
      await api.send('POST', '/v1/cohorts/fall/roster', 'operator', { body: { text: `${lure},eve@lure.example` } });
      await api.send('PATCH', '/v1/students/ada-lovelace', 'operator', { body: { spec: { name: lure } } });
      const ada = await api.person('Ada Lovelace');
      for (const to of [lure, '//lure.example:4443/x']) {
        const text = encodeURIComponent(to);
        for (const path of [
          `/sign-in?next=${text}`,
          `/wake/fall-intro-ada-lovelace?to=${text}`,
          `/open/fall-intro-ada-lovelace?to=${text}`,
          `/?${text}`,
        ])
          await api.send('GET', path, ada, {
            headers: { 'x-forwarded-host': 'lure.example:4443', referer: lure, origin: lure },
          });
        await api.send('POST', '/sign-in', undefined, { form: { email: 'eve@lure.example', password: 'x', next: to } });
        await api.send('POST', '/sign-in/forgot', undefined, { form: { email: 'eve@lure.example' } });
      }
    } finally {
      watched.end();
    }
    const { hostname, port } = new URL(api.database.url);
    expect(watched.targets.filter(target => target !== `${hostname}:${port || 5432}`)).toEqual([]);
  });

  test('of a gate but to its IDE and its API, whatever address, host or way is claimed', async () => {
    const world = await startWorld();
    const watched = watchConnections();
    try {
      await eventually(async () => (await new Browser(world.gate.port).ask('/.gate/health')).status === 200);
      const browser = new Browser(world.gate.port);
      await browser.enter();
      const headers = {
        'x-forwarded-host': 'lure.example',
        forwarded: 'host=lure.example',
        'x-original-url': lure,
        referer: lure,
      };
      for (const path of [
        '/x',
        '//lure.example/x',
        '/proxy/4443/',
        '/proxy/lure.example:4443/',
        `/?url=${lure}`,
        '/absproxy/1/../..//lure.example',
      ])
        await browser.ask(path, { headers });
      await browser.ask('/x', { headers: { host: 'lure.example' } });
    } finally {
      watched.end();
      await world.close();
    }
    const known = [`127.0.0.1:${world.gate.port}`, new URL(world.portal.url).host, `${world.run}/ide.sock`];
    expect(watched.targets.some(target => target === `${world.run}/ide.sock`)).toBe(true);
    expect(watched.targets.filter(target => !known.includes(target))).toEqual([]);
  });

  test('and what answers behind the portal is not shown in errors', async () => {
    const behind = http.createServer((_, response) => response.writeHead(500).end('word-of-upstream'));
    await new Promise<void>(resolve => behind.listen(0, '127.0.0.1', resolve));
    const outbox = `http://127.0.0.1:${(behind.address() as AddressInfo).port}/mails`;
    const other = await startApi({ ARMADA_OUTBOX_URL: outbox });
    const grace = await other.person('Grace Hopper', 'instructor');
    const there = await other.send('GET', '/outbox', grace);
    behind.close();
    behind.closeAllConnections();
    const gone = await other.send('GET', '/outbox', grace);
    for (const { text, status } of [there, gone]) {
      expect(status).toBeGreaterThanOrEqual(500);
      expect(text).not.toMatch(/word-of-upstream|127\.0\.0\.1|ECONNREFUSED|fetch failed|mails/);
    }
    await other.close();
  });
});

test('V16: the command’s token goes to the configured origin alone, across redirects too', async () => {
  const seen: string[] = [];
  const stranger = http.createServer((request, response) => {
    seen.push(String(request.headers.authorization));
    response.setHeader('content-type', 'application/json');
    response.end('{"items": [], "cursor": null, "version": 1}');
  });
  await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve));
  const away = `http://localhost:${(stranger.address() as AddressInfo).port}`;
  let status = 302;
  let location = '';
  const asked: string[] = [];
  const configured = http.createServer((request, response) => {
    asked.push(String(request.headers.authorization));
    response.writeHead(status, { location }).end();
  });
  await new Promise<void>(resolve => configured.listen(0, '127.0.0.1', resolve));
  const own = `http://127.0.0.1:${(configured.address() as AddressInfo).port}`;
  try {
    for (status of [301, 302, 303, 307, 308])
      for (location of [
        `${away}/v1/courses`,
        `${away.replace('http:', '')}/v1/courses`,
        `${own}@${new URL(away).host}/`,
      ])
        for (const line of ['get courses', 'start --course intro', 'get workspaces'])
          expect((await armada(line, { ARMADA_URL: own })).code, `${status} ${location}`).not.toBe(0);
    expect(asked.length).toBeGreaterThanOrEqual(45);
    expect(new Set(asked)).toEqual(new Set([`Bearer ${operatorToken}`]));
    expect(seen).toEqual([]);
    // Addresses with somebody else's name in them are refused before anything is sent.
    for (const odd of [`${own.replace('//', '//evil@')}`, 'file:///etc/passwd', 'ftp://localhost/'])
      expect((await armada('get courses', { ARMADA_URL: odd })).code, odd).not.toBe(0);
    // The control: that very server would have been asked.
    expect((await armada('get courses', { ARMADA_URL: away })).code).toBe(0);
    expect(seen).not.toEqual([]);
  } finally {
    for (const server of [stranger, configured]) server.close();
  }
});
