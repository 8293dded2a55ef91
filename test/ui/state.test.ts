import { expect, test } from 'vitest';
import { unseenStudent } from '../../api/resources/student.ts';
import { unseenWorkspace } from '../../api/resources/workspace.ts';
import type { WorkspaceItem } from '../../ui/api.ts';
import { Rows } from '../../ui/state.ts';

const item = (slug: string): WorkspaceItem => ({
  slug: `fall-intro-${slug}`,
  generation: 1,
  version: 1,
  deletedAt: null,
  spec: { running: false, restarts: 0 },
  status: unseenWorkspace,
  course: { slug: 'intro', name: 'Intro' },
  cohort: { slug: 'fall', name: 'Fall' },
  student: { slug, name: slug, email: `${slug}@school.example` },
  reported: { activeAt: null },
  url: null,
});

test('who is renamed has the new name and address in each of their rows at once, and nobody else has', () => {
  const rows = new Rows();
  rows.replace([item('ada'), item('bob')]);
  const object = {
    ...{ kind: 'student' as const, id: 'p1', slug: 'ada', role: 'student' as const, generation: 2, version: 7 },
    ...{ createdAt: '2027-01-04T09:00:00.000Z', deletedAt: null, status: unseenStudent },
    spec: { name: 'Ada King', email: 'king@school.example', invited: true, disabled: false },
  };
  expect(rows.change({ kind: 'student', id: 'p1', version: 7, object })).toBe(true);
  const [ada, bob] = rows.list.value.map(row => row.workspace.value.student);
  expect(ada).toEqual({ slug: 'ada', name: 'Ada King', email: 'king@school.example' });
  expect(bob?.name).toBe('bob');
});
