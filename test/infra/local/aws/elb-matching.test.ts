import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostOf, type RoutedRequest, Routes, wildcard } from '../../../../infra/local/aws/elb/matching.ts';
import type { RuleRow } from '../../../../infra/local/aws/elb/tables.ts';
import '../../../support/seed.ts';

const request: RoutedRequest = {
  method: 'GET',
  path: '/docs/a',
  query: 'v=1&Lang=de',
  host: 'ann.localhost',
  headers: { 'x-kind': 'Blue' },
  sourceIp: '::ffff:127.0.0.1',
};

function rule(priority: number, conditions: RuleRow['conditions']): RuleRow {
  return { arn: String(priority), listenerArn: 'l', priority, conditions, actions: [], transforms: [] };
}

const host = (...Values: string[]) => ({ Field: 'host-header', HostHeaderConfig: { Values } });

test.each<[string, RuleRow['conditions'], boolean]>([
  ['the host', [host('ann.localhost')], true],
  ['the host in capitals', [host('ANN.localhost')], true],
  ['another host', [host('anna.localhost')], false],
  ['a host by wildcards', [host('a?n.*')], true],
  ['a path', [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/docs/*'] } }], true],
  ['a path in capitals', [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/DOCS/*'] } }], false],
  ['one of two paths', [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/x', '/docs/a'] } }], true],
  ['the method', [{ Field: 'http-request-method', HttpRequestMethodConfig: { Values: ['GET'] } }], true],
  ['another method', [{ Field: 'http-request-method', HttpRequestMethodConfig: { Values: ['POST'] } }], false],
  [
    'a query pair, in any case',
    [{ Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'lang', Value: 'DE' }] } }],
    true,
  ],
  ['a query value alone', [{ Field: 'query-string', QueryStringConfig: { Values: [{ Value: '1' }] } }], true],
  [
    'another query value',
    [{ Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'v', Value: '2' }] } }],
    false,
  ],
  [
    'a header, in any case',
    [{ Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Kind', Values: ['bl*'] } }],
    true,
  ],
  ['the address', [{ Field: 'source-ip', SourceIpConfig: { Values: ['127.0.0.0/8'] } }], true],
  ['another address', [{ Field: 'source-ip', SourceIpConfig: { Values: ['10.0.0.0/8', '::/64'] } }], false],
  [
    'the host but not the path',
    [host('ann.localhost'), { Field: 'path-pattern', PathPatternConfig: { Values: ['/'] } }],
    false,
  ],
])('a rule on %s', (_name, conditions, matches) => {
  expect(new Routes([rule(1, conditions)]).find(request) !== undefined).toBe(matches);
});

test('the first matching rule by priority is found however rules are indexed', () => {
  const name = fc.constantFrom('a.x', 'ab.x', 'b.x');
  const pattern = fc.constantFrom('a.x', 'ab.x', 'b.x', '*.x', 'a*.x', '?.x');
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), name, (patterns, asked) => {
      const rules = patterns.map((value, index) => rule(patterns.length - index, [host(value)]));
      const expected = rules
        .filter(({ conditions }) =>
          new RegExp(
            `^${conditions[0]?.HostHeaderConfig?.Values?.[0]?.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`,
          ).test(asked),
        )
        .sort((a, b) => Number(a.priority) - Number(b.priority))[0];
      expect(new Routes(rules).find({ ...request, host: asked })).toBe(expected);
    }),
  );
});

test('wildcards match as the same pattern written as a regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (wild, plain) => {
      const expected = new RegExp(`^${wild.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(plain);
      expect(wildcard(wild, false)(plain)).toBe(expected);
    }),
    { numRuns: 1_000 },
  );
});

test('a host is compared without its port', () => {
  expect(['A.Localhost:8080', 'a.localhost', '[::1]:80', undefined].map(hostOf)).toEqual([
    'a.localhost',
    'a.localhost',
    '[::1]',
    '',
  ]);
});
