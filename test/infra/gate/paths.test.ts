import { expect, test } from 'vitest';
import { innerPath, portalTarget, safeTarget } from '../../../infra/gate/paths.ts';

const own = 'http://ada.localhost:8080';
const elsewhere = [
  '',
  'evil.example',
  'https://evil.example',
  'http:evil.example',
  'http:/evil.example',
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/ /evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/%2e//evil.example',
  '/./\\evil.example',
  '@evil.example',
  ':@evil.example',
  '.evil.example',
  '-x.evil.example',
  ':8080@evil.example/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  '?next=//evil.example',
  '#//evil.example',
  '/\u0000//evil.example',
  '/\u2028//evil.example',
  '/\r\nSet-Cookie: a=b',
  '/é',
  '／／evil.example',
  '//evil.example@ada.localhost:8080/',
  'http://ada.localhost:8080@evil.example/',
  'http://ada.localhost:8080.evil.example/',
  '//ada.localhost:8080/',
  '/.gate/enter',
  '/.gate/continue?to=//evil.example',
  '/x/../.gate/enter',
  '/%2e/.gate/enter',
  `/${'a'.repeat(3000)}`,
];

test('no string leads anywhere but to the workspace’s own host', () => {
  for (const to of elsewhere) {
    const target = safeTarget({ origin: own, base: '' }, to);
    expect(new URL(target).origin, to).toBe(own);
    expect(new URL(target, 'https://portal.example').href, to).toBe(target);
    expect(new URL(target).pathname.startsWith('/.gate/'), to).toBe(false);
    expect(new URL(target).pathname.startsWith('//'), to).toBe(false);
    expect(target).not.toMatch(/[\r\n\\]/);
  }
});

test('a plain path is kept, with its query and fragment', () => {
  for (const to of ['/', '/a/b.txt?c=d&e=%2F%2Fx#f', '/?folder=/home/coder', '/proxy/8000/', '/a//b', '/a@b:c']) {
    expect(safeTarget({ origin: own, base: '' }, to)).toBe(own + to);
  }
});

test('the portal is told the path as it was asked for', () => {
  const url = new URL(portalTarget('https://armada.example', 'fall-intro-ada', 'hash', '//evil.example/?a=1&b#c'));
  expect(url.origin + url.pathname).toBe('https://armada.example/open/fall-intro-ada');
  expect(Object.fromEntries(url.searchParams)).toEqual({ state: 'hash', to: '//evil.example/?a=1&b#c' });
});

test('on a shared host no string leads out of the workspace’s own paths', () => {
  const place = { origin: own, base: '/w/ada' };
  for (const to of [...elsewhere, '/../bob/x', '/%2e%2e/bob', '/../../w/bob/', '/./../bob', '/x/../../bob']) {
    const target = safeTarget(place, to);
    expect(target.startsWith(`${own}/w/ada/`), to).toBe(true);
    expect(new URL(target).href, to).toBe(target);
    expect(new URL(target).pathname.startsWith('/w/ada/.gate/'), to).toBe(false);
  }
  expect(safeTarget(place, '/proxy/3000/a?b=c#d')).toBe(`${own}/w/ada/proxy/3000/a?b=c#d`);
});

test('the IDE is asked for what comes after the base, as it came', () => {
  const place = { origin: own, base: '/w/ada' };
  expect(innerPath('/w/ada/a/../b?c=/w/ada/', place)).toBe('/a/../b?c=/w/ada/');
  expect(innerPath('/w/ada?x', place)).toBe('');
  for (const path of ['/', '/w/', '/w/adam/x', '/w/bob/', '/W/ada/', '/x/w/ada/'])
    expect(innerPath(path, place), path).toBeUndefined();
  expect(innerPath('/w/ada/x', { origin: own, base: '' })).toBe('/w/ada/x');
});
