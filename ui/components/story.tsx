import { eventForStudent } from '../../api/resources/event-words.ts';
import type { WorkspaceItem } from '../api.ts';
import { Log } from './log.tsx';
import { Written } from './written.tsx';

/** What happened to a workspace so far, in a student's words or in all; and what its editor wrote last. */
export function Story({ workspace, student }: { workspace: WorkspaceItem; student: boolean }) {
  const { slug, version } = workspace;
  return (
    <>
      <Log about={slug} version={version} limit={20} {...(student && { words: eventForStudent })} />
      <Written slug={slug} />
    </>
  );
}
