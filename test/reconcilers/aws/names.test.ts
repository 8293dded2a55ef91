import { expect, test } from 'vitest';
import { newId } from '../../../api/store/ids.ts';
import {
  checkDeployment,
  familyName,
  homePath,
  homeToken,
  ownership,
  serviceName,
  tagsOf,
  targetGroupName,
} from '../../../reconcilers/aws/names.ts';

const longest = 'abcdefgh1234';
const fileSystemId = 'fs-0123456789abcdef0';
const ids = [...Array.from({ length: 10_000 }, () => newId()), 'UPPER-and-strange/../id', 'x'.repeat(200), 'ä'];

test.each([
  ['services', (id: string) => serviceName(longest, id), /^[A-Za-z0-9_-]{1,255}$/],
  ['families', (id: string) => familyName(longest, id), /^[A-Za-z0-9_-]{1,255}$/],
  ['target groups', (id: string) => targetGroupName(longest, id), /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/],
  ['home paths', (id: string) => homePath(id), /^\/homes\/[a-z0-9]{1,50}$/],
  ['home tokens', (id: string) => homeToken(longest, id, fileSystemId), /^[\x20-\x7e]{1,64}$/],
] as const)('names of %s fit what AWS takes, whatever the id, and never meet', (_, nameOf, pattern) => {
  const names = ids.map(nameOf);
  for (const name of names) expect(name).toMatch(pattern);
  expect(new Set(names).size).toBe(ids.length);
  expect(ids.map(nameOf)).toEqual(names);
});

test('two deployments never share a name', () => {
  for (const nameOf of [serviceName, familyName, targetGroupName]) {
    expect(nameOf('ab', 'cdefghijklmnopqr')).not.toBe(nameOf('abc', 'defghijklmnopqr'));
  }
  expect(homeToken('a', 'home', 'fs-1')).not.toBe(homeToken('a', 'home', 'fs-2'));
});

test.each(['', 'Upper', 'has-hyphen', 'thirteenchars', 'ä'])('the deployment %j is refused', name => {
  expect(() => checkDeployment(name)).toThrow('ARMADA_DEPLOYMENT');
});

const owner = { deployment: 'school', kind: 'workspace', id: 'a1', name: 'fall-intro-ada' };

test('what carries all of our tags is ours, what carries none is unmarked, any other value is foreign', () => {
  const tags = new Map(tagsOf(owner));
  expect(ownership(tags, owner)).toBe('ours');
  expect(ownership(new Map(), owner)).toBe('unmarked');
  expect(ownership(tags, { ...owner, id: 'a2' })).toBe('foreign');
  expect(ownership(tags, { ...owner, deployment: 'other' })).toBe('foreign');
  expect(ownership(tags, { ...owner, name: 'renamed' } as typeof owner)).toBe('ours');
});

test('tag values hold no letter that AWS refuses', () => {
  const tags = tagsOf({ ...owner, name: `${'ä!"§$%&/()=?'.repeat(60)}` });
  for (const [, value] of tags) expect(value).toMatch(/^[\p{L}\p{N} +\-=._:/@]{1,256}$/u);
});
