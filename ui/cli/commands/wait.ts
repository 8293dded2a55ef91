import type { Event } from '../../../api/resources/event.ts';
import { queryOf } from '../client.ts';
import { exitCodes, Fault } from '../fault.ts';
import { plainText, printData } from '../output.ts';
import type { Session } from '../session.ts';
import { watchChanges } from '../watch.ts';
import { describe, printEvents, type WorkspaceItem } from './get.ts';

/** What one can wait for. */
export const goals = ['ready', 'stopped'] as const;

/** `wait workspace X`: 0 once it is so, 3 when it is not in time, 1 when it never will be. Listens; it does not poll. */
export async function waitFor(
  session: Session,
  name: string,
  options: { readonly for: (typeof goals)[number]; readonly milliseconds: number },
): Promise<number> {
  const { client, world } = session;
  const path = `workspaces/${encodeURIComponent(name)}`;
  const first = await client.ask<WorkspaceItem>('GET', path);
  const timeout = AbortSignal.timeout(options.milliseconds);
  let seen = first;
  try {
    for await (const told of watchChanges(client, { signal: AbortSignal.any([world.signal, timeout]) })) {
      if (told.type === 'alive' || (told.type === 'change' && told.change.id !== first.id)) continue;
      // A change says that there is something to read; what is read is the newest.
      seen = await client.ask<WorkspaceItem>('GET', path);
      if (!isThere(session, seen, options.for)) continue;
      if (session.format === 'table') world.stdout.write(`${seen.slug} is ${options.for}\n`);
      else printData(session, seen);
      return exitCodes.ok;
    }
  } catch (error) {
    if (!timeout.aborted || world.signal.aborted) throw error;
  }
  const { label, now } = describe(session, seen);
  throw new Fault(
    `${seen.slug} is not ${options.for} in time: ${label}, ${now}.`,
    `armada describe workspace ${seen.slug}`,
    {
      exitCode: exitCodes.notInTime,
    },
  );
}

/** Whether the goal is reached; throws when it can't be reached without a person. */
function isThere(session: Session, workspace: WorkspaceItem, goal: (typeof goals)[number]): boolean {
  const next = `armada describe workspace ${workspace.slug}`;
  const said = describe(session, workspace);
  if (workspace.deletedAt !== null) throw new Fault(`${workspace.slug} is removed.`, 'armada get workspaces');
  if (said.state === 'stuck') throw new Fault(`${workspace.slug} is stuck. ${said.staff.sentence}`, next);
  if (workspace.status.observedGeneration < workspace.generation) return false;
  return goal === 'ready'
    ? workspace.spec.running && said.state === 'running'
    : !workspace.spec.running && workspace.status.step === 'stopped';
}

/** `events`: what happened; with `watch`, what happens too, until Ctrl-C. */
export async function events(
  session: Session,
  options: { readonly about?: string; readonly watch?: boolean; readonly limit: string },
): Promise<number> {
  const { client, world } = session;
  const page = (limit: string, cursor?: string) =>
    client.ask<{ items: readonly Event[]; cursor: string | null }>(
      'GET',
      `events${queryOf({ about: options.about, limit, cursor })}`,
    );
  const { items } = await page(options.limit);
  if (!options.watch) {
    printEvents(session, items.toReversed());
    return exitCodes.ok;
  }
  let last = items[0]?.id ?? 0;
  tell(session, items.toReversed());
  for await (const _ of watchChanges(client, { signal: world.signal })) {
    const fresh: Event[] = [];
    let cursor: string | null = null;
    do {
      const more = await page('100', cursor ?? undefined);
      fresh.push(...more.items.filter(event => event.id > last));
      cursor = more.items.every(event => event.id > last) ? more.cursor : null;
    } while (cursor !== null);
    last = fresh[0]?.id ?? last;
    tell(session, fresh.toReversed());
  }
  return exitCodes.ok;
}

/** One line, or one document, for each event, so that another program can read them as they come. */
function tell({ world, format }: Session, items: readonly Event[]): void {
  for (const event of items) {
    const line =
      format === 'table'
        ? `${event.at}  ${event.reason}  ${plainText(event.actor ?? event.by ?? '-')}  ${event.message.replaceAll(/\s+/g, ' ')}`
        : JSON.stringify(event);
    world.stdout.write(`${format === 'yaml' ? '---\n' : ''}${line}\n`);
  }
}
