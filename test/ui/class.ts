import { createHash } from 'node:crypto';
import type { Course } from '../../api/resources/course.ts';
import type { KeptHome } from '../../api/resources/home.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Step, Workspace } from '../../api/resources/workspace.ts';
import { addressOf, nameOf } from './names.ts';

export type Item = Workspace & { url: string | null };

/** Those whom tests look for by name; the others are made up. */
const names = [
  'Ada Lovelace',
  'Alan Turing',
  'Zoë Brontë',
  'Seán O’Casey',
  'نور الهاشمي',
  'Łukasz Żak',
  'Grace Hopper',
  'Grace Hopper',
  'Edsger Dijkstra',
  'María José de la Concepción Fernández-Villaverde y Ruiz',
];

const course = { id: 'course1', slug: 'python-101', name: 'Python 101' };

/** What two who left have left behind: one is kept, the other could not be deleted. */
export function keptFiles(): KeptHome[] {
  const kept = {
    keptSince: ago(86_400),
    keptUntil: ago(-89 * 86_400),
    state: 'kept',
    problem: null,
    unmarked: false,
  } as const;
  const problem = 'What is stored there does not say that it is this student’s, so nothing was deleted.';
  return [
    { id: 'h1', student: { slug: 'lin', name: 'Lin Chao', email: 'lin@example.edu' }, ...kept },
    {
      id: 'h2',
      student: { slug: 'max', name: 'Max Born', email: 'max@example.edu' },
      ...kept,
      state: 'stuck',
      problem,
      unmarked: true,
    },
  ];
}

export const pythonCourse: Course = {
  kind: 'course',
  ...course,
  generation: 1,
  version: 1,
  createdAt: ago(86_400 * 9),
  deletedAt: null,
  spec: {
    name: 'Python 101',
    ide: 'code-server',
    image: null,
    cpu: 256,
    memory: 1024,
    repository: null,
    idleMinutes: 30,
  },
  cohorts: ['python-101'],
};

/** An id as the API makes them: random letters, so that sizes are true. The same for the same text. */
function idOf(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  return [...digest.subarray(0, 16)].map(byte => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('');
}

/** A moment so many seconds ago, ISO 8601. */
export function ago(seconds: number): string {
  return new Date(Date.now() - seconds * 1000).toISOString();
}

/** The states that a class shows, by turns: [running, step, reason, stalled, seconds, active seconds ago]. */
const states: readonly (readonly [boolean, Step, string, boolean, number, number | null])[] = [
  [true, 'ready', 'Settled', false, 0, 40],
  [true, 'ready', 'Settled', false, 0, 760],
  [true, 'loading', 'ImageLoading', false, 12, null],
  [true, 'placing', 'NoRoom', false, 130, 90_000],
  [false, 'stopped', 'Settled', false, 0, 100_000],
  [false, 'stopped', 'Settled', false, 0, null],
  [true, 'repairing', 'Repairing', false, 8, 60],
  [false, 'stopping', 'Stopping', false, 3, 400],
  [true, 'stopped', 'ImageNotFound', true, 900, null],
  [true, 'starting', 'IdeStarting', false, 300, null],
];

/** The one student who can be signed in. */
export const adasId = idOf('person0');

/** Something between 0 and 1 that differs from row to row and is the same in every run: times of real rows differ. */
function jitter(index: number, salt: number): number {
  const sine = Math.sin(index * 12.9898 + salt * 78.233) * 43758.5453;
  return sine - Math.floor(sine);
}

/** A class of so many people with real-world names, in every state by turns. */
export function aClass(size = 30): { items: Item[]; students: Student[] } {
  const students = Array.from({ length: size }, (_, index) => student(index));
  const items = students.map((person, index) => item(person, index));
  return { items, students };
}

function student(index: number): Student {
  const name = names[index] ?? nameOf(index);
  const { slug, email } = addressOf(name, index);
  const joined = index % 10 !== 5;
  return {
    kind: 'student',
    id: idOf(`person${index}`),
    slug: index === 7 ? `${slug}-2` : slug,
    generation: 1,
    version: 2,
    createdAt: ago(90_000),
    deletedAt: null,
    role: 'student',
    spec: { name, email, invited: true, disabled: false },
    status: {
      observedGeneration: 1,
      conditions: [],
      invitation: joined ? 'accepted' : index === 15 ? 'refused' : 'sent',
      invitedAt: ago(7000 + 600 * jitter(index, 1)),
      username: 'u',
    },
  };
}

function item(person: Student, index: number): Item {
  const [running, step, reason, stalled, seconds, active] = states[index % states.length] ?? states[0]!;
  const settled = reason === 'Settled';
  const since = ago(seconds + (seconds === 0 ? 3000 : 3) * jitter(index, 4));
  const slug = `python-101-${course.slug}-${person.slug}`;
  return {
    kind: 'workspace',
    id: idOf(`workspace${index}`),
    slug,
    generation: 3,
    version: 10 + index * 3 + Math.floor(3 * jitter(index, 2)),
    createdAt: ago(90_000),
    deletedAt: null,
    spec: { running, restarts: 0 },
    status: {
      observedGeneration: 3,
      step,
      restarts: 0,
      image: 'code-server',
      readyAt: step === 'ready' ? ago(3000) : null,
      failure: null,
      conditions: [
        { type: 'Ready', status: settled ? 'True' : 'False', reason, message: '', since },
        {
          type: 'Stalled',
          status: stalled ? 'True' : 'False',
          reason,
          message: stalled ? 'Image “python:3.99” was not found at docker.io.' : '',
          since,
        },
      ],
    },
    course,
    cohort: { id: 'cohort1', slug: 'python-101', name: 'Python 101' },
    student: { id: person.id, slug: person.slug, name: person.spec.name, email: person.spec.email },
    template: pythonCourse.spec,
    home: { id: idOf(`home${index}`), uid: 20_000 + index, marked: true },
    reported: {
      at: ago(5),
      ready: step === 'ready',
      problem: null,
      activeAt: active === null ? null : ago(active + 40 * jitter(index, 3)),
      homeBytes: active === null ? null : Math.round(5e7 * jitter(index, 5)),
      changedAt: active === null ? null : ago(active + 300),
    },
    slot: null,
    url: running ? `http://${slug}.localhost:18080` : null,
  };
}
