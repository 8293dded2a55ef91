import fs from 'node:fs';
import type { Student } from '../../../api/resources/student.ts';
import { exitCodes, Fault } from '../fault.ts';
import { plainText, printData } from '../output.ts';
import { counted } from '../plan-words.ts';
import type { Session } from '../session.ts';
import { kindOf, type WorkspaceItem } from './get.ts';

interface BulkAnswer {
  readonly results: readonly {
    readonly id: string;
    readonly slug?: string;
    readonly ok: boolean;
    readonly problem?: { readonly detail?: string };
  }[];
}

/** `start|stop|restart`: by names, or all of a course. 1 when one of the named was refused. */
export async function act(
  session: Session,
  verb: 'start' | 'stop' | 'restart',
  names: readonly string[],
  { course, cohort }: { readonly course?: string; readonly cohort?: string },
): Promise<number> {
  if (names.length > 0 === (course !== undefined) || (cohort !== undefined && course === undefined)) {
    throw new Fault('Name workspaces, or a course and perhaps a cohort.', `armada ${verb} --help`, {
      exitCode: exitCodes.usage,
    });
  }
  const body = course === undefined ? { ids: names } : { course, cohort };
  const { results } = await session.client.ask<BulkAnswer>('POST', `workspaces:${verb}`, { body });
  const refused = results.filter(result => !result.ok);
  if (session.format !== 'table') printData(session, results);
  else session.world.stdout.write(`${verb} asked of ${counted(results.length - refused.length, 'workspace')}\n`);
  // Of a whole course, what does not fit the verb is simply left as it is.
  if (course !== undefined || refused.length === 0) return exitCodes.ok;
  const lines = refused.map(({ id, slug, problem }) => `${slug ?? id}: ${problem?.detail ?? 'refused'}`);
  throw new Fault(lines.map(plainText).join('\n'), 'armada get workspaces');
}

/** `delete KIND NAME…`: after a yes, or with `--yes`. Homes are kept by the API. */
export async function remove(session: Session, word: string, names: readonly string[], yes: boolean): Promise<number> {
  const kind = kindOf(word);
  if (kind === 'events') throw new Fault('Events stay.', 'armada events', { exitCode: exitCodes.usage });
  const { world, client } = session;
  if (!yes) {
    if (!world.ask) throw new Fault('Nobody to ask; nothing is deleted.', 'the same command with --yes');
    const answer = await world.ask(`Delete ${names.join(', ')} (files are kept)? (yes/no) `);
    if (answer.trim().toLowerCase() !== 'yes') throw new Fault('Nothing is deleted.', 'the same command, and “yes”');
  }
  for (const name of names) {
    const path = `${kind}/${encodeURIComponent(name)}`;
    // Deleting what is not there is no fault to the API; a misspelt name is one to people.
    await client.ask('GET', path);
    await client.ask('DELETE', path);
    world.stdout.write(`${kind.slice(0, -1)} ${plainText(name)} deleted\n`);
  }
  return exitCodes.ok;
}

interface RosterAnswer {
  readonly added: readonly { readonly name: string; readonly email: string }[];
  readonly unchanged: readonly unknown[];
  readonly missing: readonly Pick<Student, 'slug'>[];
  readonly problems: readonly { readonly line: number; readonly text: string; readonly reason: string }[];
}

/** `roster add FILE`: adds whom the file names; 1 when a line could not be read (the others are added all the same). */
export async function addRoster(
  session: Session,
  file: string,
  { cohort, dryRun = false, invite }: { readonly cohort: string; readonly dryRun?: boolean; readonly invite: boolean },
): Promise<number> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(fs.readFileSync(file));
  } catch {
    throw new Fault(`${file} can’t be read.`, 'armada roster add --help', { exitCode: exitCodes.usage });
  }
  const path = `cohorts/${encodeURIComponent(cohort)}/roster?dryRun=${dryRun}&invite=${invite}`;
  const answer = await session.client.upload<RosterAnswer>(path, bytes, 'text/csv');
  if (session.format !== 'table') printData(session, answer);
  else {
    for (const { name, email } of answer.added) session.world.stdout.write(`+ ${plainText(name)} <${email}>\n`);
    const said = `${answer.added.length} ${dryRun ? 'would be added' : 'added'}, ${answer.unchanged.length} already here`;
    session.world.stdout.write(`${said}, ${answer.missing.length} here but not in the file (they stay)\n`);
  }
  if (answer.problems.length === 0) return exitCodes.ok;
  const lines = answer.problems.map(({ line, text, reason }) => `${file}:${line}: ${plainText(text)}: ${reason}`);
  throw new Fault(lines.join('\n'), `mend these lines of ${file}, then the same command again`);
}

/** `open NAME`: prints the address of a workspace's door, and shows it in a browser where there is a terminal. */
export async function open(session: Session, name: string): Promise<number> {
  const workspace = await session.client.ask<WorkspaceItem>('GET', `workspaces/${encodeURIComponent(name)}`);
  const url = `${session.client.origin}/open/${workspace.slug}`;
  session.world.stdout.write(`${url}\n`);
  session.world.launch?.(url);
  return exitCodes.ok;
}
