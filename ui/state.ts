import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Course } from '../api/resources/course.ts';
import { type Description, describeWorkspace } from '../api/resources/labels.ts';
import type { PersonRow } from '../api/resources/rows.ts';
import type { Student } from '../api/resources/student.ts';
import {
  type BulkAnswer,
  type Change,
  listAll,
  messageOf,
  patchWorkspace,
  request,
  type WorkspaceItem,
} from './api.ts';
import { clock, slowClock } from './clock.ts';
import { seenAt } from './live.ts';

/** Somebody who is to leave a cohort. */
export interface Leaver {
  readonly cohort: string;
  readonly slug: string;
  readonly name: string;
}

/** One workspace on a page: what is known of it, in words, and what went wrong with the last click. */
export interface Row {
  /** Its slug, which every request takes: lists leave ids out. */
  readonly slug: string;
  readonly workspace: Signal<WorkspaceItem>;
  readonly description: ReadonlySignal<Description>;
  readonly problem: Signal<string | null>;
}

/** The rows of a page. They keep their places: a list asked anew changes cells, and only new rows move in. */
export class Rows {
  readonly list: ReadonlySignal<readonly Row[]>;
  /** False until the first list has arrived. */
  readonly loaded: Signal<boolean> = signal(false);
  /** By slug: those of whom there is something to say. */
  readonly people: Signal<ReadonlyMap<string, PersonRow>> = signal(new Map());
  private readonly usualSeconds: number | null;
  /** Workspaces on their way out that this page has removed itself. */
  private readonly left = new Set<string>();
  private readonly all: Signal<readonly Row[]> = signal([]);
  private readonly hidden: Signal<ReadonlySet<string>> = signal(new Set());

  /** `usualSeconds`: how long a start takes as a rule, when that is known. */
  constructor(usualSeconds: number | null = null) {
    this.usualSeconds = usualSeconds;
    this.list = computed(() => {
      const hidden = this.hidden.value;
      return hidden.size === 0 ? this.all.value : this.all.value.filter(row => !hidden.has(keyOf(row)));
    });
  }

  /** Shows them no more, whatever is heard of them, until `unhide` or `drop`. */
  hide(leavers: readonly Leaver[]): void {
    this.hidden.value = new Set([...this.hidden.peek(), ...leavers.map(leaverKey)]);
  }

  unhide(leavers: readonly Leaver[]): void {
    const back = new Set(leavers.map(leaverKey));
    this.hidden.value = new Set([...this.hidden.peek()].filter(key => !back.has(key)));
  }

  /** Forgets the rows of somebody who has left; should they return, they are shown. */
  drop(leaver: Leaver): void {
    const key = leaverKey(leaver);
    for (const row of this.all.peek()) if (keyOf(row) === key) this.left.add(row.slug);
    this.all.value = this.all.peek().filter(row => keyOf(row) !== key);
    this.unhide([leaver]);
  }

  /** Takes in a complete list: what is not in it is gone. */
  replace(listed: readonly WorkspaceItem[]): void {
    const items = new Map<string, WorkspaceItem>();
    for (const item of listed) {
      if (item.deletedAt === null) items.set(item.slug, item);
      else if (!items.has(item.slug) && !this.left.has(item.slug)) items.set(item.slug, item);
    }
    const known = new Map(this.all.peek().map(row => [row.slug, row]));
    const sorted = [...items.values()].toSorted(
      (a, b) => a.student.name.localeCompare(b.student.name) || a.slug.localeCompare(b.slug),
    );
    for (const item of sorted) this.take(known.get(item.slug), item);
    const rows = sorted.map(item => known.get(item.slug) ?? this.create(item));
    const same = rows.length === this.all.peek().length && rows.every((row, index) => row === this.all.peek()[index]);
    if (!same) this.all.value = rows;
    this.loaded.value = true;
  }

  /**
   * Takes in one change; an older one than is known is left out. False: only a list tells what it means, for it is
   * about a workspace of unknown id that has gone, and another of its slug may have come.
   */
  change(change: Change): boolean {
    if (change.kind === 'student' && change.object) {
      this.people.value = new Map(this.people.peek()).set(change.object.slug, change.object);
      this.rename(change.object);
    }
    if (change.kind !== 'workspace') return true;
    const { id, object } = change;
    const rows = this.all.peek();
    if (object === null) {
      this.all.value = rows.filter(one => one.workspace.peek().id !== id);
      return this.all.peek().length < rows.length;
    }
    const row = rows.find(one => one.slug === object.slug);
    if (!row && object.deletedAt === null) this.all.value = [...rows, this.create(object)];
    if (!row) return true;
    if (object.deletedAt !== null && row.workspace.peek().id !== id) return false;
    this.take(row, object);
    // Its place in line is told by lists alone.
    return row.description.peek().state !== 'waiting';
  }

  /** Asks for `spec`, shown at once as asked; a refusal puts the row back and says why. */
  async ask(row: Row, spec: { running?: boolean; restarts?: number }): Promise<void> {
    const before = row.workspace.peek();
    this.expect(row, spec);
    try {
      const answer = await patchWorkspace(row.slug, spec);
      if (answer?.spec) this.take(row, answer);
    } catch (thrown) {
      this.takeBack(row, before, messageOf(thrown));
    }
  }

  /** Asks that an idle workspace runs for another hour. */
  async keep(row: Row): Promise<void> {
    try {
      this.take(row, await request<WorkspaceItem>('POST', `workspaces/${encodeURIComponent(row.slug)}/keep`));
    } catch (thrown) {
      row.problem.value = messageOf(thrown);
    }
  }

  /** Starts or stops many by one request; each row shows its own outcome. Answers a sentence when some were refused. */
  async askAll(rows: readonly Row[], verb: 'start' | 'stop'): Promise<string | null> {
    const before = new Map(rows.map(row => [row.slug, row.workspace.peek()]));
    for (const row of rows) this.expect(row, { running: verb === 'start' });
    const undo = (row: Row, why: string) => {
      const item = before.get(row.slug);
      if (item) this.takeBack(row, item, why);
    };
    try {
      const answer = await request<BulkAnswer>('POST', `workspaces:${verb}`, { ids: rows.map(row => row.slug) });
      const refused = answer.results.filter(result => !result.ok);
      for (const { id, slug = id, problem } of refused) {
        const row = rows.find(one => one.slug === slug);
        if (row) undo(row, problem?.detail ?? problem?.title ?? 'This one was refused.');
      }
      return refused.length === 0 ? null : `${refused.length} of ${rows.length} were refused: see their rows.`;
    } catch (thrown) {
      for (const row of rows) undo(row, messageOf(thrown));
      return messageOf(thrown);
    }
  }

  /** A new name or address of a person is theirs in every row: no workspace's own change tells of it. */
  private rename({ slug, spec: { name, email } }: Student): void {
    for (const { workspace } of this.all.peek()) {
      const { student } = workspace.peek();
      if (student.slug !== slug || (student.name === name && student.email === email)) continue;
      workspace.value = { ...workspace.peek(), student: { ...student, name, email } };
    }
  }

  private expect(row: Row, spec: { running?: boolean; restarts?: number }): void {
    const item = row.workspace.peek();
    row.problem.value = null;
    row.workspace.value = { ...item, generation: item.generation + 1, spec: { ...item.spec, ...spec } };
  }

  /** Puts a refused row back, unless something newer has been heard of it. */
  private takeBack(row: Row, before: WorkspaceItem, why: string): void {
    if (row.workspace.peek().version === before.version) row.workspace.value = before;
    row.problem.value = why;
  }

  private take(row: Row | undefined, item: WorkspaceItem): void {
    if (!row) return;
    const present = row.workspace.peek();
    // What was deleted never comes back: this is another one in its place.
    const isNew = present.deletedAt !== null && item.deletedAt === null;
    if (item.version < present.version && !isNew) return;
    // What was just asked here is not yet in a list that was read before: an equal version would undo the click.
    if (item.version === present.version && item.generation < present.generation) return;
    const id = item.id ?? (isNew ? undefined : present.id);
    row.workspace.value = { ...item, url: item.url === undefined ? present.url : item.url, ...(id && { id }) };
  }

  private create(item: WorkspaceItem): Row {
    const workspace = signal(item);
    const describe = (now: Date) => {
      const person = this.people.value.get(item.student.slug)?.status;
      return describeWorkspace({
        workspace: workspace.value,
        now,
        usualSeconds: this.usualSeconds,
        ...(person && { person }),
        ...(seenAt.value && { seenAt: seenAt.value }),
      });
    };
    const description = computed(() => {
      const slow = describe(slowClock.value);
      return slow.tone === 'ok' || (slow.tone === 'idle' && !seenAt.value) ? slow : describe(clock.value);
    });
    return { slug: item.slug, workspace, description, problem: signal(null) };
  }
}

function keyOf(row: Row): string {
  const { cohort, student } = row.workspace.peek();
  return leaverKey({ cohort: cohort.slug, slug: student.slug });
}

function leaverKey({ cohort, slug }: Pick<Leaver, 'cohort' | 'slug'>): string {
  return `${cohort}/${slug}`;
}

/** Everything of one class: its workspaces, and the people of its cohorts. */
export async function listClass(course: Course, rows: Rows): Promise<void> {
  const [items, ...cohorts] = await Promise.all([
    listAll<WorkspaceItem>(`workspaces?fields=row&course=${course.slug}`),
    ...course.cohorts.map(cohort => listAll<PersonRow>(`cohorts/${cohort}/students?fields=row`)),
  ]);
  rows.people.value = new Map(cohorts.flat().map(person => [person.slug, person]));
  rows.replace(items);
}
