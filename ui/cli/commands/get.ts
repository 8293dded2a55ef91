import type { Cohort } from '../../../api/resources/cohort.ts';
import type { Course } from '../../../api/resources/course.ts';
import type { Event } from '../../../api/resources/event.ts';
import { type Description, describeWorkspace } from '../../../api/resources/labels.ts';
import type { Student } from '../../../api/resources/student.ts';
import { describeStudent } from '../../../api/resources/student-labels.ts';
import type { Workspace } from '../../../api/resources/workspace.ts';
import { exitCodes, Fault } from '../fault.ts';
import { plainText, printData, printItems, toned } from '../output.ts';
import type { Session } from '../session.ts';

/** A workspace as the API answers it. */
export type WorkspaceItem = Workspace & { readonly url: string | null };

/** What `get` and `delete` know, by the words that people use for it. */
const kinds: Readonly<Record<string, 'workspaces' | 'students' | 'cohorts' | 'courses' | 'events'>> = {
  ...{ workspace: 'workspaces', workspaces: 'workspaces', ws: 'workspaces' },
  ...{ student: 'students', students: 'students' },
  ...{ cohort: 'cohorts', cohorts: 'cohorts' },
  ...{ course: 'courses', courses: 'courses' },
  ...{ event: 'events', events: 'events' },
};

/** The kind that a word stands for. Throws a usage Fault. */
export function kindOf(word: string) {
  const kind = Object.hasOwn(kinds, word) ? kinds[word] : undefined;
  if (kind) return kind;
  throw new Fault(
    `There is no kind ${JSON.stringify(word)}.`,
    'armada get workspaces|students|cohorts|courses|events',
    {
      exitCode: exitCodes.usage,
    },
  );
}

/** `get KIND [NAME]`: a list, or the one of that name. */
export async function get(
  session: Session,
  word: string,
  name: string | undefined,
  filter: { readonly course?: string; readonly cohort?: string; readonly label?: string },
): Promise<number> {
  const kind = kindOf(word);
  const read = async <T>(query = {}): Promise<readonly T[]> =>
    name === undefined
      ? session.client.list<T>(kind, query)
      : [await session.client.ask<T>('GET', `${kind}/${encodeURIComponent(name)}`)];
  switch (kind) {
    case 'workspaces': {
      const items = await read<WorkspaceItem>({ course: filter.course, cohort: filter.cohort, label: filter.label });
      printItems(session, items, {
        head: ['WORKSPACE', 'STUDENT', 'EMAIL', 'STATE', 'NOW'],
        row: item => {
          const said = describe(session, item);
          return [item.slug, item.student.name, item.student.email, { tone: said.tone, text: said.label }, said.now];
        },
      });
      break;
    }
    case 'students':
      printItems(session, await read<Student>(), {
        head: ['STUDENT', 'NAME', 'EMAIL', 'STATE', 'NOW'],
        row: item => {
          const said = describeStudent({ student: item, now: session.world.now() });
          return [item.slug, item.spec.name, item.spec.email, { tone: said.tone, text: said.label }, said.text];
        },
      });
      break;
    case 'cohorts':
      printItems(session, await read<Cohort>(), {
        head: ['COHORT', 'NAME', 'STUDENTS'],
        row: item => [item.slug, item.spec.name, String(item.size)],
      });
      break;
    case 'courses':
      printItems(session, await read<Course>(), {
        head: ['COURSE', 'NAME', 'COHORTS', 'CPU', 'MEMORY', 'IDLE'],
        row: ({ slug, spec, cohorts }) => [
          slug,
          spec.name,
          cohorts.join(',') || '-',
          `${spec.cpu / 1024} vCPU`,
          `${spec.memory} MiB`,
          spec.idleMinutes === null ? 'never' : `${spec.idleMinutes} min`,
        ],
      });
      break;
    case 'events': {
      const about = name === undefined ? '' : `&about=${encodeURIComponent(name)}`;
      const { items } = await session.client.ask<{ items: readonly Event[] }>('GET', `events?limit=100${about}`);
      printEvents(session, items.toReversed());
    }
  }
  return exitCodes.ok;
}

/** Prints events, oldest first. */
export function printEvents(session: Session, events: readonly Event[]): void {
  printItems(session, events, {
    head: ['AT', 'REASON', 'BY', 'MESSAGE'],
    row: event => [
      event.at,
      { tone: event.tone === 'normal' ? 'idle' : 'warn', text: event.reason },
      event.actor ?? event.by ?? '-',
      event.message,
    ],
  });
}

/** One workspace in words, as of now. */
export function describe(session: Session, workspace: Workspace): Description {
  return describeWorkspace({ workspace, now: session.world.now() });
}

/** `describe workspace X`: asked, is, conditions, last events. */
export async function describeCommand(session: Session, name: string): Promise<number> {
  const workspace = await session.client.ask<WorkspaceItem>('GET', `workspaces/${encodeURIComponent(name)}`);
  const answer = await session.client.ask<{ items: readonly Event[] }>('GET', `events?limit=10&about=${workspace.id}`);
  const events = answer.items.toReversed();
  if (session.format !== 'table') {
    printData(session, { workspace, events });
    return exitCodes.ok;
  }
  const { spec, status, template, student } = workspace;
  const said = describe(session, workspace);
  const lines: readonly (readonly [string, string])[] = [
    ['Workspace', workspace.slug],
    ['Student', `${student.name} <${student.email}>`],
    ['Course', `${workspace.course.name} (${workspace.course.slug}), cohort ${workspace.cohort.slug}`],
    [
      'Asked',
      `${spec.running ? 'to run' : 'to be stopped'}; generation ${workspace.generation}, restarts ${spec.restarts}`,
    ],
    ['Is', `${toned(session.world, said.tone, said.label)}: ${said.now}`],
    ['', said.staff.sentence],
    ['Observed', `generation ${status.observedGeneration}, step ${status.step}`],
    ['Size', `${template.cpu / 1024} vCPU, ${template.memory} MiB`],
    ['Address', workspace.url ?? 'none yet'],
  ];
  const { stdout } = session.world;
  // What is said of the state is ours and may be coloured; the rest is other people's text.
  for (const [title, text] of lines) {
    if (text !== '') stdout.write(`${title.padEnd(11)}${title === 'Is' ? text : plainText(text)}\n`);
  }
  stdout.write('\nConditions\n');
  for (const { type, status: is, reason, message, since } of status.conditions)
    stdout.write(`  ${type} ${is}  ${reason}  since ${since}  ${plainText(message)}\n`);
  if (status.conditions.length === 0) stdout.write('  none yet: the controller has not looked at it\n');
  stdout.write('\nLast events\n');
  for (const { at, reason, message, by, actor } of events) {
    const who = by === null ? '' : ` (${plainText(actor ?? by)})`;
    stdout.write(`  ${at}  ${reason}  ${plainText(message)}${who}\n`);
  }
  if (events.length === 0) stdout.write('  none\n');
  return exitCodes.ok;
}
