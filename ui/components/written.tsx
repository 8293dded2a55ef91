import { useSignal } from '@preact/signals';
import { messageOf, request } from '../api.ts';

/** The last lines that a workspace's editor wrote, asked for when they are opened. */
export function Written({ slug }: { slug: string }) {
  const lines = useSignal<readonly string[] | null>(null);
  const ask = async () => {
    try {
      const answer = await request<{ lines: readonly string[] }>('GET', `workspaces/${encodeURIComponent(slug)}/log`);
      lines.value =
        answer.lines.length === 0 ? ['Nothing was written, or this starting point keeps no log.'] : answer.lines;
    } catch (thrown) {
      lines.value = [messageOf(thrown)];
    }
  };
  return (
    <details class="story" onToggle={event => event.currentTarget.open && void ask()}>
      <summary>What the editor wrote last</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="written" tabIndex={0} aria-label="What the editor wrote last">
        <pre>{lines.value === null ? '…' : lines.value.join('\n')}</pre>
      </section>
    </details>
  );
}
