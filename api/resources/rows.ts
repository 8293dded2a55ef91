import { type Static, Type } from 'typebox';
import { Idle } from './idle.ts';
import { Nullable } from './resource.ts';
import { Student, StudentSpec } from './student.ts';
import { Reference, Reported, Workspace, WorkspaceStatus } from './workspace.ts';

const Named = Type.Pick(Reference, ['slug', 'name']);

/** The part of a workspace that a table shows: what a list with `fields=row` answers, in well under the bytes. */
export const WorkspaceRow = Type.Object({
  /** Left out of lists, where it would be a tenth of the bytes: the slug serves as well. */
  id: Type.Optional(Type.String()),
  ...Type.Pick(Workspace, ['slug', 'generation', 'version', 'deletedAt', 'spec']).properties,
  status: Type.Pick(WorkspaceStatus, ['observedGeneration', 'conditions', 'step', 'restarts', 'failure']),
  course: Named,
  cohort: Named,
  student: Type.Object({ slug: Type.String(), name: Type.String(), email: Type.String() }),
  /** Lists leave out what its files are. */
  reported: Type.Pick(Reported, ['activeAt', 'homeBytes', 'changedAt']),
  line: Workspace.properties.line,
  idle: Type.Optional(Nullable(Idle)),
  /** Its origin, while it has one. */
  url: Nullable(Type.String()),
});
export type WorkspaceRow = Static<typeof WorkspaceRow>;

/** The part of a person that stands beside their workspace: how their account is. Known by its slug. */
export const PersonRow = Type.Object({
  slug: Type.String(),
  spec: Type.Pick(StudentSpec, ['invited', 'disabled']),
  status: Type.Pick(Student.properties.status, ['conditions', 'invitation', 'invitedAt', 'blocked']),
});
export type PersonRow = Static<typeof PersonRow>;

/** What a table shows of a workspace; its times are to the second, for three hundred of them cross the wire at once. */
export function workspaceRowOf(item: Workspace & { readonly url: string | null }): WorkspaceRow {
  const { slug, generation, version, deletedAt, spec, course, cohort, student, url } = item;
  const { observedGeneration, step, restarts, failure } = item.status;
  // What is as it should be needs no words. While it is not Ready, the reason says what is going on.
  const conditions = item.status.conditions
    .filter(({ type, status }) => (type === 'Ready') !== (status === 'True'))
    .map(condition => ({ ...condition, since: toSecond(condition.since) }));
  return {
    slug,
    generation,
    version,
    deletedAt,
    spec,
    status: { observedGeneration, conditions, step, restarts, failure },
    course: { slug: course.slug, name: course.name },
    cohort: { slug: cohort.slug, name: cohort.name },
    student: { slug: student.slug, name: student.name, email: student.email },
    reported: { activeAt: item.reported.activeAt && toSecond(item.reported.activeAt) },
    ...(item.idle && { idle: item.idle }),
    ...(item.line !== undefined && { line: item.line }),
    url,
  };
}

/** An ISO 8601 moment without its fraction. */
function toSecond(iso: string): string {
  return iso.replace(/\.\d+(?=Z$)/, '');
}

/** Whether there is anything to say of a person's account: nothing is of who has joined and is let in. */
export function isNotable({ spec, status }: Pick<Student, 'spec' | 'status'>): boolean {
  const stalled = status.conditions.some(({ type, status: is }) => type === 'Stalled' && is === 'True');
  return status.invitation !== 'accepted' || spec.disabled || status.blocked === true || stalled;
}

/** What a table shows of a person's account. */
export function personRowOf({ slug, spec, status }: Student): PersonRow {
  const { conditions, invitation, invitedAt, blocked } = status;
  return {
    slug,
    spec: { invited: spec.invited, disabled: spec.disabled },
    status: { conditions, invitation, invitedAt, ...(blocked && { blocked }) },
  };
}
