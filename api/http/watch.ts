import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type Scope, within } from '../store/scope.ts';
import { writtenSince } from '../store/since.ts';
import { presentVersion } from '../store/turn.ts';
import type { App, Dependencies } from './dependencies.ts';
import type { Told } from './hub.ts';
import type { Principal } from './principal.ts';
import { Refused } from './problem.ts';
import { type Change, type Load, type Stands, sharedLoader, sharedSessions } from './shared-looks.ts';

const querystring = Type.Object(
  { course: Type.Optional(Type.String({ maxLength: 200 })) },
  { additionalProperties: false },
);
/** A person with more open tabs than this has forgotten some; the newest is refused. */
const streamsPerPerson = 5;
/** As often as gates ask: whoever signed out elsewhere, or was shut out, is out within a minute. */
const recheckMilliseconds = 20_000;
/** A token has no session to ask about: who watches by one connects again, and is asked then. */
const tokenMilliseconds = 40_000;

/**
 * What changed, as it changes, over one stream. Resumes after `Last-Event-ID`; `event: gone` says that this is too
 * long ago: list afresh. Rights are looked at again for every batch, so that a stream outlives no right.
 */
export function registerWatch(app: App, dependencies: Dependencies): void {
  const { hub, pool, now } = dependencies;
  const load = sharedLoader(dependencies);
  // Another process's sign-out is not heard here; all streams ask in one query.
  const rechecks = setInterval(() => hub.recheck(), dependencies.recheckMilliseconds ?? recheckMilliseconds);
  app.addHook('onClose', async () => clearInterval(rechecks));
  const stands = sharedSessions(dependencies);
  const open = new Map<string, number>();

  app.get(
    '/v1/watch',
    { schema: { querystring }, sse: 'only', onRequest: refuseOtherTypes },
    async (request, reply) => {
      const { principal } = request;
      const person = principal.kind === 'person' ? principal.person.id : undefined;
      if (person !== undefined) {
        const count = open.get(person) ?? 0;
        if (count >= streamsPerPerson)
          throw new Refused(429, `${streamsPerPerson} pages of yours are live already. Close one.`);
        open.set(person, count + 1);
      }
      const stream = new Stream(
        reply,
        {
          scope: request.scope,
          course: request.query.course,
          principal,
          ends: new Date(now().getTime() + tokenMilliseconds),
          now,
        },
        stands,
        load,
      );
      const leave = hub.add(stream);
      reply.sse.onClose(() => {
        leave();
        if (person !== undefined) open.set(person, (open.get(person) ?? 1) - 1);
      });
      const last = Number(reply.sse.lastEventId ?? Number.NaN);
      const resumes = last >= hub.since();
      const written = resumes ? await writtenSince(pool, last) : [];
      const known = written.at(-1)?.version ?? (resumes ? last : await presentVersion(pool));
      reply.sse.keepAlive();
      reply.sse.sendHeaders();
      // Node holds headers back until something follows them, and the page waits for these.
      reply.raw.write(': open\n\n');
      const removed = resumes ? hub.removedAfter(last) : [];
      const missed = [...written.map(each => ({ ...each, gone: false })), ...removed];
      if (!resumes && !Number.isNaN(last)) stream.missed();
      stream.begin(
        missed.sort((a, b) => a.version - b.version),
        known,
      );
    },
  );
}

/** The plugin's own refusal would not be problem+json. */
async function refuseOtherTypes(request: FastifyRequest): Promise<void> {
  if (/text\/event-stream|\*\/\*|text\/\*/.test(request.headers.accept ?? '*/*')) return;
  throw new Refused(406, 'This address answers with a stream of events.');
}

interface Viewer {
  readonly scope: Scope;
  /** Id or slug of the course whose workspaces are wanted; it narrows, and gives no right. */
  readonly course: string | undefined;
  readonly principal: Principal;
  /** When a person who came by a token is to come again. */
  readonly ends: Date;
  readonly now: () => Date;
}

/** One open stream: batches go out one after the other, each looked at with the rights of its moment. */
class Stream {
  readonly #reply: FastifyReply;
  readonly #viewer: Viewer;
  readonly #stands: Stands;
  readonly #load: Load;
  #scope: Scope;
  /** What came before the stream knew where it begins. */
  #early: (readonly Told[])[] | undefined = [];
  /** Writes up to this version are known to whoever watches. */
  #known = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(reply: FastifyReply, viewer: Viewer, stands: Stands, load: Load) {
    this.#reply = reply;
    this.#viewer = viewer;
    this.#scope = viewer.scope;
    this.#stands = stands;
    this.#load = load;
  }

  /** Tells what was missed, then whatever came and comes after `known`. */
  begin(missed: readonly Told[], known: number): void {
    this.#send(missed);
    this.#known = known;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const changes of early) this.changed(changes);
  }

  changed(changes: readonly Told[]): void {
    if (this.#early) this.#early.push(changes);
    // Removals are told again rather than lost: they carry no row to be read in order.
    else this.#send(changes, told => told.gone || told.version > this.#known);
  }

  #send(changes: readonly Told[], fresh: (told: Told) => boolean = () => true): void {
    if (!changes.some(fresh)) return;
    this.#next(async () => {
      if (!(await this.#stillMay())) return this.#reply.sse.close();
      // The whole batch is loaded, once for every stream.
      const loaded = await this.#load(changes);
      for (const change of loaded.filter(each => fresh(each.told) && this.#visible(each))) {
        const { told, object } = change;
        const { kind, id } = told;
        const data = { kind, id, version: Math.max(told.version, object?.version ?? 0), object };
        // Not the object's own version: it may be ahead of others that this stream has not told of yet.
        await this.#reply.sse.send({ id: String(told.version), event: 'change', data });
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
    const { principal } = this.#viewer;
    if (principal.kind !== 'person') return true;
    if (!principal.session) return this.#viewer.now() < this.#viewer.ends;
    const session = await this.#stands(principal.session.id);
    if (!session) return false;
    if (this.#scope.reach === 'course') this.#scope = { ...this.#scope, courseIds: session.staffOf };
    return true;
  }

  /** Ids are random: that something unknown is gone tells nobody anything. */
  #visible({ object, courseIds }: Change): boolean {
    const scope = this.#scope;
    const inSight =
      scope.reach === 'all' || (scope.reach === 'course' && courseIds.some(id => scope.courseIds.includes(id)));
    const { course } = this.#viewer;
    if (object === null) return true;
    switch (object.kind) {
      case 'workspace':
        if (course !== undefined && course !== object.course.id && course !== object.course.slug) return false;
        return within(scope, { courseId: object.course.id, personId: object.student.id });
      case 'course':
        return scope.reach === 'all' || (scope.reach === 'course' && scope.courseIds.includes(object.id));
      case 'student':
        return inSight || scope.personId === object.id;
      case 'cohort':
        return inSight;
    }
  }
}
