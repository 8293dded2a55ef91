import { mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import pg from 'pg';
import { setup } from '../support/global-setup.ts';
import { lineOf, runCampaign } from './campaign.ts';
import type { Plan } from './run.ts';
import { scenarios } from './scenarios.ts';

/** `npm run campaign`: every scenario, once per recorded point and fault. Exit code 1: an oracle was violated. */

const { replay, scenario, worlds, seed } = new Command()
  .option('--replay <file>', 'run again what a failing run left')
  .option('--scenario <name...>', 'only these')
  .option('--worlds <number>', 'how many side by side', '8')
  .option('--seed <number>', 'of the shuffled lists', String(Math.floor(Math.random() * 2 ** 31)))
  .parse()
  .opts<{ replay?: string; scenario?: string[]; worlds: string; seed: string }>();

/** Mulberry32. The order of events between processes still differs from run to run. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const plans: readonly Plan[] | undefined = replay ? [JSON.parse(await readFile(replay, 'utf8')).plan] : undefined;
const wanted = plans?.map(plan => plan.scenario) ?? scenario;
const chosen = scenarios.filter(({ name }) => !wanted || wanted.includes(name));
Math.random = randomFrom(Number(seed));
console.log(`seed ${seed}`);

const provided = new Map<string, string>();
const teardown = await setup({ provide: (name: string, value: string) => provided.set(name, value) } as never);
const server = new pg.Client({ connectionString: provided.get('postgresUrl') });
await server.connect();
const databaseUrls: string[] = [];
for (let index = 0; index < (plans ? 1 : Number(worlds)); index += 1) {
  await server.query(`create database campaign_${index} template ${provided.get('templateDatabase')}`);
  const url = new URL(provided.get('postgresUrl') ?? '');
  url.pathname = `/campaign_${index}`;
  databaseUrls.push(url.href);
}
const folder = path.join(os.tmpdir(), `armada-campaign-${seed}`);
const begun = performance.now();
let ran = 0;
const saved: Promise<void>[] = [];
const report = await runCampaign({
  databaseUrls,
  scenarios: chosen,
  ...(plans ? { plans } : {}),
  told(result) {
    ran += 1;
    if (ran % 200 === 0) console.log(`${ran} runs, ${Math.round((performance.now() - begun) / 1000)} s`);
    if (result.violations.length === 0) return;
    const file = path.join(folder, `${ran}.json`);
    console.log(`${file}: ${JSON.stringify(result.plan)}: ${result.violations.join(' | ').slice(0, 600)}`);
    saved.push(mkdir(folder, { recursive: true }).then(() => writeFile(file, JSON.stringify(result, undefined, 2))));
  },
});
await Promise.all(saved);
console.log(lineOf(report));
console.log(
  `${report.failures.length} runs failed, ${report.missed} did not reach their point, ${Math.round((performance.now() - begun) / 1000)} s`,
);
await server.end();
await teardown();
process.exitCode = report.failures.length > 0 ? 1 : 0;
