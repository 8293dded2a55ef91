import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { defaultHost } from '../../api/resources/forecast.ts';
import { readOptions } from '../local/options.ts';
import { backup, restore } from './backup.ts';
import { connect } from './connect.ts';
import { type CostFlags, cost } from './cost.ts';
import { doctor } from './doctor.ts';
import { OperateFault } from './fault.ts';
import { leave } from './leave.ts';

/** `npm run operate -- VERB`: what an instructor does with a deployment beside its classes. */

const usageCode = 2;
const lookEveryMilliseconds = 5000;
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
const say = (line: string) => console.log(line);
const here = { databaseUrl: process.env['DATABASE_URL'] || undefined, report: say, now: () => new Date() };

const program = new Command('operate')
  .description('Looks after a deployment of Armada: checks, costs, backup, leaving.')
  .exitOverride()
  .showHelpAfterError('(operate --help lists what there is)');

program
  .command('cost')
  .description('estimate per student and month, idle stop on and off')
  .option('--students <n>', 'students of the class (default 30)', positive)
  .option('--hours <n>', 'hours a week that each works', positive, 10)
  .option('--memory <MiB>', 'memory of a workspace (default 1024)', positive)
  .option('--host <type>', 'EC2 type of the hosts', defaultHost)
  .option('--always-on', 'workspaces never stop by themselves')
  .option('--no-domain', 'without a domain of your own')
  .option('-f, --file <class.yaml>', 'take the sizes from a class’s file')
  .action(async (flags: CostFlags) => say(await cost(flags)));

const dataFlag = ['--data <dir>', 'the data folder, as for npm start'] as const;
program
  .command('backup')
  .description('save database, homes, users and secrets of this machine’s installation, running or not')
  .requiredOption('--to <file>', 'a new file, or a folder for one')
  .option(...dataFlag)
  .action(async (flags: { to: string; data?: string }) => {
    const file = await backup(flags.to, { ...here, data: dataFolder(flags.data), signal: abort.signal });
    say(`Saved to ${file}. Secrets and students’ files are in it: keep it where only you can read it.`);
  });
program
  .command('restore')
  .description('make an installation from a backup, in an empty folder')
  .requiredOption('--from <file>', 'what backup wrote')
  .option(...dataFlag)
  .action(async (flags: { from: string; data?: string }) => {
    const data = dataFolder(flags.data);
    await restore(flags.from, { ...here, data, signal: abort.signal });
    say(`Restored to ${data}. Start it:  npm start -- --data ${data}`);
  });

const clusterFlag = ['--cluster <name>', 'the ECS cluster of the deployment', 'armada'] as const;
program
  .command('doctor')
  .description('check rights, resources, quotas and domain of a deployment; changes nothing')
  .option(...clusterFlag)
  .option('--data <dir>', 'check this machine’s installation in that data folder, running')
  .option('--students <n>', 'students that are to work at once', positive, 30)
  .option('--memory <MiB>', 'memory of a workspace', positive, 1024)
  .action(async (flags: { cluster: string; data?: string; students: number; memory: number }) => {
    const connected = await connect(process.env, flags);
    const { students, memory } = flags;
    const healthy = await doctor({ ...connected, students, memory, report: say, signal: abort.signal });
    say(healthy ? 'Nothing must be mended.' : 'Mend what is WRONG above, then run doctor again.');
    process.exitCode = healthy ? 0 : 1;
  });
program
  .command('leave')
  .description('take away what the controller made, before the stack is deleted; a dry run without --yes')
  .option(...clusterFlag)
  .option('--data <dir>', 'this machine’s installation in that data folder, running')
  .option('--homes', 'access points too (files stay on the file system)', false)
  .option('--yes', 'do it', false)
  .action(async (flags: { cluster: string; data?: string; homes: boolean; yes: boolean }) => {
    const { clients, deployment } = await connect(process.env, flags);
    const wait = () => delay(lookEveryMilliseconds, undefined, { signal: abort.signal });
    const asked = { act: flags.yes, homes: flags.homes };
    await leave({ clients, deployment, ...asked, wait, report: say, signal: abort.signal });
  });

try {
  await program.parseAsync();
  process.exit(process.exitCode ?? 0);
} catch (error) {
  process.exit(codeOf(error));
}

function dataFolder(given: string | undefined): string {
  const options = readOptions(given === undefined ? [] : ['--data', given], {});
  return options === 'help' ? path.resolve(given ?? '.') : options.data;
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return number;
}

/** Says what went wrong and answers with the exit code: 1 failed, 2 wrong usage. */
function codeOf(error: unknown): number {
  // Commander has printed its own, and help is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageCode;
  if (abort.signal.aborted) {
    console.error('Stopped. Nothing half-written was left behind; run it again to go on.');
    return 1;
  }
  if (error instanceof OperateFault) {
    console.error(error.message);
    return error.exitCode;
  }
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
    console.error('The disk is full. Free some space, or choose another place, and run it again.');
    return 1;
  }
  const detail = error instanceof Error ? error.message : String(error);
  console.error(`${detail}\nRun it again; if it stays so, see the folder logs in the data folder, or the AWS console.`);
  return 1;
}
