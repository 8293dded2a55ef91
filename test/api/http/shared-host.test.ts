import { afterAll, beforeAll, expect, test } from 'vitest';
import { formTargets } from '../../../api/http/send-page.ts';
import { readSettings } from '../../../api/http/settings.ts';
import { shownWorkspace } from '../../../api/http/workspaces.ts';
import { workspaceRow } from '../../reconcilers/rows.ts';
import { type Api, environment, makeClass, type Person, startApi } from './harness.ts';

/** A deployment without a wildcard domain: all workspaces are on one host, by path. */

const balancers = '[{"listenerArn": "arn:1", "domain": "shared.localhost", "path": true}]';
let api: Api;
let ada: Person;
beforeAll(async () => {
  api = await startApi({ ARMADA_BALANCERS: balancers });
  [ada] = (await makeClass(api, ['Ada Lovelace'])) as [Person];
});
afterAll(() => api.close());

const html = { accept: 'text/html,*/*', 'sec-fetch-site': 'none' };
const at = (url: string, headers: Record<string, string> = html, host = 'shared.localhost:8080') =>
  api.send('GET', url, undefined, { headers: { host, ...headers } });

test('a sleeping workspace’s address leads to its Wake page, with the path that was asked for there', async () => {
  const wake = 'http://localhost:8080/wake/fall-intro-ada-lovelace';
  for (const [path, to] of [
    ['/w/fall-intro-ada-lovelace', ''],
    ['/w/fall-intro-ada-lovelace/', ''],
    ['/w/fall-intro-ada-lovelace/proxy/3000/?a=b', `?to=${encodeURIComponent('/proxy/3000/?a=b')}`],
    ['/w/fall-intro-ada-lovelace?folder=/x', `?to=${encodeURIComponent('/?folder=/x')}`],
    // No way to another host, however it is written.
    ['/w/fall-intro-ada-lovelace//evil.example', ''],
  ] as const) {
    const { status, headers } = await at(path);
    expect([status, headers['location']], path).toEqual([303, `${wake}${to}`]);
    expect(headers['set-cookie']).toBeUndefined();
  }
});

test('anything else at that host is not the portal', async () => {
  expect((await at('/w/fall-intro-ada-lovelace/', { accept: '*/*' })).status).toBe(503);
  for (const path of ['/', '/sign-in', '/w/', '/w/-x/', '/w/A_b/', '/wake/fall-intro-ada-lovelace', '/v1/me'])
    expect((await at(path, { ...html, cookie: ada.cookie })).status, path).toBe(421);
  expect((await at('/', html, 'fall-intro-ada-lovelace.shared.localhost:8080')).status).toBe(421);
});

test('a workspace’s address is below the shared host, and forms may lead there', () => {
  const row = { ...workspaceRow('a'), slug: 'fall-intro-ada', slot: { balancer: 0, priority: 1 } };
  expect(shownWorkspace(row, api.settings).url).toBe('http://shared.localhost:8080/w/fall-intro-ada');
  expect(formTargets(api.settings)).toBe("'self' http://shared.localhost:8080");
});

test('every page of an instructor says what that gives up, and no student’s', async () => {
  const grace = await api.person('Grace Hopper', 'instructor');
  const pages = ['/', '/classes/intro', '/classes/intro/settings', '/wake/fall-intro-ada-lovelace'];
  for (const path of pages) {
    const { status, text } = await api.send('GET', path, grace, { headers: html });
    expect([path, status, text.includes('"sharedOrigin":true')]).toEqual([path, 200, true]);
  }
  const { text } = await api.send('GET', '/?stay', ada, { headers: html });
  expect(text).toContain('"boot"');
  expect(text).not.toContain('sharedOrigin');
});

test('behind a CDN tries are counted by the person’s own address, and what a person writes before it is anybody’s word', async () => {
  const behind = await startApi({ ARMADA_PROXIES: '2' });
  try {
    const tries = async (address: string) => {
      const form = { email: 'slow@school.edu', password: 'guess' };
      const headers = { 'x-forwarded-for': address };
      return (await behind.send('POST', '/sign-in', undefined, { form, headers })).status;
    };
    for (let number = 0; number < 10; number += 1)
      expect(await tries(`10.${number}.1.1, 192.0.2.7, 130.176.0.${number}`)).not.toBe(429);
    expect(await tries('10.99.1.1, 192.0.2.7, 130.176.0.99')).toBe(429);
    expect(await tries('10.99.1.1, 198.51.100.8, 130.176.0.99')).not.toBe(429);
  } finally {
    await behind.close();
  }
});

test('workspaces never share the portal’s own host', () => {
  const wrong = '[{"listenerArn": "arn:1", "domain": "localhost", "path": true}]';
  const given = { ...environment, DATABASE_URL: 'postgres://x@127.0.0.1/armada' };
  expect(() => readSettings({ ...given, ARMADA_BALANCERS: wrong })).toThrow('portal’s own host');
});
