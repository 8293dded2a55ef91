import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const top = path.join(import.meta.dirname, '..');
const names = globSync('**/*.test.ts', { cwd: top }).flatMap(file => {
  const text = readFileSync(path.join(top, file), 'utf8');
  return [...text.matchAll(/['`]((?:[VT]\d+(?:, )?)+): /g)].flatMap(([, list = '']) => list.split(', '));
});
const named = new Set(names);

/** The past vulnerabilities of others that must not come back. */
const vulnerabilities = Array.from({ length: 29 }, (_, index) => `V${index + 1}`);
/** Threats whose defence can be seen on one machine; T1, T2, T4 and T24 are about the template and AWS. */
const threats = [3, ...Array.from({ length: 19 }, (_, index) => index + 5), 25, 26].map(number => `T${number}`);
/** What has no test yet, and why. */
const missing: Readonly<Record<string, string>> = {};

test('every past vulnerability and every threat to one machine has a test of its name', () => {
  const untested = [...vulnerabilities, ...threats].filter(each => !named.has(each));
  expect(untested).toEqual(Object.keys(missing));
});
