import { type TSchema, Type } from 'typebox';
import { Cohort } from '../resources/cohort.ts';
import { Course } from '../resources/course.ts';
import { HeartbeatAnswer } from '../resources/entrance.ts';
import { Event } from '../resources/event.ts';
import { KeptHome } from '../resources/home.ts';
import { Problem } from '../resources/problem.ts';
import { Nullable } from '../resources/resource.ts';
import { PersonRow, WorkspaceRow } from '../resources/rows.ts';
import { Student } from '../resources/student.ts';
import { Workspace } from '../resources/workspace.ts';

/** What a route answers when all is well, by status; null: no body. */
export type Answers = Readonly<Record<number, TSchema | null>>;

const listOf = (item: TSchema) =>
  Type.Object({ items: Type.Array(item), cursor: Nullable(Type.String()), version: Type.Integer() });
const WorkspaceItem = Type.Object({ ...Workspace.properties, url: Nullable(Type.String()) });
const Log = Type.Object({ at: Nullable(Type.String()), lines: Type.Array(Type.String()) });
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
  mailsLeft: Type.Integer(),
});
const Me = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  name: Type.String(),
  email: Type.String(),
  role: Type.String(),
});
const Enrolment = Type.Object({ course: Type.String(), cohort: Type.String() });
const Token = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: Type.String(),
  expiresAt: Nullable(Type.String()),
});
const NewToken = Type.Object({ ...Token.properties, value: Type.String() });
const JoinLink = Type.Object({
  student: Type.String(),
  name: Type.String(),
  email: Type.String(),
  url: Type.String(),
  expiresAt: Type.String(),
});
const Empty = Type.Object({}, { additionalProperties: false });

const found = (schema: TSchema): Answers => ({ 200: schema });
/** Objects have an ETag. */
const object = (schema: TSchema): Answers => ({ 200: schema, 304: null });
const declared = (schema: TSchema): Answers => ({ 200: schema, 201: schema });
const going: Answers = { 202: Empty };
const done: Answers = { 204: null };

/** The answers of every route below `/v1`, for the description: answers are made from typed objects, not by it. */
export const answers: Readonly<Record<string, Answers>> = {
  'GET /v1/me': found(Me),
  'GET /v1/events': found(listOf(Event)),
  'GET /v1/watch': found(Type.String({ description: 'Server-sent events.' })),
  'GET /v1/workspaces': found(listOf(Type.Union([WorkspaceItem, WorkspaceRow]))),
  'GET /v1/workspaces/:workspace': object(WorkspaceItem),
  'GET /v1/workspaces/:workspace/log': found(Log),
  'PATCH /v1/workspaces/:workspace': found(WorkspaceItem),
  'DELETE /v1/workspaces/:workspace': going,
  'POST /v1/workspaces/:workspace/keep': found(WorkspaceItem),
  'POST /v1/workspaces::start': found(Results),
  'POST /v1/workspaces::stop': found(Results),
  'POST /v1/workspaces::restart': found(Results),
  'GET /v1/cohorts': found(listOf(Cohort)),
  'GET /v1/cohorts/:cohort': object(Cohort),
  'PUT /v1/cohorts/:cohort': declared(Cohort),
  'DELETE /v1/cohorts/:cohort': going,
  'GET /v1/cohorts/:cohort/roster': found(
    Type.String({ description: 'RFC 4180, with a header; no cell is a formula.' }),
  ),
  'POST /v1/cohorts/:cohort/roster': found(Roster),
  'GET /v1/cohorts/:cohort/students': found(listOf(Type.Union([Student, PersonRow]))),
  'PUT /v1/cohorts/:cohort/students/:student': found(Student),
  'DELETE /v1/cohorts/:cohort/students/:student': going,
  'GET /v1/students': found(listOf(Type.Union([Student, PersonRow]))),
  'GET /v1/students/:student': object(Student),
  'PATCH /v1/students/:student': found(Student),
  'DELETE /v1/students/:student': going,
  'POST /v1/students/:student/invitation': going,
  'POST /v1/students/:student/join-link': { 201: JoinLink },
  'POST /v1/courses/:course/join-links': found(Type.Object({ items: Type.Array(JoinLink) })),
  'GET /v1/mails': found(Type.Object({ left: Type.Integer(), perDay: Type.Integer() })),
  'GET /v1/courses': found(listOf(Course)),
  'GET /v1/courses/:course': object(Course),
  'PUT /v1/courses/:course': declared(Course),
  'PATCH /v1/courses/:course': found(Course),
  'DELETE /v1/courses/:course': going,
  'PUT /v1/courses/:course/cohorts/:cohort': declared(Enrolment),
  'DELETE /v1/courses/:course/cohorts/:cohort': going,
  'GET /v1/courses/:course/homes': found(Type.Object({ items: Type.Array(KeptHome) })),
  'POST /v1/courses/:course/homes::purge': { 202: Type.Object({ asked: Type.Integer() }) },
  'GET /v1/courses/:course/staff': found(Type.Object({ items: Type.Array(Student) })),
  'PUT /v1/courses/:course/staff/:person': done,
  'DELETE /v1/courses/:course/staff/:person': done,
  'GET /v1/tokens': found(Type.Object({ items: Type.Array(Token) })),
  'POST /v1/tokens': { 201: NewToken },
  'DELETE /v1/tokens/:token': done,
  'POST /v1/heartbeats': found(HeartbeatAnswer),
};

const file = { schema: Type.String() };
/** Bodies that a route reads by itself, for the description. */
export const bodies: Readonly<Record<string, object>> = {
  'POST /v1/cohorts/:cohort/roster': {
    content: {
      'application/json': { schema: Type.Object({ text: Type.String() }, { additionalProperties: false }) },
      'text/csv': file,
      'text/tab-separated-values': file,
      'text/plain': file,
      'application/octet-stream': file,
    },
  },
};

/** Content types other than JSON in which a route answers. */
export const answerTypes: Readonly<Record<string, string>> = {
  'GET /v1/watch': 'text/event-stream',
  'GET /v1/cohorts/:cohort/roster': 'text/csv',
};

/** Every request may be unreadable, unproved, not allowed, too long, or come to a host that is not the portal's. */
const always = [400, 401, 403, 414, 421];
const furtherRefusals: Readonly<Record<string, readonly number[]>> = {
  'GET /v1/watch': [406, 429],
  'GET /v1/events': [404],
  'GET /v1/me': [404],
  'PATCH /v1/workspaces/:workspace': [409],
  'POST /v1/workspaces/:workspace/keep': [409],
  'POST /v1/students/:student/invitation': [409],
  'POST /v1/students/:student/join-link': [409],
  'DELETE /v1/students/:student': [409],
  'DELETE /v1/courses/:course/staff/:person': [409],
  'POST /v1/courses/:course/homes::purge': [409, 422],
};

/** The statuses that a route refuses with; above 499 any may come. */
export function refusalsOf(method: string, url: string): readonly number[] {
  const takesBody = method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE';
  return [
    ...always,
    ...(url.includes('/:') ? [404] : []),
    ...(takesBody ? [413, 415] : []),
    ...(method === 'PUT' || method === 'PATCH' ? [409, 412] : []),
    ...(furtherRefusals[`${method} ${url}`] ?? []),
  ];
}
