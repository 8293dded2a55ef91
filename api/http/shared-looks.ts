import type { Cohort } from '../resources/cohort.ts';
import type { Course } from '../resources/course.ts';
import type { Student } from '../resources/student.ts';
import { cohortsByIds, coursesOfCohorts } from '../store/cohorts.ts';
import { coursesByIds } from '../store/courses.ts';
import { coursesOfPeople, peopleByIds } from '../store/people.ts';
import type { Sql } from '../store/pool.ts';
import { liveSessions, type Session } from '../store/sessions.ts';
import { loadWorkspaces } from '../store/status.ts';
import type { Dependencies } from './dependencies.ts';
import type { Told } from './hub.ts';
import { shownWorkspace, type WorkspaceItem } from './workspaces.ts';

/** What a stream tells of one change: the object as it is now, null when it is gone. */
export interface Change {
  readonly told: Told;
  readonly object: Watched | null;
  /** Of a person or a cohort: the courses in whose sight it is. */
  readonly courseIds: readonly string[];
}
type Watched = WorkspaceItem | Student | Course | Cohort;

/** The session of that id while it stands. */
export type Stands = (sessionId: string) => Promise<Session | undefined>;

/** Whether a session stands: the questions of one moment, such as a batch told to every stream, are one query. */
export function sharedSessions({ pool, now }: Dependencies): Stands {
  let gathered: { readonly ids: Set<string>; readonly found: Promise<ReadonlyMap<string, Session>> } | undefined;
  const ask = async (ids: ReadonlySet<string>) => {
    // Whoever asks in the same turn of the loop is in.
    await new Promise(resolve => setImmediate(resolve));
    gathered = undefined;
    const sessions = await liveSessions(pool, [...ids], now());
    return new Map(sessions.map(session => [session.id, session]));
  };
  return async id => {
    if (!gathered) {
      const ids = new Set<string>();
      gathered = { ids, found: ask(ids) };
    }
    gathered.ids.add(id);
    return (await gathered.found).get(id);
  };
}

/** The objects of a batch. */
export type Load = (changes: readonly Told[]) => Promise<readonly Change[]>;

/** Loads the objects of a batch once for all streams that were told of it. */
export function sharedLoader({ pool, settings }: Dependencies): Load {
  const loads = new WeakMap<readonly Told[], Promise<readonly Change[]>>();
  const load = async (changes: readonly Told[]): Promise<readonly Change[]> => {
    const ids = (kind: string) => changes.filter(change => change.kind === kind && !change.gone).map(({ id }) => id);
    const [found, sights] = await Promise.all([objectsOf(pool, ids), sightsOf(pool, ids)]);
    const objects = new Map<string, Watched>(
      found.map(object => [
        `${object.kind} ${object.id}`,
        object.kind === 'workspace' ? shownWorkspace(object, settings) : object,
      ]),
    );
    return changes.map(told => ({
      told,
      object: objects.get(`${told.kind} ${told.id}`) ?? null,
      courseIds: sights.get(told.id) ?? [],
    }));
  };
  return changes => {
    const known = loads.get(changes) ?? load(changes);
    loads.set(changes, known);
    return known;
  };
}

async function objectsOf(pool: Sql, ids: (kind: string) => string[]) {
  const some = async <T>(kind: string, read: (sql: Sql, ids: readonly string[]) => Promise<readonly T[]>) =>
    ids(kind).length === 0 ? [] : read(pool, ids(kind));
  const found = await Promise.all([
    some('workspace', loadWorkspaces),
    some('student', peopleByIds),
    some('course', coursesByIds),
    some('cohort', cohortsByIds),
  ]);
  return found.flat();
}

async function sightsOf(pool: Sql, ids: (kind: string) => string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const [people, cohorts] = [ids('student'), ids('cohort')];
  const [ofPeople, ofCohorts] = await Promise.all([
    people.length === 0 ? [] : coursesOfPeople(pool, people),
    cohorts.length === 0 ? [] : coursesOfCohorts(pool, cohorts),
  ]);
  return new Map([...ofPeople, ...ofCohorts]);
}
