import type { Student } from '../../api/resources/student.ts';
import type { Client } from './client.ts';
import { Fault } from './fault.ts';
import type { Step } from './plan.ts';

/**
 * Goes a plan's steps in order. Each is idempotent, so after a Fault the same document may be applied again. A course
 * or cohort that somebody changed since the plan was made is not overwritten.
 */
export async function applySteps(client: Client, steps: readonly Step[]): Promise<void> {
  let slugs: ReadonlyMap<string, string> | undefined;
  for (const [index, step] of steps.entries()) {
    // Read after the rosters: they make the people who may be staff.
    if (step.do === 'addStaff' || step.do === 'removeStaff') {
      if (!slugs?.has(step.email)) slugs = await slugsByEmail(client);
    }
    try {
      await applyStep(client, step, slugs);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const message = `${error.message}\n  ${index} of ${steps.length} changes are made.`;
      throw new Fault(message, 'armada apply again: it goes on where it stopped', { status: error.status });
    }
  }
}

async function applyStep(client: Client, step: Step, slugs: ReadonlyMap<string, string> | undefined): Promise<void> {
  switch (step.do) {
    case 'unenrol':
      return client.ask('DELETE', `courses/${step.course}/cohorts/${step.cohort}`);
    case 'enrol':
      return client.ask('PUT', `courses/${step.course}/cohorts/${step.cohort}`);
    case 'removeStaff':
    case 'addStaff': {
      const slug = slugs?.get(step.email);
      if (slug === undefined) throw new Fault(`Nobody has the address ${step.email}.`, '');
      return client.ask(step.do === 'addStaff' ? 'PUT' : 'DELETE', `courses/${step.course}/staff/${slug}`);
    }
    case 'removeStudent':
      return client.ask('DELETE', `cohorts/${step.cohort}/students/${step.slug}`);
    case 'deleteCourse':
      return client.ask('DELETE', `courses/${step.slug}`);
    case 'deleteCohort':
      return client.ask('DELETE', `cohorts/${step.slug}`);
    case 'putCourse':
      return client.ask('PUT', `courses/${step.slug}`, { body: step.spec, headers: onlyIf(step.etag) });
    case 'putCohort':
      return client.ask('PUT', `cohorts/${step.slug}`, { body: { name: step.name }, headers: onlyIf(step.etag) });
    case 'renameStudent':
      return client.ask('PATCH', `students/${step.slug}`, { body: { spec: { name: step.name } } });
    case 'addStudents': {
      const rows = step.students.map(({ name, email }) => `${quoted(name)},${quoted(email)}\n`);
      const body = { text: `name,email\n${rows.join('')}` };
      const answer = await client.ask<{ problems: readonly { text: string; reason: string }[] }>(
        'POST',
        `cohorts/${step.cohort}/roster?invite=${step.invite}`,
        { body },
      );
      const [problem] = answer.problems;
      if (problem) throw new Fault(`${problem.text}: ${problem.reason}`, '');
    }
  }
}

async function slugsByEmail(client: Client): Promise<ReadonlyMap<string, string>> {
  const people = await client.list<Student>('students');
  return new Map(people.map(({ slug, spec }) => [spec.email.toLowerCase(), slug]));
}

function onlyIf(etag: string | null): Readonly<Record<string, string>> {
  return etag === null ? { 'if-none-match': '*' } : { 'if-match': etag };
}

/** One field of CSV. Source: RFC 4180 §2. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
