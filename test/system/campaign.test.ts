import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bugs } from '../campaign/bugs.ts';
import { lineOf, runCampaign } from '../campaign/campaign.ts';
import { bySocket } from '../campaign/databases.ts';
import type { Result } from '../campaign/run.ts';
import { coreScenarios, scenarios } from '../campaign/scenarios.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** One process for each of CI's cores. */
const workers = 2;

let databases: readonly TestDatabase[];
let urls: readonly string[];
beforeAll(async () => {
  databases = await Promise.all(Array.from({ length: workers }, () => createDatabase()));
  urls = await Promise.all(databases.map(({ url }) => bySocket(url)));
});
afterAll(() => Promise.all(databases.map(database => database.close())));

const named = (...names: readonly string[]) => scenarios.filter(({ name }) => names.includes(name));
const seed = 1;

test('every fault at every point of create, start, stop and delete ends as without it', async () => {
  const report = await runCampaign({ databaseUrls: urls, scenarios: named(...coreScenarios), seed });
  console.log(lineOf(report));
  expect(report.failures.map(({ plan, violations }) => ({ plan, violations }))).toEqual([]);
  expect(report.runs).toBeGreaterThan(800);
  // After a fault the order of reads may differ; what is written does not.
  expect(report.missed.length).toBeLessThan(report.runs / 10);
}, 600_000);

describe('the campaign is not blind: it catches', () => {
  const caught = new Map<string, readonly Result[]>();
  beforeAll(async () => {
    const queue = [...bugs];
    const hunt = async (url: string) => {
      for (let bug = queue.shift(); bug; bug = queue.shift()) {
        const { name, scenario, faults = ['none'] as const, operation } = bug;
        const [databaseUrls, chosen] = [[url], named(scenario)];
        const planted = { databaseUrls, scenarios: chosen, faults, operation, bug: name, seed, firstOnly: true };
        caught.set(name, (await runCampaign(planted)).failures);
      }
    };
    await Promise.all(urls.map(hunt));
  }, 600_000);

  test.each(bugs)('$name', ({ name, says }) => {
    const violations = caught.get(name)?.flatMap(failure => failure.violations) ?? [];
    expect(violations.join('\n')).toMatch(says);
  });
});

/** Runs `npm run campaign` with these arguments, over the PostgreSQL of this run. */
async function command(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, ['test/campaign/main.ts', ...args], {
    env: { ...process.env, TEST_DATABASE_URL: inject('postgresUrl') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, output };
}

test('a failing run leaves a file, and the file makes the same run fail again', async () => {
  const bug = 'ready without a look at the balancer';
  // One run, at the first point.
  const first = await command(
    '--scenario',
    'start',
    '--bug',
    bug,
    '--stride',
    '100000',
    '--workers',
    '1',
    '--seed',
    '5',
  );
  expect(first.code).toBe(1);
  expect(first.output).toContain('seed 5');
  const file = /^(\S+\.json): /m.exec(first.output)?.[1] ?? '';
  const again = await command('--replay', file);
  expect(again.code).toBe(1);
  expect(again.output).toContain('seed 5');
  expect(again.output).toContain('ready without a healthy target');
  expect(again.output).toMatch(/= 1 runs: 0 lost homes, 0 orphans, 0 wrong routes, 0 double mounts/);
}, 300_000);

test('the command says what it can do, and refuses a scenario that there is not', async () => {
  const help = await command('--help');
  expect(help.code).toBe(0);
  for (const option of ['--scenario', '--replay', '--seed', '--whole', '--sigkill', '--sigkill-all'])
    expect(help.output).toContain(option);
  expect((await command('--scenario', 'nothing')).code).toBe(2);
});
