import type { Event, NewEvent } from '../resources/event.ts';
import type { Sql } from './pool.ts';

/** Records that something happened; the database gives it its number and time. */
export function addEvent(sql: Sql, event: NewEvent): Promise<void> {
  return addEvents(sql, [event]);
}

/** Records several things in the order given, in one statement. */
export async function addEvents(sql: Sql, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql.query(insertEvents('$1'), [JSON.stringify(events)]);
}

/** The statement that records a JSON list of events, given as this parameter, in its order. */
export function insertEvents(parameter: string): string {
  return `insert into events (kind, about, tone, reason, message, by)
     select kind, about, tone, reason, message, by
     from rows from (json_to_recordset(${parameter})
       as (kind text, about text, tone text, reason text, message text, by text)) with ordinality
     order by ordinality`;
}

/** Which events to list: of one object, of a course and all that is in it, or of all; older than an event's number. */
export interface EventFilter {
  readonly about?: string;
  readonly courseId?: string;
  /** Only what people did. */
  readonly byPeople?: boolean;
  readonly limit: number;
  readonly before?: number;
  /** Id of a student, to whom nobody else's address is told. */
  readonly toStudent?: string;
}

/** The events in `picked`, newest first, each with who did it. A slug is of who has it now, else of who had it last. */
const withActors = (student: string) =>
  `select e.*, case when ${student}::text is null or a.id = ${student} or a.name not like '%@%' then a.name end as actor
   from picked e left join (
     select distinct on (slug) id, slug, coalesce(nullif(spec->>'name', ''), email) as name from people
     where slug in (select by from picked) order by slug, deleted_at is not null, deleted_at desc) a on a.slug = e.by
   order by e.id desc`;

/** What happened, newest first, at most `limit`. */
export async function listEvents(sql: Sql, filter: EventFilter): Promise<Event[]> {
  const { about, courseId, byPeople = false, limit, before, toStudent } = filter;
  if (courseId !== undefined) return courseEvents(sql, courseId, byPeople, limit, before ?? null);
  const { rows } = await sql.query<Event>(
    `with picked as (
       select id, at, kind, about, tone, reason, message, by from events
       where ($1::text is null or about = $1) and ($2::bigint is null or id < $2) and (by is not null or not $4)
       order by id desc limit $3)
     ${withActors('$5')}`,
    [about ?? null, before ?? null, limit, byPeople, toStudent ?? null],
  );
  return rows;
}

/** Of a course, its groups and their members, and its workspaces, each with the name of what it is about. */
async function courseEvents(
  sql: Sql,
  courseId: string,
  byPeople: boolean,
  limit: number,
  before: number | null,
): Promise<Event[]> {
  const { rows } = await sql.query<Event>(
    `with objects as (
       select id, spec->>'name' as name from courses where id = $1
       union all
       select w.id, p.spec->>'name' from workspaces w join people p on p.id = w.person_id where w.course_id = $1
       union all
       select k.id, k.spec->>'name' from cohorts k join enrolments e on e.cohort_id = k.id and e.course_id = $1
       union
       select p.id, p.spec->>'name' from people p join members m on m.person_id = p.id
         join enrolments e on e.cohort_id = m.cohort_id and e.course_id = $1),
     picked as (
       select e.id, e.at, e.kind, e.about, e.tone, e.reason, e.message, e.by, o.name as subject
       from events e join objects o on o.id = e.about
       where ($2::bigint is null or e.id < $2) and (e.by is not null or not $3)
       order by e.id desc limit $4)
     ${withActors('null')}`,
    [courseId, before, byPeople, limit],
  );
  return rows;
}

/** For so long one can look back. */
const eventDays = 90;
/** So many go in one statement: none holds the table up. */
const eventsPerPrune = 10_000;

/** Forgets the oldest of the events that are too old to look back at; answers how many went. */
export async function pruneEvents(sql: Sql, now: Date): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from events where id in (
       select id from events where at < $1::timestamptz - make_interval(days => $2) order by id limit $3)`,
    [now, eventDays, eventsPerPrune],
  );
  return rowCount ?? 0;
}
