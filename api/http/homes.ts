import { Type } from 'typebox';
import type { Course } from '../resources/course.ts';
import { coursesByIds, findCourse } from '../store/courses.ts';
import { askPurge, listKeptHomes } from '../store/homes.ts';
import type { Sql } from '../store/pool.ts';
import type { Scope } from '../store/scope.ts';
import type { App, Dependencies } from './dependencies.ts';
import { slugOf } from './principal.ts';
import { notFound, Refused } from './problem.ts';

const params = Type.Object({ course: Type.String() });
/** More kept homes than a course has students. */
const mostHomes = 5_000;
const Asked = Type.Object(
  {
    /** The class's name, as it is written. */
    confirm: Type.String({ maxLength: 200 }),
    /** Left out: all that can go. */
    homes: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: mostHomes })),
    /** Also those in which no marker says whose they are, once that was found out: then their directory alone does. */
    unmarked: Type.Optional(Type.Boolean()),
    /** Of an archived class whose workspaces are stopped: everybody's, who then begin with nothing if it is brought back. */
    everybody: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const refusals = {
  'not archived': 'Archive this class first: only then everybody’s files can go. Nothing was deleted.',
  'not at rest': 'Some of its workspaces are still being stopped. Try again in a minute. Nothing was deleted.',
} as const;

/** What who left has left behind: staff see it, and an instructor deletes it for good. */
export function registerHomes(app: App, { pool }: Dependencies): void {
  app.get('/v1/courses/:course/homes', { schema: { params } }, async request => {
    const { id } = await courseOf(pool, request.scope, request.params.course);
    return { items: await listKeptHomes(pool, id) };
  });

  app.post('/v1/courses/:course/homes::purge', { schema: { params, body: Asked } }, async (request, reply) => {
    const { id, spec } = await courseOf(pool, request.scope, request.params.course);
    const { confirm, homes, unmarked = false, everybody = false } = request.body;
    if (folded(confirm) !== folded(spec.name)) {
      throw new Refused(422, {
        detail: 'Nothing was deleted.',
        errors: [{ pointer: '/confirm', detail: 'That is not the name of this class. Type it as it is written.' }],
      });
    }
    const which = { ...(homes && { homes }), unmarked, everybody };
    const answer = await askPurge(pool, id, which, slugOf(request.principal));
    if ('asked' in answer) return reply.code(202).send(answer);
    if ('refused' in answer) throw new Refused(409, refusals[answer.refused]);
    const count = answer.inUse.length === 1 ? 'One of these is' : `${answer.inUse.length} of these are`;
    throw new Refused(409, `${count} not kept files of this class, or still somebody’s. Nothing was deleted.`);
  });
}

/** One that was deleted is nobody's: the operator still names it, by its id. */
async function courseOf(sql: Sql, scope: Scope, name: string): Promise<Course> {
  const course = await findCourse(sql, scope, name);
  if (course) return course;
  const [deleted] = scope.reach === 'all' ? await coursesByIds(sql, [name]) : [];
  if (!deleted) throw notFound('course', name);
  return deleted;
}

/** Keyboards write the same letter in several ways, and spaces slip in. */
function folded(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/gu, ' ');
}
