import { mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { bugs } from './bugs.ts';
import { lineOf, runCampaign } from './campaign.ts';
import { openDatabases } from './databases.ts';
import type { Plan, Result } from './run.ts';
import { scenarios } from './scenarios.ts';
import { killControllers } from './sigkill.ts';
import { killAll } from './sigkill-all.ts';

/** `npm run campaign`: every scenario, once per recorded point and fault. Exit code 1: an oracle was violated. */

/** Where nobody watches, progress is told this often. */
const linesApart = 50;
/** Of some nine thousand: more than the three thousand of promises §3, in ten minutes on two cores. */
const usualRuns = 3_200;
/** Source: promises §3. */
const defaultKills = 100;

interface Options {
  readonly replay?: string;
  readonly scenario?: readonly string[];
  readonly bug?: string;
  readonly sigkill?: string | true;
  readonly sigkillAll?: string | true;
  readonly workers: string;
  readonly stride?: string;
  readonly runs: string;
  readonly whole?: true;
  readonly seed: string;
}

const options = new Command('campaign')
  .description('Runs every scenario once per recorded AWS call, database write and announcement, per fault.')
  .option('--scenario <name...>', `only these (${scenarios.map(({ name }) => name).join(', ')})`)
  .option('--replay <file>', 'make the run again that a failing run left as a file')
  .option('--seed <number>', 'of ids and of the order of lists', String(Math.floor(Math.random() * 2 ** 31)))
  .option('--bug <name>', `plant a bug: ${bugs.map(({ name }) => `"${name}"`).join(', ')}`)
  .option('--runs <number>', 'so many, spread evenly', String(usualRuns))
  .option('--stride <number>', 'one run in so many, in place of --runs')
  .option('--whole', 'every single run: the better part of an hour')
  .option('--sigkill [count]', 'kill a real controller process so often, and nothing else')
  .option('--sigkill-all [count]', 'kill a whole `npm start` so often while students save, and nothing else')
  .option('--workers <number>', 'processes that share the work', '2')
  .parse()
  .opts<Options>();

/** What a failing run leaves. */
interface Saved {
  readonly seed: number;
  readonly result: Result;
}

const saved: Saved | undefined = options.replay ? JSON.parse(await readFile(options.replay, 'utf8')) : undefined;
const seed = saved?.seed ?? Number(options.seed);
const plans: readonly Plan[] | undefined = saved && [saved.result.plan];
const wanted = plans?.map(({ scenario }) => scenario) ?? options.scenario;
if (options.bug && !bugs.some(({ name }) => name === options.bug)) {
  console.error(`There is no bug ${options.bug}; see --help.`);
  process.exit(2);
}
const unknown = wanted?.filter(name => !scenarios.some(scenario => scenario.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(`There is no scenario ${unknown.join(', ')}; see --help.`);
  process.exit(2);
}
if (options.sigkillAll && (process.platform !== 'linux' || process.getuid?.() !== 0)) {
  console.error('Only root on Linux can look into the containers of `npm start`: run it so.');
  process.exit(2);
}
const kills = options.sigkill ?? options.sigkillAll;
if (kills) {
  await killed(kills === true ? defaultKills : Number(kills), options.sigkill ? 'a controller' : 'everything');
  process.exit();
}
console.log(`seed ${seed}`);

const databases = await openDatabases(plans ? 1 : Number(options.workers));
const folder = path.join(os.tmpdir(), `armada-campaign-${seed}`);
const begun = Date.now();
const seconds = () => Math.round((Date.now() - begun) / 1000);
const writing: Promise<void>[] = [];
const report = await runCampaign({
  databaseUrls: databases.urls,
  scenarios: scenarios.filter(({ name }) => !wanted || wanted.includes(name)),
  seed,
  ...(options.stride
    ? { stride: Number(options.stride) }
    : plans || options.whole
      ? {}
      : { runs: Number(options.runs) }),
  whole: options.whole === true,
  ...(plans ? { plans } : {}),
  ...(options.bug ? { bug: options.bug } : {}),
  told(result, done, all) {
    progress(`${done} of ${all} runs, ${seconds()} s`, done);
    if (result.violations.length === 0) return;
    const file = path.join(folder, `${done}.json`);
    progress('');
    console.log(`${file}: ${JSON.stringify(result.plan)}: ${result.violations.join(' | ').slice(0, 1_000)}`);
    writing.push(save(file, { seed, result }));
  },
});
progress('');
await Promise.all(writing);
for (const plan of report.missed.slice(0, 5)) console.log(`not reached: ${JSON.stringify(plan)}`);
console.log(`${report.failures.length} runs failed, ${report.missed.length} did not reach their point, ${seconds()} s`);
console.log(lineOf(report));
await databases.close();
process.exitCode = report.failures.length > 0 ? 1 : 0;

/** Real kills of real processes. */
async function killed(count: number, what: 'a controller' | 'everything'): Promise<void> {
  const began = Date.now();
  const told = (done: number) =>
    progress(`${done} of ${count} kills, ${Math.round((Date.now() - began) / 1000)} s`, done);
  const databases = await openDatabases(what === 'everything' ? 0 : 1);
  if (what === 'everything') console.log(`seed ${seed}`);
  const { kills, violations } =
    what === 'everything'
      ? await killAll(count, seed, told)
      : await killControllers(databases.urls[0] ?? '', count, told);
  progress('');
  for (const violation of violations) console.log(violation);
  const whose = what === 'everything' ? 'a whole `npm start`' : 'a controller process';
  const took = Math.round((Date.now() - began) / 1000);
  console.log(`${kills} SIGKILLs of ${whose}, ${took} s: ${violations.length} violations`);
  await databases.close();
  process.exitCode = violations.length > 0 || kills < count ? 1 : 0;
}

async function save(file: string, what: Saved): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(file, JSON.stringify(what, undefined, 2));
}

/** One line that is written over on a terminal; elsewhere one line now and then. */
function progress(text: string, done = 0): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
  else if (done > 0 && done % linesApart === 0) console.log(text);
}
