import { useSignal } from '@preact/signals';
import type { Row, Rows } from '../state.ts';
import { Confirm } from './confirm.tsx';

/** Start and stop of all, or of the chosen ones: acts on what fits, and says beforehand how many that is. */
export function Bulk({ rows, picked }: { rows: Rows; picked: ReadonlySet<string> }) {
  const said = useSignal<string | null>(null);
  const asking = useSignal(false);
  const some = picked.size > 0;
  const scope = rows.list.value.filter(row => !some || picked.has(row.slug));
  const startable = scope.filter(row => row.description.value.staff.actions.includes('start'));
  const stoppable = scope.filter(row => row.description.value.staff.actions.includes('stop'));
  const inUse = stoppable.filter(row => row.description.value.inUse).length;

  const run = async (verb: 'start' | 'stop', fitting: readonly Row[], rest: string) => {
    const word = verb === 'start' ? 'Starting' : 'Stopping';
    said.value = `${word} ${fitting.length} of ${scope.length}${rest}.`;
    const refused = await rows.askAll(fitting, verb);
    if (refused) said.value = refused;
  };
  const start = () => {
    const rest = scope.length - startable.length;
    return run(
      'start',
      startable,
      rest === 0 ? '' : rest === 1 ? ': 1 already runs or is on its way' : `: ${rest} already run or are on their way`,
    );
  };
  const stop = () => {
    const rest = scope.length - stoppable.length;
    return run(
      'stop',
      stoppable,
      rest === 0 ? '' : rest === 1 ? ': 1 is stopped already' : `: ${rest} are stopped already`,
    );
  };
  return (
    <>
      <button type="button" class="primary" disabled={startable.length === 0} onClick={() => void start()}>
        {label('Start', startable.length, scope.length, some)}
      </button>
      <button
        type="button"
        disabled={stoppable.length === 0}
        onClick={() => {
          if (inUse > 0) asking.value = true;
          else void stop();
        }}
      >
        {label('Stop', stoppable.length, scope.length, some)}
      </button>
      <span class="outcome" role="status">
        {said}
      </span>
      {asking.value && (
        <Confirm
          title={stoppable.length === 1 ? 'Stop 1 workspace?' : `Stop ${stoppable.length} workspaces?`}
          text={`${inUse === 1 ? '1 is in use now' : `${inUse} are in use now`}. Files are kept; running programs end.`}
          yes={`Stop ${stoppable.length}`}
          no="Keep running"
          onYes={() => void stop()}
          onClose={() => {
            asking.value = false;
          }}
        />
      )}
    </>
  );
}

function label(verb: string, fitting: number, all: number, some: boolean): string {
  if (fitting === 0 || (fitting === all && !some)) return `${verb} all`;
  return fitting === all ? `${verb} ${fitting}` : `${verb} ${fitting} of ${all}`;
}
