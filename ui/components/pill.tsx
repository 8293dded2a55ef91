import type { Description } from '../../api/resources/labels.ts';

/** The state's word with its shape: a full, half or hollow dot, a square, a turning ring. */
export function Pill({ description }: { description: Pick<Description, 'tone' | 'label'> }) {
  return (
    <span class={`pill ${description.tone}`}>
      <i aria-hidden="true" />
      {description.label}
    </span>
  );
}
