import { type CourseSpec, defaultCourse } from '../resources/course.ts';
import type { NewEvent } from '../resources/event.ts';
import { idleOf } from '../resources/idle.ts';
import type { Status } from '../resources/resource.ts';
import type { Student, StudentSpec, StudentStatus } from '../resources/student.ts';
import type { Workspace, WorkspaceSpec, WorkspaceStatus } from '../resources/workspace.ts';
import { insertEvents } from './events.ts';
import type { Sql } from './pool.ts';

/** The kinds that a controller keeps as asked. */
export type ReconciledKind = 'workspace' | 'student' | 'home';

const tables = { workspace: 'workspaces', student: 'people', home: 'homes' } as const satisfies Record<
  ReconciledKind,
  string
>;
/** Kept homes want nothing done: the loop sees those alone that are to go. */
const seen: Record<ReconciledKind, string> = { workspace: '', student: '', home: 'where deleted_at is not null' };

/** Ids of the rows of a kind, those that are to be deleted included: what a resync looks at. */
export async function keysOf(sql: Sql, kind: ReconciledKind): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `select id from ${tables[kind]} ${seen[kind]} order by created_at, id`,
  );
  return rows.map(row => row.id);
}

/**
 * Workspaces on their way to what was asked, by a start or a stop that somebody waits for. What is as asked, or stuck
 * until a person acts, is not among them.
 */
export async function underWay(sql: Sql): Promise<readonly { readonly kind: 'workspace'; readonly id: string }[]> {
  const { rows } = await sql.query<{ kind: 'workspace'; id: string }>(
    `select 'workspace' as kind, id from workspaces
     where (status->>'observedGeneration')::bigint is distinct from generation
       or not (status->'conditions' @> '[{"type": "Ready", "status": "True"}]'
         or status->'conditions' @> '[{"type": "Stalled", "status": "True"}]')
     order by created_at, id`,
  );
  return rows;
}

/** Selects what `workspaceOf` reads; append conditions on w (workspace), c (course), k (cohort), p (person). */
export const workspaceQuery = `
  select w.id, w.slug, w.generation, w.version, w.created_at, w.deleted_at, w.spec, w.status, w.keep_until,
    c.id course_id, c.slug course_slug, c.spec course_spec,
    k.id cohort_id, k.slug cohort_slug, k.spec->>'name' cohort_name,
    p.id person_id, p.slug person_slug, p.spec->>'name' person_name, p.email,
    h.id home_id, h.uid, h.marked,
    r.at reported_at, r.ready, r.problem, r.active_at, r.home_bytes, r.changed_at, s.balancer, s.priority
  from workspaces w
  join courses c on c.id = w.course_id
  join cohorts k on k.id = w.cohort_id
  join people p on p.id = w.person_id
  join homes h on h.id = w.home_id
  left join reports r on r.workspace_id = w.id
  left join route_slots s on s.workspace_id = w.id`;

/** A row of `workspaceQuery`. */
export interface WorkspaceRow {
  readonly id: string;
  readonly slug: string;
  readonly generation: number;
  readonly version: number;
  readonly created_at: string;
  readonly deleted_at: string | null;
  readonly spec: WorkspaceSpec;
  readonly status: WorkspaceStatus;
  readonly keep_until: string | null;
  readonly course_id: string;
  readonly course_slug: string;
  readonly course_spec: CourseSpec;
  readonly cohort_id: string;
  readonly cohort_slug: string;
  readonly cohort_name: string;
  readonly person_id: string;
  readonly person_slug: string;
  readonly person_name: string;
  readonly email: string;
  readonly home_id: string;
  readonly uid: number;
  readonly marked: boolean;
  readonly reported_at: string | null;
  readonly ready: boolean | null;
  readonly problem: string | null;
  readonly active_at: string | null;
  readonly home_bytes: number | null;
  readonly changed_at: string | null;
  readonly balancer: number | null;
  readonly priority: number | null;
}

/** The whole resource of a row of `workspaceQuery`. */
export function workspaceOf(row: WorkspaceRow): Workspace {
  const template = { ...defaultCourse, ...row.course_spec };
  return {
    kind: 'workspace',
    id: row.id,
    slug: row.slug,
    generation: row.generation,
    version: row.version,
    createdAt: row.created_at,
    deletedAt: row.deleted_at,
    spec: row.spec,
    status: row.status,
    course: { id: row.course_id, slug: row.course_slug, name: row.course_spec.name },
    cohort: { id: row.cohort_id, slug: row.cohort_slug, name: row.cohort_name },
    student: { id: row.person_id, slug: row.person_slug, name: row.person_name, email: row.email },
    // A course that was written before a field existed has its default.
    template,
    home: { id: row.home_id, uid: row.uid, marked: row.marked },
    reported: {
      at: row.reported_at,
      ready: row.ready ?? false,
      problem: row.problem,
      activeAt: row.active_at,
      homeBytes: row.home_bytes,
      changedAt: row.changed_at,
    },
    idle: idleOf({
      readyAt: row.spec.running && row.status.step === 'ready' ? row.status.readyAt : null,
      activeAt: row.active_at,
      keepUntil: row.keep_until,
      idleMinutes: template.idleMinutes,
    }),
    slot: row.balancer === null || row.priority === null ? null : { balancer: row.balancer, priority: row.priority },
  };
}

/** One workspace with all that belongs to it; undefined when the row is gone. */
export async function loadWorkspace(sql: Sql, id: string): Promise<Workspace | undefined> {
  // Named: parsed and planned once per connection.
  const query = { name: 'load-workspace', text: `${workspaceQuery} where w.id = $1`, values: [id] };
  const { rows } = await sql.query<WorkspaceRow>(query);
  return rows[0] && workspaceOf(rows[0]);
}

/** Those of these workspaces that there are, in no order. */
export async function loadWorkspaces(sql: Sql, ids: readonly string[]): Promise<readonly Workspace[]> {
  const query = { name: 'load-workspaces', text: `${workspaceQuery} where w.id = any($1)`, values: [ids] };
  const { rows } = await sql.query<WorkspaceRow>(query);
  return rows.map(workspaceOf);
}

/** Selects what `studentOf` reads; append conditions on p. */
export const studentQuery = `
  select p.id, p.slug, p.role, p.generation, p.version, p.created_at, p.deleted_at, p.spec, p.status from people p`;

/** A row of `studentQuery`. */
export interface StudentRow {
  readonly id: string;
  readonly slug: string;
  readonly role: 'student' | 'instructor';
  readonly generation: number;
  readonly version: number;
  readonly created_at: string;
  readonly deleted_at: string | null;
  readonly spec: StudentSpec;
  readonly status: StudentStatus;
}

/** The whole resource of a row of `studentQuery`. */
export function studentOf({ created_at, deleted_at, ...row }: StudentRow): Student {
  return { kind: 'student', ...row, createdAt: created_at, deletedAt: deleted_at };
}

/** One person, instructors included; undefined when the row is gone. */
export async function loadStudent(sql: Sql, id: string): Promise<Student | undefined> {
  const query = { name: 'load-student', text: `${studentQuery} where p.id = $1`, values: [id] };
  const { rows } = await sql.query<StudentRow>(query);
  return rows[0] && studentOf(rows[0]);
}

/** Those of these people that there are, in no order. */
export async function loadStudents(sql: Sql, ids: readonly string[]): Promise<readonly Student[]> {
  const query = { name: 'load-students', text: `${studentQuery} where p.id = any($1)`, values: [ids] };
  const { rows } = await sql.query<StudentRow>(query);
  return rows.map(studentOf);
}

/**
 * Writes what the controller found, and records these events with it. Returns the row's new version; undefined, and the
 * events alone written, if `version` is not its version any more.
 */
export async function writeStatus(
  sql: Sql,
  kind: ReconciledKind,
  id: string,
  version: number,
  status: Status,
  events: readonly NewEvent[] = [],
): Promise<number | undefined> {
  const told = `update ${tables[kind]} set status = $3 where id = $1 and version = $2 returning version`;
  const values = [id, version, JSON.stringify(status)];
  const query =
    events.length === 0
      ? { name: `write-status-${kind}`, text: told, values }
      : {
          name: `write-status-events-${kind}`,
          text: `with told as (${told}), noted as (${insertEvents('$4')}) select version from told`,
          values: [...values, JSON.stringify(events)],
        };
  const { rows } = await sql.query<{ version: number }>(query);
  return rows[0]?.version;
}

/**
 * Removes a row that was to be deleted and owns nothing any more. False, and nothing done, when the row has changed,
 * is not to be deleted, or is a person whose homes are still kept.
 */
export async function remove(sql: Sql, kind: ReconciledKind, id: string, version: number): Promise<boolean> {
  const { rows } = await sql.query(removals[kind], [id, version]);
  return rows.length > 0;
}

/** Who leaves may come back and find the files: source of the days is the design's promise to students. */
const homeDays = 90;

const removals: Record<ReconciledKind, string> = {
  home: `
    with gone as (
      delete from homes where id = $1 and version = $2 and deleted_at is not null
        and not exists (select from workspaces where home_id = $1)
      returning course_id
    )
    insert into events (kind, about, tone, reason, message)
    select 'course', course_id, 'normal', 'FilesDeleted', 'Kept files of a student are deleted for good.' from gone
    returning id`,
  workspace: `
    with gone as (
      delete from workspaces where id = $1 and version = $2 and deleted_at is not null returning home_id
    ), kept as (
      update homes set kept_until = now() + interval '${homeDays} days' from gone
      where id = gone.home_id and kept_until is null
    )
    select from gone`,
  student: `
    with gone as (
      delete from people where id = $1 and version = $2 and deleted_at is not null
        and not exists (select from homes where person_id = $1)
        and not exists (select from workspaces where person_id = $1)
      returning id
    ), membership as (delete from members using gone where person_id = gone.id
    ), post as (delete from staff using gone where person_id = gone.id
    ), session as (delete from sessions using gone where person_id = gone.id
    ), token as (delete from tokens using gone where person_id = gone.id
    ), tombstone as (delete from tombstones using gone where person_id = gone.id
    )
    select from gone`,
};
