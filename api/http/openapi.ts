import fastifySwagger from '@fastify/swagger';
import { type TSchema, Type } from 'typebox';
import { Cohort } from '../resources/cohort.ts';
import { Course } from '../resources/course.ts';
import { HeartbeatAnswer } from '../resources/entrance.ts';
import { Event } from '../resources/event.ts';
import { Problem } from '../resources/problem.ts';
import { Nullable } from '../resources/resource.ts';
import { PersonRow, WorkspaceRow } from '../resources/rows.ts';
import { Student } from '../resources/student.ts';
import { Workspace } from '../resources/workspace.ts';
import type { App } from './dependencies.ts';

const listOf = (item: TSchema) =>
  Type.Object({ items: Type.Array(item), cursor: Nullable(Type.String()), version: Type.Integer() });
const WorkspaceItem = Type.Object({ ...Workspace.properties, url: Nullable(Type.String()) });
const Results = Type.Object({
  results: Type.Array(
    Type.Object({
      id: Type.String(),
      slug: Type.Optional(Type.String()),
      ok: Type.Boolean(),
      problem: Type.Optional(Problem),
    }),
  ),
});
const RosterRow = Type.Object({ line: Type.Integer(), name: Type.String(), email: Type.String() });
const Roster = Type.Object({
  added: Type.Array(RosterRow),
  unchanged: Type.Array(RosterRow),
  missing: Type.Array(Type.Object({ slug: Type.String(), name: Type.String(), email: Type.String() })),
  problems: Type.Array(Type.Object({ line: Type.Integer(), text: Type.String(), reason: Type.String() })),
  notes: Type.Array(Type.Object({ line: Type.Integer(), text: Type.String() })),
  header: Nullable(Type.Array(Type.String())),
});
const Me = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  name: Type.String(),
  email: Type.String(),
  role: Type.String(),
});

/** What each route answers when all is well, for the description; answers are made from typed objects, not by it. */
const answers: Readonly<Record<string, TSchema>> = {
  'GET /v1/me': Me,
  'GET /v1/events': listOf(Event),
  'GET /v1/workspaces': listOf(Type.Union([WorkspaceItem, WorkspaceRow])),
  'GET /v1/workspaces/:workspace': WorkspaceItem,
  'PATCH /v1/workspaces/:workspace': WorkspaceItem,
  'POST /v1/workspaces/:workspace/keep': WorkspaceItem,
  'POST /v1/workspaces::start': Results,
  'POST /v1/workspaces::stop': Results,
  'POST /v1/workspaces::restart': Results,
  'GET /v1/cohorts': listOf(Cohort),
  'GET /v1/cohorts/:cohort': Cohort,
  'PUT /v1/cohorts/:cohort': Cohort,
  'POST /v1/cohorts/:cohort/roster': Roster,
  'GET /v1/cohorts/:cohort/students': listOf(Type.Union([Student, PersonRow])),
  'PUT /v1/cohorts/:cohort/students/:student': Student,
  'GET /v1/students': listOf(Type.Union([Student, PersonRow])),
  'GET /v1/students/:student': Student,
  'PATCH /v1/students/:student': Student,
  'GET /v1/courses': listOf(Course),
  'GET /v1/courses/:course': Course,
  'PUT /v1/courses/:course': Course,
  'PATCH /v1/courses/:course': Course,
  'POST /v1/heartbeats': HeartbeatAnswer,
};

/** Serves the description of `/v1`, made from the routes' own schemas. */
export async function registerOpenapi(app: App): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Armada', version: '1', description: 'Classes of real IDEs: people, courses, workspaces.' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, route }) => {
      if (!url.startsWith('/v1/')) return { schema: { ...schema, hide: true }, url };
      const found = [route.method].flat().map(method => answers[`${method} ${url}`]);
      const answer = found.find(each => each !== undefined);
      const response = { ...(answer ? { '2xx': answer } : {}), default: Problem };
      return { schema: { ...schema, response }, url };
    },
  });
  app.get('/v1/openapi.json', { schema: { hide: true } }, async () => openapiOf(app));
}

/** The OpenAPI 3.1 document of a built app. */
export function openapiOf(app: App): object {
  return app.swagger();
}
