import type { Removal } from '../removal.ts';

/** Says who has just been removed, and offers to put them back. */
export function Undo({ removal }: { removal: Removal }) {
  const leavers = removal.pending.value;
  const who = leavers.length === 1 ? leavers[0]?.name : `${leavers.length} students`;
  return (
    <>
      <div class="undo" role="status">
        {leavers.length > 0 && (
          <p class="notice">
            <span>
              <bdi>{who}</bdi> {leavers.length === 1 ? 'is' : 'are'} removed. Files are kept for 90 days.
            </span>
            <button type="button" onClick={() => removal.undo()}>
              Undo
            </button>
          </p>
        )}
      </div>
      {removal.problem.value && (
        <p class="problem" role="alert">
          {removal.problem.value}
        </p>
      )}
    </>
  );
}
