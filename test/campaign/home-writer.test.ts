import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HomeWriter, judgeSaved } from './home-writer.ts';

/** What is found in a home after a kill is judged: a lie each, and the truth once. */

let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'armada-saved-'));
});
afterAll(() => rm(home, { recursive: true }));

const writer = (life: string, acknowledged: number): HomeWriter => ({
  life,
  acknowledged: () => acknowledged,
  begun: Promise.resolve(),
  ended: Promise.resolve(),
});

async function judged(lines: readonly string[], ...writers: readonly HomeWriter[]): Promise<readonly string[]> {
  await writeFile(path.join(home, 'saved-lines'), lines.map(line => `${line}\n`).join(''));
  return judgeSaved(home, writers);
}

test('all that was acknowledged, and a line more of which nobody heard, is as it should be', async () => {
  expect(await judged(['1 1', '1 2', '1 3', '2 1'], writer('1', 2), writer('2', 1))).toEqual([]);
});

test('a line that was acknowledged and is not there is lost', async () => {
  expect(await judged(['1 1', '2 1'], writer('1', 2), writer('2', 1))).toEqual([
    'lost home: of 2 lines that life 1 saved, 1 are there',
  ]);
});

test('a home that is another one has lost all', async () => {
  expect((await judged([], writer('1', 2), writer('2', 1))).join()).toMatch(/life 1 .*life 2/);
});

test('one that writes on after the next has begun is a second one on the home', async () => {
  expect((await judged(['1 1', '2 1', '1 2'], writer('1', 2), writer('2', 1))).join()).toContain('double mount');
});

test('lines that are out of order are told', async () => {
  expect((await judged(['1 1', '1 3'], writer('1', 1))).join()).toContain('line 3 of life 1 is out of order');
});
