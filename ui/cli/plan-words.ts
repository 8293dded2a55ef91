import type { Effects, Step } from './plan.ts';

/** A plan's steps as lines for people: `+` comes, `-` goes, `~` changes. */
export function sentencesOf(steps: readonly Step[]): readonly string[] {
  return steps.flatMap(linesOf);
}

/** What the plan comes to in AWS, in plain words; no line when nothing there changes. */
export function effectsInWords(effects: Effects): readonly string[] {
  const {
    workspacesCreated: created,
    workspacesRemoved: removed,
    workspacesChanged: changed,
    accountsCreated,
  } = effects;
  const parts = (count: number) =>
    [
      counted(count, 'service'),
      counted(count, 'routing rule'),
      counted(count, 'target group'),
      counted(count, 'access point'),
    ].join(', ');
  return [
    ...(created > 0 ? [`+ ${counted(created, 'workspace')}, stopped: ${parts(created)}`] : []),
    ...(removed > 0 ? [`- ${counted(removed, 'workspace')}: ${parts(removed)}; the files in the homes are kept`] : []),
    ...(changed > 0 ? [`~ ${counted(changed, 'workspace')}: the new settings hold from the next start`] : []),
    ...(accountsCreated > 0 ? [`+ ${counted(accountsCreated, 'account')} to sign in with`] : []),
  ];
}

/** `1 course`, `2 courses`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function linesOf(step: Step): readonly string[] {
  switch (step.do) {
    case 'unenrol':
      return [`- cohort ${step.cohort} takes course ${step.course} no more`];
    case 'enrol':
      return [`+ cohort ${step.cohort} takes course ${step.course}`];
    case 'removeStaff':
      return [`- ${step.email} is no more staff of ${step.course}`];
    case 'addStaff':
      return [`+ ${step.email} is staff of ${step.course}`];
    case 'removeStudent':
      return [`- ${step.student.name} <${step.student.email}> leaves ${step.cohort}`];
    case 'deleteCourse':
      return [`- course ${step.slug} (${step.name})`];
    case 'deleteCohort':
      return [`- cohort ${step.slug} (${step.name})`];
    case 'putCourse':
      if (step.etag === null) return [`+ course ${step.slug} (${step.spec.name})`];
      return step.changed.map(({ field, from, to }) => `~ course ${step.slug}: ${field} ${shown(from)} → ${shown(to)}`);
    case 'putCohort':
      return step.was === null
        ? [`+ cohort ${step.slug} (${step.name})`]
        : [`~ cohort ${step.slug}: name ${shown(step.was)} → ${shown(step.name)}`];
    case 'addStudents':
      return step.students.map(({ name, email }) => `+ ${name} <${email}> joins ${step.cohort}`);
    case 'renameStudent':
      return [`~ ${step.slug}: name ${shown(step.was)} → ${shown(step.name)}`];
  }
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
