import { filesPath } from '../../api/resources/entrance-paths.ts';
import type { WorkspaceItem } from '../api.ts';

/**
 * The way to a workspace's files as one archive: of a stopped one it leads over its start. `onStart` asks for that and
 * says whether it was granted, where the page that waits for it would not do so by itself.
 */
export function Download({
  workspace,
  text,
  plain,
  onStart,
}: {
  workspace: WorkspaceItem;
  text: string;
  plain?: boolean;
  onStart?: () => Promise<boolean>;
}) {
  const { url, slug, status } = workspace;
  const runs = status.step === 'ready' && url;
  const waiting = `/wake/${slug}?to=${filesPath}`;
  const start = async (event: Event) => {
    if (runs || !onStart) return;
    event.preventDefault();
    if (await onStart()) location.assign(waiting);
  };
  return (
    <a
      class={plain ? undefined : 'button quiet'}
      href={runs ? url + filesPath : waiting}
      onClick={event => void start(event)}
    >
      {runs
        ? text
        : workspace.spec.running
          ? `${text} once it runs`
          : `Start it and ${text.charAt(0).toLowerCase()}${text.slice(1)}`}
    </a>
  );
}
