import { filesPath } from '../../api/resources/entrance-paths.ts';
import type { WorkspaceItem } from '../api.ts';

/** The way to a workspace's files as one archive: of a stopped one it leads over its start. */
export function Download({ workspace, text, plain }: { workspace: WorkspaceItem; text: string; plain?: boolean }) {
  const { url, slug, status } = workspace;
  const runs = status.step === 'ready' && url;
  return (
    <a class={plain ? undefined : 'button quiet'} href={runs ? url + filesPath : `/wake/${slug}?to=${filesPath}`}>
      {runs ? text : `Start it and ${text.charAt(0).toLowerCase()}${text.slice(1)}`}
    </a>
  );
}
