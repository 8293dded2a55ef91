import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Cohort } from '../resources/cohort.ts';
import type { Course } from '../resources/course.ts';
import type { Student } from '../resources/student.ts';
import { cohortsByIds } from '../store/cohorts.ts';
import { coursesByIds } from '../store/courses.ts';
import { peopleByIds } from '../store/people.ts';
import type { Sql } from '../store/pool.ts';
import { type Scope, within } from '../store/scope.ts';
import { liveSessions } from '../store/sessions.ts';
import { writtenSince } from '../store/since.ts';
import { workspacesByIds } from '../store/workspaces.ts';
import type { App, Dependencies } from './app.ts';
import type { Told } from './hub.ts';
import type { Principal } from './principal.ts';
import { Refused } from './problem.ts';
import { visibleCourse } from './visible.ts';
import { shownWorkspace, type WorkspaceItem } from './workspaces.ts';

/** One event of the stream: the object as it is now; null when it is gone. */
interface Change {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly object: Watched | null;
}
type Watched = WorkspaceItem | Student | Course | Cohort;

const querystring = Type.Object(
  { course: Type.Optional(Type.String({ maxLength: 200 })) },
  { additionalProperties: false },
);
/** A person with more open tabs than this has forgotten some; the newest is refused. */
const streamsPerPerson = 5;

/**
 * What changed, as it changes, over one stream. Resumes after `Last-Event-ID`; `event: gone` says that this is too
 * long ago: list afresh. Rights are looked at again for every batch, so that a stream outlives no right.
 */
export function registerWatch(app: App, dependencies: Dependencies): void {
  const { hub, pool } = dependencies;
  const load = sharedLoader(dependencies);
  const open = new Map<string, number>();

  app.get(
    '/v1/watch',
    { schema: { querystring }, sse: 'only', onRequest: refuseOtherTypes },
    async (request, reply) => {
      const { principal } = request;
      const course =
        request.query.course === undefined ? undefined : await visibleCourse(pool, request.scope, request.query.course);
      const person = principal.kind === 'person' ? principal.person.id : undefined;
      if (person !== undefined) {
        const count = open.get(person) ?? 0;
        if (count >= streamsPerPerson)
          throw new Refused(429, `${streamsPerPerson} pages of yours are live already. Close one.`);
        open.set(person, count + 1);
      }
      const stream = new Stream(reply, request.scope, course?.id, principal, dependencies, load);
      const leave = hub.add(stream);
      reply.sse.onClose(() => {
        leave();
        if (person !== undefined) open.set(person, (open.get(person) ?? 1) - 1);
      });
      reply.sse.keepAlive();
      reply.sse.sendHeaders();
      const last = Number(reply.sse.lastEventId ?? request.headers['last-event-id'] ?? Number.NaN);
      if (Number.isNaN(last)) return;
      if (last < hub.since()) return void stream.missed();
      const written = (await writtenSince(pool, last)).map(each => ({ ...each, gone: false }));
      stream.changed([...written, ...hub.removedAfter(last)].sort((a, b) => a.version - b.version));
    },
  );
}

/** The plugin's own refusal would not be problem+json. */
async function refuseOtherTypes(request: FastifyRequest): Promise<void> {
  if (/text\/event-stream|\*\/\*|text\/\*/.test(request.headers.accept ?? '*/*')) return;
  throw new Refused(406, 'This address answers with a stream of events.');
}

type Load = (changes: readonly Told[]) => Promise<readonly Change[]>;

/** Loads the objects of a batch once for all streams that were told of it. */
function sharedLoader({ pool, settings }: Dependencies): Load {
  const loads = new WeakMap<readonly Told[], Promise<readonly Change[]>>();
  const load = async (changes: readonly Told[]): Promise<readonly Change[]> => {
    const ids = (kind: string) => changes.filter(change => change.kind === kind && !change.gone).map(({ id }) => id);
    const found = await objectsOf(pool, ids);
    const objects = new Map<string, Watched>(
      found.map(object => [
        `${object.kind} ${object.id}`,
        object.kind === 'workspace' ? shownWorkspace(object, settings) : object,
      ]),
    );
    return changes.map(({ kind, id, version }) => {
      const object = objects.get(`${kind} ${id}`) ?? null;
      return { kind, id, version: Math.max(version, object?.version ?? 0), object };
    });
  };
  return changes => {
    const known = loads.get(changes) ?? load(changes);
    loads.set(changes, known);
    return known;
  };
}

async function objectsOf(pool: Sql, ids: (kind: string) => string[]) {
  const some = async <T>(kind: string, read: (sql: Sql, ids: readonly string[]) => Promise<T[]>) =>
    ids(kind).length === 0 ? [] : read(pool, ids(kind));
  const found = await Promise.all([
    some('workspace', workspacesByIds),
    some('student', peopleByIds),
    some('course', coursesByIds),
    some('cohort', cohortsByIds),
  ]);
  return found.flat();
}

/** One open stream: batches go out one after the other, each looked at with the rights of its moment. */
class Stream {
  readonly #reply: FastifyReply;
  readonly #courseId: string | undefined;
  readonly #principal: Principal;
  readonly #dependencies: Dependencies;
  readonly #load: Load;
  #scope: Scope;
  #last: Promise<void> = Promise.resolve();

  constructor(
    reply: FastifyReply,
    scope: Scope,
    courseId: string | undefined,
    principal: Principal,
    dependencies: Dependencies,
    load: Load,
  ) {
    this.#reply = reply;
    this.#scope = scope;
    this.#courseId = courseId;
    this.#principal = principal;
    this.#dependencies = dependencies;
    this.#load = load;
  }

  changed(changes: readonly Told[]): void {
    this.#next(async () => {
      if (!(await this.#stillMay())) return this.#reply.sse.close();
      for (const change of await this.#load(changes)) {
        if (!this.#visible(change)) continue;
        await this.#reply.sse.send({ id: String(change.version), event: 'change', data: change });
      }
    });
  }

  missed(): void {
    this.#next(() => this.#reply.sse.send({ event: 'gone', data: {} }));
  }

  recheck(): void {
    this.#next(async () => {
      if (!(await this.#stillMay())) this.#reply.sse.close();
    });
  }

  #next(step: () => Promise<void> | void): void {
    this.#last = this.#last.then(async () => {
      if (!this.#reply.sse.isConnected) return;
      // A database that is away ends the stream: the page connects again and lists afresh.
      await Promise.resolve()
        .then(step)
        .catch(() => this.#reply.sse.close());
    });
  }

  async #stillMay(): Promise<boolean> {
    const principal = this.#principal;
    if (principal.kind !== 'person' || !principal.session) return true;
    const { pool, now } = this.#dependencies;
    const [session] = await liveSessions(pool, [principal.session.id], now());
    if (!session) return false;
    if (this.#scope.reach === 'course') this.#scope = { ...this.#scope, courseIds: session.staffOf };
    return true;
  }

  /** Ids are random: that something unknown is gone tells nobody anything. */
  #visible({ object }: Change): boolean {
    const scope = this.#scope;
    if (object === null) return true;
    switch (object.kind) {
      case 'workspace':
        if (this.#courseId !== undefined && object.course.id !== this.#courseId) return false;
        return within(scope, { courseId: object.course.id, personId: object.student.id });
      case 'course':
        return scope.reach === 'all' || (scope.reach === 'course' && scope.courseIds.includes(object.id));
      case 'student':
        return scope.reach === 'all' || scope.personId === object.id;
      case 'cohort':
        return scope.reach === 'all';
    }
  }
}
