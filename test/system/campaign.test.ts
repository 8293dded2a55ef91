import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bugs } from '../campaign/bugs.ts';
import { lineOf, runCampaign } from '../campaign/campaign.ts';
import { coreScenarios, scenarios } from '../campaign/scenarios.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** One process for each of CI's cores. */
const workers = 2;

let databases: readonly TestDatabase[];
beforeAll(async () => {
  databases = await Promise.all(Array.from({ length: workers }, () => createDatabase()));
});
afterAll(() => Promise.all(databases.map(database => database.close())));

const named = (...names: readonly string[]) => scenarios.filter(({ name }) => names.includes(name));
const urls = () => databases.map(({ url }) => url);
const seed = 1;

/** Every fault of the four; a number leaves some out, for whoever looks at something else. */
const stride = Number(process.env['CAMPAIGN_STRIDE'] ?? 1);

test('every fault of create, start, stop and delete ends as without it', async () => {
  const report = await runCampaign({ databaseUrls: urls(), scenarios: named(...coreScenarios), stride, seed });
  console.log(lineOf(report));
  expect(report.failures.map(({ plan, violations }) => ({ plan, violations }))).toEqual([]);
  expect(report.runs).toBeGreaterThan(1_000 / stride);
  // After a fault the order of reads may differ; what is written does not.
  expect(report.missed.length).toBeLessThan(report.runs / 10);
}, 600_000);

describe('the campaign is not blind: it catches', () => {
  test.each(bugs)(
    '$name',
    async ({ name, scenario, faults = ['none'] as const, operation, says }) => {
      const { failures } = await runCampaign({
        databaseUrls: urls().slice(0, 1),
        scenarios: named(scenario),
        faults,
        operation,
        bug: name,
        seed,
        firstOnly: true,
      });
      expect(failures.flatMap(({ violations }) => violations).join('\n')).toMatch(says);
    },
    120_000,
  );
});
