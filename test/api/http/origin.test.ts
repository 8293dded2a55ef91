import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathOf } from '../../../api/http/origin.ts';
import { type Api, makeClass, type Person, startApi } from './harness.ts';

let api: Api;
let ada: Person;
beforeAll(async () => {
  api = await startApi();
  [ada] = (await makeClass(api, ['Ada Lovelace'])) as [Person];
});
afterAll(() => api.close());

const html = { accept: 'text/html,*/*', 'sec-fetch-site': 'none' };

describe('V2: a request from elsewhere, in 560 ways,', () => {
  const url = '/v1/workspaces/fall-intro-ada-lovelace';
  const sites = ['same-origin', 'none', 'same-site', 'cross-site', 'SAME-ORIGIN', '', undefined];
  const origins = [
    'http://localhost:8080',
    'http://fall-intro-ada-lovelace.localhost:8080',
    'https://localhost:8080',
    'null',
    undefined,
  ];
  for (const method of ['PATCH', 'DELETE', 'POST', 'PUT']) {
    for (const site of sites) {
      for (const origin of origins) {
        for (const mode of ['navigate', 'no-cors', 'cors', undefined]) {
          const passes =
            site === undefined ? origin === 'http://localhost:8080' : ['same-origin', 'none'].includes(site);
          test(`${method} with site ${site}, origin ${origin}, mode ${mode} ${passes ? 'passes' : 'is refused'}`, async () => {
            const given = { 'sec-fetch-site': site, origin, 'sec-fetch-mode': mode };
            const headers = Object.fromEntries(
              Object.entries(given).filter(([, value]) => value !== undefined),
            ) as Record<string, string>;
            const { statusCode } = await api.app.inject({
              method: method as 'PUT',
              url,
              headers: { host: 'localhost:8080', cookie: ada.cookie, 'content-type': 'application/json', ...headers },
              payload: '{"spec": {}}',
            });
            // The address takes PATCH and DELETE; a student may only the first.
            const allowed = { PATCH: 200, DELETE: 403, POST: 405, PUT: 405 }[method];
            expect(statusCode).toBe(passes ? allowed : 403);
          });
        }
      }
    }
  }

  test('a sign-in or sign-out that another site sends is refused too', async () => {
    for (const path of ['/sign-in', '/sign-out', '/sign-in/new-password']) {
      const form = { email: 'a@b.c', password: 'x' };
      const { status } = await api.send('POST', path, undefined, { form, headers: { 'sec-fetch-site': 'cross-site' } });
      expect(status, path).toBe(403);
    }
  });

  test('a bearer token needs no origin, and a cookie beside it does not count', async () => {
    const { status } = await api.send('PATCH', '/v1/courses/intro', 'operator', {
      body: { cpu: 512 },
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(status).toBe(200);
    const bad = await api.send('GET', '/v1/me', { bearer: 'x' }, { headers: { cookie: ada.cookie } });
    expect(bad.status).toBe(401);
  });
});

describe('hosts', () => {
  const at = (host: string, url = '/', headers: Record<string, string> = html, method = 'GET') =>
    api.send(method, url, undefined, { headers: { host, ...headers } });

  test('a navigation to a workspace that sleeps is sent to its Wake page, known or not, in the same way', async () => {
    for (const label of ['fall-intro-ada-lovelace', 'nobody-at-all']) {
      const { status, headers, text } = await at(`${label}.localhost:8080`, '/proxy/3000/a?b=c');
      expect(status).toBe(303);
      expect(headers['location']).toBe(
        `http://localhost:8080/wake/${label}?to=${encodeURIComponent('/proxy/3000/a?b=c')}`,
      );
      expect(headers['set-cookie']).toBeUndefined();
      expect(text).toBe('');
    }
    expect((await at('x.s2.localhost:8080')).headers['location']).toBe('http://localhost:8080/wake/x');
  });

  test('anything else at a workspace’s host is told that it is not there, without cookies', async () => {
    const asked = [
      at('x.localhost:8080', '/', { accept: '*/*' }),
      at('x.localhost:8080', '/', { ...html, 'sec-fetch-mode': 'no-cors' }),
      at('x.localhost:8080', '/', { ...html, 'sec-purpose': 'prefetch' }),
      at('x.localhost:8080', '/', { ...html, upgrade: 'websocket', connection: 'upgrade' }),
      at('x.localhost:8080', '/sign-in', html, 'POST'),
      at('x.localhost:8080', '/v1/me', { ...html, accept: 'application/json', cookie: ada.cookie }),
      at('x.localhost:8080', '/healthz', { accept: '*/*' }),
    ];
    for (const { status, headers } of await Promise.all(asked)) {
      expect(status).toBe(503);
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['location']).toBeUndefined();
    }
  });

  test('look-alike hosts get nothing', async () => {
    for (const host of [
      'evil.com',
      'localhost',
      'localhost:8081',
      'localhost.evil.com:8080',
      'evillocalhost:8080',
      'x.localhost.evil.com',
      'a.b.localhost:8080',
      '-x.localhost:8080',
      'x_.localhost:8080',
      '.localhost:8080',
      'x.localhost:8080@evil.com',
      'x.localhost:80800000',
    ]) {
      const { status, headers } = await at(host, '/sign-in');
      expect(status, host).toBe(421);
      expect(headers['location']).toBeUndefined();
    }
  });

  test('health checks and heartbeats need no host', async () => {
    expect((await at('10.0.0.7:3000', '/healthz', {})).status).toBe(200);
    expect((await at('10.0.0.7:3000', '/readyz', {})).status).toBe(200);
    expect((await at('127.0.0.1:3000', '/v1/heartbeats', {}, 'POST')).status).toBe(401);
  });
});

describe('redirects', () => {
  const evil = [
    'https://evil.com',
    '//evil.com',
    '/\\evil.com',
    '/\t/evil.com',
    '/\n/evil.com',
    '\\\\evil.com',
    'javascript:alert(1)',
    'evil.com',
    '',
    ' /x',
    '///evil.com',
    'http:/evil.com',
    '/ok\\..\\evil',
    '/\u0000',
    '/%0d%0aset-cookie:x'.replaceAll('%0d%0a', '\r\n'),
    '/ü',
    '/a b',
    `/${'x'.repeat(3000)}`,
    '@evil.com',
    '.evil.com',
    '/\u2028/evil',
  ];
  test('a path of our own is kept, anything that could lead elsewhere is not', () => {
    for (const text of evil) expect(pathOf(text), JSON.stringify(text)).toBeUndefined();
    for (const text of ['/', '/wake/x?to=%2F%2Fevil.com', '/a//b', '/?next=//x', '/.//x'])
      expect(pathOf(text)).toBe(text);
  });

  test('no next and no to leads away from the portal', async () => {
    for (const text of evil) {
      const { headers } = await api.send('GET', `/sign-in?next=${encodeURIComponent(text)}`, ada);
      if (text.length <= 2000) expect(headers['location'], JSON.stringify(text)).toBe('/');
      const open = await api.send('GET', `/open/fall-intro-ada-lovelace?to=${encodeURIComponent(text)}`, ada, {
        headers: html,
      });
      expect(open.headers['location']).toBe('/wake/fall-intro-ada-lovelace');
    }
  });

  test('a page that needs a person sends others to sign in, and back to it afterwards', async () => {
    const { status, headers } = await api.send('GET', '/wake/fall-intro-ada-lovelace?to=%2Fx', undefined, {
      headers: html,
    });
    expect(status).toBe(303);
    expect(headers['location']).toBe(`/sign-in?next=${encodeURIComponent('/wake/fall-intro-ada-lovelace?to=%2Fx')}`);
  });
});
