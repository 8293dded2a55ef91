import { Command, InvalidArgumentError, Option } from 'commander';
import { act, addRoster, open, remove } from './commands/act.ts';
import { apply } from './commands/apply.ts';
import { describeCommand, get } from './commands/get.ts';
import { events, goals, waitFor } from './commands/wait.ts';
import { formats, type Session } from './session.ts';

/** The flags that every verb knows. */
export interface Flags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly output: (typeof formats)[number];
}

/** Verbs about a whole deployment, not through its portal: infra/operate has them. */
export const operatorVerbs: ReadonlySet<string> = new Set(['doctor', 'cost', 'backup', 'restore', 'leave']);

const about = `
About a whole deployment: armada doctor, cost, backup, restore, leave (each with --help).

Settings: ARMADA_URL (default http://localhost:8080) and ARMADA_TOKEN. Where neither --token-file nor ARMADA_TOKEN is
given and the address is localhost, the operator token of this machine's own installation is read from
/var/lib/armada/secrets.json, if you may read it. The token is sent to that one address and nowhere else.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready in time.`;

/** The command line. `run` gets each verb with what it needs and keeps its exit code. */
export function commandLine(
  run: (flags: Flags, verb: (session: Session) => Promise<number>) => Promise<void>,
  write: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Command {
  const program = new Command('armada')
    .description('Look at classes and workspaces, and say what they should be.')
    .exitOverride()
    .configureOutput({ writeOut: write.out, writeErr: write.err, outputError: () => undefined })
    .option('--url <url>', 'where Armada is')
    .option('--token-file <file>', 'file that holds the token')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(formats).default('table'))
    .addHelpText('after', about);
  const verb = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .addOption(new Option('-o, --output <format>', 'how to print').choices(formats));
  const go = (command: Command, step: (session: Session) => Promise<number>) =>
    run({ ...program.opts<Flags>(), ...command.optsWithGlobals<Flags>(), ...outputOf(command, program) }, step);

  verb('get <kind> [name]', 'list workspaces, students, cohorts, courses or events')
    .option('--course <course>', 'workspaces of this course only')
    .option('--cohort <cohort>', 'workspaces of this cohort only')
    .option('--label <state>', 'workspaces in this state only, as stuck')
    .action((kind: string, name: string | undefined, options, command: Command) =>
      go(command, session => get(session, kind, name, options)),
    );
  verb('describe <kind> <name>', 'show one workspace: asked, is, conditions, last events').action(
    (kind: string, name: string, _options, command: Command) => {
      onlyWorkspaces(kind);
      return go(command, session => describeCommand(session, name));
    },
  );
  verb('apply', 'make classes as a document says')
    .requiredOption('-f, --file <file>', 'the class document')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--prune', 'remove without asking what the document no longer names')
    .option('--yes', 'do not ask, unless something is to be removed')
    .action((options, command: Command) => go(command, session => apply(session, options)));
  for (const name of ['start', 'stop', 'restart'] as const) {
    verb(`${name} [names...]`, `${name} workspaces`)
      .option('--course <course>', 'all of this course')
      .option('--cohort <cohort>', 'with --course: of this cohort only')
      .action((names: string[], options, command: Command) =>
        go(command, session => act(session, name, names, options)),
      );
  }
  verb('wait <kind> <name>', 'wait until a workspace is ready or stopped')
    .addOption(new Option('--for <goal>', 'what to wait for').choices(goals).default('ready'))
    .option('--timeout <time>', 'how long, as 90s, 5m or 1h', millisecondsOf, 300_000)
    .action((kind: string, name: string, options, command: Command) => {
      onlyWorkspaces(kind);
      return go(command, session => waitFor(session, name, { for: options.for, milliseconds: options.timeout }));
    });
  verb('events', 'what happened')
    .option('-w, --watch', 'go on telling until Ctrl-C')
    .option('--about <name>', 'of this workspace or student only')
    .option('--limit <count>', 'how many of the last', '100')
    .action((options, command: Command) => go(command, session => events(session, options)));
  program
    .command('roster')
    .description('students of a cohort')
    .command('add <file>')
    .description('add those whom a CSV file or list names')
    .requiredOption('--cohort <cohort>', 'to which cohort')
    .option('--dry-run', 'show what would be added')
    .option('--no-invite', 'send no invitations')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(formats))
    .action((file: string, options, command: Command) => go(command, session => addRoster(session, file, options)));
  verb('delete <kind> <names...>', 'delete; files in homes are kept')
    .option('--yes', 'do not ask')
    .action((kind: string, names: string[], options, command: Command) =>
      go(command, session => remove(session, kind, names, options.yes === true)),
    );
  verb('open <name>', 'show a workspace in the browser').action((name: string, _options, command: Command) =>
    go(command, session => open(session, name)),
  );
  return program;
}

/** A verb's own -o, else the one before the verb. */
function outputOf(command: Command, program: Command): Pick<Flags, 'output'> {
  return { output: command.opts<Partial<Flags>>().output ?? program.opts<Flags>().output };
}

function onlyWorkspaces(kind: string): void {
  if (!['workspace', 'workspaces', 'ws'].includes(kind))
    throw new InvalidArgumentError(`This verb knows workspaces only, not ${JSON.stringify(kind)}.`);
}

function millisecondsOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const factor = units[unit ?? ''];
  if (count === undefined || factor === undefined) throw new InvalidArgumentError('Say a time as 90s, 5m or 1h.');
  return Number(count) * factor;
}
