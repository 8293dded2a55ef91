import { Type } from 'typebox';
import { listEvents } from '../store/events.ts';
import { findPerson } from '../store/people.ts';
import { findWorkspace } from '../store/workspaces.ts';
import type { App, Dependencies } from './dependencies.ts';
import { Refused } from './problem.ts';

const querystring = Type.Object(
  {
    about: Type.Optional(Type.String({ maxLength: 64 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
  },
  { additionalProperties: false },
);

/** What happened, newest first: of one object (by id or slug), or for those who may see everything, of all. */
export function registerEvents(app: App, { pool }: Dependencies): void {
  app.get('/v1/events', { schema: { querystring } }, async request => {
    const { about, limit = 100, cursor } = request.query;
    const { scope } = request;
    if (about === undefined && scope.reach !== 'all') throw new Refused(403, 'Say what it is about: ?about=<id>.');
    const object =
      about === undefined
        ? undefined
        : ((await findWorkspace(pool, scope, about)) ?? (await findPerson(pool, about, scope)));
    // An object that is gone keeps its history, for those who may see everything.
    const id = object?.id ?? (scope.reach === 'all' ? about : undefined);
    if (about !== undefined && id === undefined) throw new Refused(404, 'There is nothing of that name here.');
    const filter = { limit, ...(id === undefined ? {} : { about: id }) };
    const items = await listEvents(pool, cursor === undefined ? filter : { ...filter, before: Number(cursor) });
    const last = items.at(-1);
    return { items, cursor: items.length === limit && last ? String(last.id) : null, version: items[0]?.id ?? 0 };
  });
}
