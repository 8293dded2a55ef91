import { createHash } from 'node:crypto';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workspaceUrl } from '../../api/resources/host.ts';
import { personSlug, reservedSlugs, slugify, slugLengths, uniqueSlug } from '../../api/resources/slug.ts';
import { newId } from '../../api/store/ids.ts';
import { homePath } from '../../reconcilers/aws/names.ts';
import { type Api, makeClass, startApi } from '../api/http/harness.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await makeClass(api, ['Ada Lovelace']);
});
afterAll(() => api.close());

/** The same numbers every time. */
function* numbers(): Generator<number, never> {
  for (let at = 0; ; at += 1) {
    const bytes = createHash('sha256').update(String(at)).digest();
    for (let index = 0; index < bytes.length; index += 4) yield bytes.readUInt32BE(index);
  }
}

test('T23: of 100,000 made-up names every home is in the homes’ root and every host is one of its own', {
  timeout: 120_000,
}, () => {
  const draw = numbers();
  const next = (below: number) => draw.next().value % below;
  const pieces = [
    ...['..', '/', '\\', '../../etc/passwd', '%2e%2e', '\0', '.', '~', '$HOME', '`id`', '\n', ' ', '-', '--', '_', '@'],
    ...[
      'Ada',
      'Ünïcode',
      '李雷',
      'ß',
      'İ',
      'ﬁ',
      '\u202e',
      '\u200b',
      '💥',
      'www',
      'admin',
      'xn--',
      'localhost',
      '.evil',
      ':80',
      '#',
      '?',
    ],
    ...'abcdefghijklmnopqrstuvwxyz0123456789',
  ];
  const people = new Set<string>();
  const hosts = new Set<string>();
  const homes = new Set<string>();
  const root = '/homes';
  const balancer = { domain: 's1.armada.test' };
  for (let count = 0; count < 100_000; count += 1) {
    const made = Array.from({ length: 1 + next(9) }, () => pieces[next(pieces.length)]).join('');
    // Some clash; were it many, counting up would be all that is measured.
    const name = count % 50 === 0 ? made : `${count.toString(36)}${made}`;
    const email = `${pieces[next(pieces.length)]}${count}@school.edu`;
    const slug = personSlug(
      { name, email },
      taken => people.has(taken),
      () => String(count),
    );
    people.add(slug);
    const [cohort, course] = [slugLengths.cohort, slugLengths.course].map(length => slugify(`c${name}`, length));
    const label = uniqueSlug(`${cohort}-${course}-${slug}`, slugLengths.workspace, taken => hosts.has(taken));
    const { hostname, pathname } = new URL(workspaceUrl(label, balancer, 'https://portal.armada.test'));
    if (
      !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label) ||
      hostname !== `${label}.s1.armada.test` ||
      pathname !== '/'
    )
      throw new Error(`${JSON.stringify(name)} → ${hostname}${pathname}`);
    if (reservedSlugs.has(slug) || reservedSlugs.has(label)) throw new Error(`${JSON.stringify(name)} → ${slug}`);
    hosts.add(label);
    const home = homePath(newId());
    if (path.dirname(path.resolve(home)) !== root || path.resolve(home) !== home) throw new Error(home);
    homes.add(home);
  }
  expect([people.size, hosts.size, homes.size]).toEqual([100_000, 100_000, 100_000]);
});

test('T21: of 80 files in any encoding none fails, and rows in are rows accepted and rows reported', async () => {
  const draw = numbers();
  const next = (below: number) => draw.next().value % below;
  const names = [
    'Ada',
    'Zoë Ångström',
    'e\u0301',
    'O’Hara',
    '李雷',
    '\u202eadA',
    'A\u200bda',
    'аda',
    '=1+1',
    'Name',
    '💥',
    '"',
    '',
  ];
  const encode: ((text: string) => Buffer)[] = [
    text => Buffer.from(text),
    text => Buffer.from(`\ufeff${text}`),
    text => Buffer.from(text, 'latin1'),
    text => Buffer.from(`\ufeff${text}`, 'utf16le'),
    text => Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
    text => Buffer.concat([Buffer.from(text), Buffer.from([0xc3, 0x28])]),
    text => Buffer.from(text.replaceAll('a', 'a\0')),
    text => Buffer.from(text.replaceAll('\n', '\r\n')),
  ];
  let files = 0;
  for (const bytesOf of encode)
    for (const separator of [',', ';', '\t', ' ', ' <'])
      for (const hasHeader of [true, false]) {
        // Quotes may join lines: they have tests of their own.
        const people = Array.from(
          { length: 9 },
          (_, number) =>
            `${names[next(names.length)]?.replace('"', '')}${separator}${next(3) === 0 ? 'nonsense' : `p${files}x${number}@s.edu`}`,
        );
        const text = [
          ...(hasHeader && separator !== ' ' && separator !== ' <' ? [`Name${separator}Email`] : []),
          ...people,
        ].join('\n');
        const response = await api.app.inject({
          method: 'POST',
          url: '/v1/cohorts/fall/roster?dryRun=true',
          headers: {
            host: 'localhost:8080',
            authorization: `Bearer ${api.settings.operatorToken}`,
            'content-type': 'text/csv',
          },
          payload: bytesOf(text),
        });
        files += 1;
        expect(response.statusCode, text).toBe(200);
        const { added, unchanged, problems, header } = response.json();
        const lines = [...added, ...unchanged, ...problems]
          .map(({ line }: { line: number }) => line)
          .sort((a: number, b: number) => a - b);
        const first = header === null ? 1 : 2;
        const wanted = Array.from({ length: text.split('\n').length - first + 1 }, (_, index) => first + index);
        expect(lines, `${JSON.stringify(text)} ${JSON.stringify(response.json())}`).toEqual(wanted);
      }
  expect(files).toBe(80);
});

test('T19: of the cells of an exported roster none begins as a formula, and what is stored stays as it was typed', async () => {
  const starts = ['=', '+', '-', '@', '\t=', '\r=', '\n=', '＝', '＋', '－', '＠', '"=', ' ='];
  for (const [number, start] of starts.entries()) {
    await api.person(`Formula ${number}`);
    await api.send('PUT', `/v1/cohorts/fall/students/formula-${number}`, 'operator');
    const body = { spec: { name: `${start}HYPERLINK("https://evil.example","x, y")` } };
    expect((await api.send('PATCH', `/v1/students/formula-${number}`, 'operator', { body })).status).toBe(200);
  }
  const text = '+1@school.edu\n-1@school.edu\n=1@school.edu';
  await api.send('POST', '/v1/cohorts/fall/roster', 'operator', { body: { text } });
  const got = await api.send('GET', '/v1/cohorts/fall/roster', 'operator');
  expect(got.headers['content-type']).toBe('text/csv; charset=utf-8');
  const rows: string[][] = parse(got.text);
  expect(rows[0]).toEqual(['Name', 'Email']);
  expect(rows.length).toBeGreaterThan(starts.length + 2);
  const formulas = rows.flat().filter(cell => /^[=+\-@\t\r\n＝＋－＠]/.test(cell));
  expect(formulas).toEqual([]);
  expect((await api.send('GET', '/v1/students/formula-0', 'operator')).body.spec.name).toMatch(/^=HYPERLINK/);
  expect(rows.flat()).toContain(`'=HYPERLINK("https://evil.example","x, y")`);
});
