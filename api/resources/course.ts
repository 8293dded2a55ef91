import { type Static, Type } from 'typebox';
import { envelope, Nullable } from './resource.ts';

/** What is taught, and with what. Sizes are AWS's: CPU in units of 1/1024 vCPU, memory in MiB. */
export const CourseSpec = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    ide: Type.Union([Type.Literal('code-server')], { default: 'code-server' }),
    /** An OCI image reference; null: the deployment's default image for `ide`. */
    image: Nullable(Type.String({ minLength: 1, maxLength: 400 })),
    cpu: Type.Integer({ minimum: 128, maximum: 16384, default: 256 }),
    memory: Type.Integer({ minimum: 128, maximum: 65536, default: 1024 }),
    /** Cloned into an empty home at the first start. */
    repository: Nullable(Type.String({ maxLength: 400, pattern: '^https://' })),
    /** Minutes without a person or a job after which a workspace stops; null: only after 12 h. */
    idleMinutes: Nullable(Type.Integer({ minimum: 5, maximum: 720 })),
    /** Its workspaces are stopped and can’t be started; homes are kept. Missing: no. */
    archived: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type CourseSpec = Static<typeof CourseSpec>;

export const Course = Type.Object({
  kind: Type.Literal('course'),
  ...envelope,
  spec: CourseSpec,
  /** Slugs of the cohorts that take it. */
  cohorts: Type.Array(Type.String()),
});
export type Course = Static<typeof Course>;

export const defaultCourse: Omit<CourseSpec, 'name'> = {
  ide: 'code-server',
  image: null,
  cpu: 256,
  memory: 1024,
  repository: null,
  idleMinutes: 30,
};
