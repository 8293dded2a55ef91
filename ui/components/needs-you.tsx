import { act } from '../act.ts';
import { may } from '../boot.ts';
import type { Row, Rows } from '../state.ts';

/** Names that are spelled out before "and 4 more". */
const namesShown = 3;

/** What waits for the instructor: one line per cause, with the one thing to do about it. Nothing when nothing does. */
export function NeedsYou({ rows, course }: { rows: Rows; course: string }) {
  const causes = new Map<string, Row[]>();
  for (const row of rows.list.value) {
    const { state, now } = row.description.value;
    if (state !== 'stuck') continue;
    const cause = now.replace(/ · .*$/, '');
    causes.set(cause, [...(causes.get(cause) ?? []), row]);
  }
  const refused = rows.list.value.filter(
    row => row.description.value.state === 'invited' && row.description.value.tone === 'warn',
  );
  if (causes.size === 0 && refused.length === 0) return null;
  return (
    <section class="needs" aria-labelledby="needs">
      <h2 id="needs">Needs you</h2>
      <ul>
        {[...causes].map(([cause, stuck]) => {
          const staff = stuck[0]?.description.value.staff;
          return (
            <li key={cause}>
              <div>
                <strong>{cause}</strong>: <Names rows={stuck} />
                <p class="mute" dir="auto">
                  {stuck[0]?.description.value.who === 'operator' && 'For whoever runs Armada: '}
                  {staff?.sentence}
                </p>
              </div>
              {staff?.actions.includes('settings') && may('GET /classes/:course/settings') && (
                <a class="button" href={`/classes/${course}/settings`}>
                  Class settings
                </a>
              )}
              {staff?.actions.includes('retry') ? (
                <button type="button" onClick={() => stuck.forEach(row => void act(row, rows, 'retry'))}>
                  {stuck.length === 1 ? 'Try again' : `Try ${stuck.length} again`}
                </button>
              ) : (
                <button type="button" onClick={() => stuck.forEach(row => void act(row, rows, 'stop'))}>
                  {stuck.length === 1 ? 'Stop' : `Stop ${stuck.length}`}
                </button>
              )}
            </li>
          );
        })}
        {refused.length > 0 && (
          <li key="refused">
            <div>
              <strong>Address refused the mail</strong>: <Names rows={refused} />
              <p class="mute">Remove the student and add the right address.</p>
            </div>
          </li>
        )}
      </ul>
    </section>
  );
}

function Names({ rows }: { rows: readonly Row[] }) {
  const more = rows.length - namesShown;
  return (
    <>
      {rows.slice(0, namesShown).map((row, index) => (
        <span key={row.slug}>
          {index > 0 && ', '}
          <bdi>{row.workspace.value.student.name}</bdi>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </>
  );
}
