import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import { expect, test } from 'vitest';
import { rulesAbout } from '../../../reconcilers/aws/rule-index.ts';

const host = (name: string, ...more: Rule['Conditions'] & object) => [
  { Field: 'host-header', HostHeaderConfig: { Values: [name] } },
  ...more,
];
const forward = (arn: string) => [{ Type: 'forward' as const, TargetGroupArn: arn }];
const rules: readonly Rule[] = [
  { RuleArn: '1', Priority: '1', Conditions: host('Ada.localhost'), Actions: forward('t1') },
  { RuleArn: '2', Priority: '2', Conditions: host('bob.localhost'), Actions: forward('t1') },
  {
    RuleArn: '3',
    Priority: '3',
    Conditions: host('shared', { Field: 'path-pattern', Values: ['/w/ada/*', '/w/ada'] }),
    Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: 't3' }] } }],
  },
  { RuleArn: '4', Priority: '4' },
];
const found = (...words: Parameters<typeof rulesAbout>[1]) => rulesAbout(rules, words).map(({ RuleArn }) => RuleArn);

test('rules are found by host without regard to case, by a host’s path, by target group and by place, each once', () => {
  expect(found({ host: 'ada.localhost', path: '' })).toEqual(['1']);
  expect(found({ target: 't1' })).toEqual(['1', '2']);
  expect(found({ host: 'ada.localhost', path: '' }, { target: 't1' }, { priority: 1 })).toEqual(['1', '2']);
  expect(found({ host: 'shared', path: '/w/ada' })).toEqual(['3']);
  expect(found({ host: 'shared', path: '/w/bob' }, { host: 'shared', path: '' })).toEqual([]);
  expect(found({ target: 't3' }, { priority: 4 })).toEqual(['3', '4']);
});
