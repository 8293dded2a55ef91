import { signal, useComputed, useSignal } from '@preact/signals';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Course } from '../api/resources/course.ts';
import { listAll, messageOf } from './api.ts';
import { boot, may } from './boot.ts';
import { Bar } from './components/bar.tsx';
import { Bulk } from './components/bulk.tsx';
import { Classes, MakeClass } from './components/classes.tsx';
import { Confirm } from './components/confirm.tsx';
import { NeedsYou } from './components/needs-you.tsx';
import { Summary } from './components/summary.tsx';
import { ClassTable } from './components/table.tsx';
import { Undo } from './components/undo.tsx';
import { later } from './later.tsx';
import { live } from './live.ts';
import { Removal } from './removal.ts';
import { listClass, Rows } from './state.ts';

const AddStudents = later(() => import('./components/add-students.tsx').then(part => part.AddStudents));
const NewClass = later(() => import('./components/new-class.tsx').then(part => part.NewClass));
const History = later(() => import('./components/history.tsx').then(part => part.History));
const Settings = later(() => import('./components/settings.tsx').then(part => part.Settings));

const courses = signal<readonly Course[] | null>(null);
const problem = signal<string | null>(null);
const making = signal(false);
const maySet = may('GET /classes/:course/settings');
const rows = new Rows();
const removal = new Removal(rows);
const make = () => {
  making.value = true;
};

function present(): Course | undefined {
  const all = courses.value ?? [];
  if (boot.course) return all.find(course => course.slug === boot.course);
  return all.find(course => !course.spec.archived) ?? all[0];
}

function Page() {
  const course = present();
  const all = courses.value;
  return (
    <>
      <Bar boot={boot}>{all && all.length > 1 && <Classes all={all} course={course} onMake={make} />}</Bar>
      {problem.value ? (
        <main id="main" class="column">
          <p class="problem" role="alert">
            {problem.value}
          </p>
        </main>
      ) : all === null ? (
        <main id="main" aria-busy="true" />
      ) : making.value || all.length === 0 ? (
        <NewClass first={all.length === 0} />
      ) : course === undefined ? (
        <main id="main" class="column">
          <h1>No such class</h1>
          <p>
            No class has the address ‘{boot.course}’. <a href="/">To your classes</a>
          </p>
        </main>
      ) : boot.settings ? (
        <Settings course={course} Confirm={Confirm} />
      ) : boot.history ? (
        <History course={course} />
      ) : (
        <Class course={course} />
      )}
    </>
  );
}

function Class({ course }: { course: Course }) {
  useEffect(() => {
    document.title = `${course.spec.name} · Armada`;
  }, [course.spec.name]);
  const adding = useSignal(false);
  const said = useSignal<string | null>(null);
  const find = useSignal('');
  const picked = useSignal<ReadonlySet<string>>(new Set());
  const shown = useComputed(() => {
    const wanted = find.value.trim().toLowerCase();
    if (wanted === '') return rows.list.value;
    return rows.list.value.filter(row => {
      const { student, slug } = row.workspace.value;
      return `${student.name} ${student.email} ${slug} ${row.description.value.label}`.toLowerCase().includes(wanted);
    });
  });
  const empty = rows.loaded.value && rows.list.value.length === 0;
  const mayAdd = may('POST /v1/cohorts/:cohort/roster');
  const pick = (ids: readonly string[], on: boolean) => {
    const next = new Set(picked.value);
    for (const id of ids) on ? next.add(id) : next.delete(id);
    picked.value = next;
  };
  return (
    <main id="main">
      <div class="title">
        <h1 dir="auto">{course.spec.name}</h1>
        <span class="links">
          <a href={`/classes/${course.slug}/history`}>History</a>
          {maySet && <a href={`/classes/${course.slug}/settings`}>Settings</a>}
          {courses.value?.length === 1 && may('PUT /v1/courses/:course') && <MakeClass onMake={make} />}
        </span>
      </div>
      {course.spec.archived && (
        <p class="notice">
          This class is archived: nothing runs, all files are kept.
          {maySet && (
            <>
              {' '}
              Bring it back in its <a href={`/classes/${course.slug}/settings`}>settings</a>.
            </>
          )}
        </p>
      )}
      {rows.loaded.value && !empty && <Summary rows={rows} />}
      {said.value && (
        <p class="notice" role="status">
          {said}
        </p>
      )}
      <Undo removal={removal} />
      <NeedsYou rows={rows} course={course.slug} />
      {empty && !mayAdd && <p class="empty">No student is in this class yet. Its instructor adds them.</p>}
      {mayAdd && (adding.value || empty) && (
        <AddStudents
          cohorts={course.cohorts}
          removal={removal}
          onDone={added => {
            adding.value = false;
            said.value = `${added === 1 ? '1 student' : `${added} students`} added. Each gets a workspace of their own.`;
            void listClass(course, rows).catch(() => undefined);
          }}
          {...(!empty && {
            onCancel: () => {
              adding.value = false;
            },
          })}
        />
      )}
      {!empty && (
        <div class="tools">
          <Bulk rows={rows} picked={picked.value} />
          <span class="grow" />
          {mayAdd && !adding.value && (
            <button
              type="button"
              onClick={() => {
                adding.value = true;
              }}
            >
              Add students
            </button>
          )}
          <input
            type="search"
            placeholder="Find"
            aria-label="Find a student"
            value={find.value}
            onInput={event => {
              find.value = event.currentTarget.value;
            }}
          />
        </div>
      )}
      {!empty && rows.loaded.value && (
        <ClassTable shown={shown.value} rows={rows} removal={removal} picked={picked.value} onPick={pick} />
      )}
      {!empty && find.value !== '' && shown.value.length === 0 && (
        <p class="empty">
          Nobody matches ‘<bdi>{find}</bdi>’.{' '}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              find.value = '';
            }}
          >
            Clear
          </button>
        </p>
      )}
    </main>
  );
}

async function relist(): Promise<void> {
  const course = present();
  if (course) await listClass(course, rows);
}

/** Many changes in doubt, as when a group goes, are one list. */
const relistMilliseconds = 2000;
let relisting: ReturnType<typeof setTimeout> | undefined;
function relistSoon(): void {
  if (relisting !== undefined) return;
  relisting = setTimeout(() => {
    relisting = undefined;
    void relist().catch(() => undefined);
  }, relistMilliseconds);
}

async function listCourses(): Promise<void> {
  courses.value = await listAll<Course>('courses');
}

render(<Page />, document.getElementById('app') ?? document.body);

/** Finds the class, then stays live: the stream's address needs it. */
async function begin(): Promise<void> {
  try {
    await listCourses();
  } catch (thrown) {
    problem.value = messageOf(thrown);
  }
  const course = present();
  if (!course || boot.settings || boot.history) return;
  live(`/v1/watch?course=${encodeURIComponent(course.slug)}`, {
    relist,
    change: change => {
      if (change.kind === 'course') void listCourses().catch(() => undefined);
      else if (!rows.change(change)) relistSoon();
    },
  });
}

void begin();
