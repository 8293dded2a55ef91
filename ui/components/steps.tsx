import type { Step } from '../../api/resources/workspace.ts';

const steps: readonly (readonly [text: string, ...steps: Step[]])[] = [
  ['Preparing files', 'preparing', 'stopping', 'stopped'],
  ['Finding a place', 'placing'],
  ['Starting the editor', 'loading', 'starting', 'repairing'],
  ['Connecting', 'connecting', 'ready'],
];

/** The way up, with where it is now. `reached`: the controller has seen what was asked. */
export function Steps({ step, reached }: { step: Step; reached: boolean }) {
  const present = reached ? steps.findIndex(([, ...of]) => of.includes(step)) : 0;
  return (
    <ol class="steps">
      {steps.map(([text], index) => (
        <li
          key={text}
          class={index < present ? 'done' : index === present ? 'present' : undefined}
          aria-current={index === present ? 'step' : undefined}
        >
          {text}
          {index < present && <span class="unseen"> (done)</span>}
        </li>
      ))}
    </ol>
  );
}
