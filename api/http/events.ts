import { Type } from 'typebox';
import { findCourse } from '../store/courses.ts';
import { type EventFilter, listEvents } from '../store/events.ts';
import { findPerson } from '../store/people.ts';
import { findWorkspace } from '../store/workspaces.ts';
import type { App, Dependencies } from './dependencies.ts';
import { Refused } from './problem.ts';
import { visibleCourse } from './visible.ts';

const querystring = Type.Object(
  {
    about: Type.Optional(Type.String({ maxLength: 64 })),
    course: Type.Optional(Type.String({ maxLength: 64 })),
    by: Type.Optional(Type.Literal('people')),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
  },
  { additionalProperties: false },
);

/** What happened, newest first: of one object (by id or slug), of a course, or for those who may see everything, of all. */
export function registerEvents(app: App, { pool }: Dependencies): void {
  const listOf = async (filter: EventFilter) => {
    const items = await listEvents(pool, filter);
    const last = items.at(-1);
    return {
      items,
      cursor: items.length === filter.limit && last ? String(last.id) : null,
      version: items[0]?.id ?? 0,
    };
  };
  app.get('/v1/events', { schema: { querystring } }, async request => {
    const { about, course, by, limit = 100, cursor } = request.query;
    const { scope } = request;
    if (course !== undefined) {
      if (about !== undefined) throw new Refused(400, 'Say either "about" or "course".');
      const { id } = await visibleCourse(pool, scope, course);
      return listOf({ limit, courseId: id, byPeople: by === 'people', ...(cursor && { before: Number(cursor) }) });
    }
    if (about === undefined && scope.reach !== 'all') throw new Refused(403, 'Say what it is about: ?about=<id>.');
    const object =
      about === undefined
        ? undefined
        : ((await findWorkspace(pool, scope, about)) ??
          (await findPerson(pool, about, scope)) ??
          (await findCourse(pool, scope, about)));
    // An object that is gone keeps its history, for those who may see everything.
    const id = object?.id ?? (scope.reach === 'all' ? about : undefined);
    if (about !== undefined && id === undefined) throw new Refused(404, 'There is nothing of that name here.');
    const toStudent = scope.reach === 'own' ? { toStudent: scope.personId } : {};
    const only = { limit, byPeople: by === 'people', ...toStudent, ...(id === undefined ? {} : { about: id }) };
    return listOf({ ...only, ...(cursor && { before: Number(cursor) }) });
  });
}
