import type { Course } from '../../api/resources/course.ts';
import { may } from '../boot.ts';

/** The menu of the other classes, and a new one. */
export function Classes({
  all,
  course,
  onMake,
}: {
  all: readonly Course[];
  course: Course | undefined;
  onMake: () => void;
}) {
  return (
    <details class="menu">
      <summary>Classes</summary>
      <nav class="sheet" aria-label="Classes">
        {[...all.filter(one => !one.spec.archived), ...all.filter(one => one.spec.archived)].map(one => (
          <a key={one.id} href={`/classes/${one.slug}`} aria-current={one === course ? 'page' : undefined}>
            <bdi>{one.spec.name}</bdi>
            {one.spec.archived && <span class="mute"> · archived</span>}
          </a>
        ))}
        {may('PUT /v1/courses/:course') && <MakeClass onMake={onMake} />}
      </nav>
    </details>
  );
}

/** The way to another class. */
export function MakeClass({ onMake }: { onMake: () => void }) {
  return (
    <button type="button" class="quiet" onClick={onMake}>
      New class
    </button>
  );
}
