import { useSignal } from '@preact/signals';
import type { PersonRow, WorkspaceRow } from '../../api/resources/rows.ts';
import { messageOf, request } from '../api.ts';
import { may } from '../boot.ts';
import { copy } from '../copy.ts';

interface Link {
  readonly url: string;
}

/** For who has not joined: the invitation again, or a link to hand over. */
export function Invitation({ student, person }: { student: WorkspaceRow['student']; person: PersonRow }) {
  const said = useSignal<string | null>(null);
  const problem = useSignal<string | null>(null);
  const link = useSignal<string | null>(null);
  const busy = useSignal(false);
  if (person.status.invitation === 'accepted' || person.status.blocked || person.spec.disabled) return null;
  const path = `students/${encodeURIComponent(student.slug)}`;
  const ask = async (work: () => Promise<string>) => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      said.value = await work();
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
    busy.value = false;
  };
  const resend = () =>
    ask(async () => {
      await request('POST', `${path}/invitation`);
      return 'Asked. The mail goes out in a moment, and the password that was mailed before no longer works.';
    });
  const handOver = () =>
    ask(async () => {
      const { url } = await request<Link>('POST', `${path}/join-link`);
      link.value = url;
      const copied = await copy(url);
      return `${copied ? 'Copied. It' : 'Copy it from below. It'} lets ${student.name} choose a password, once, within 7 days.`;
    });
  return (
    <div class="invitation">
      <div class="actions">
        {may('POST /v1/students/:student/invitation') && (
          <button type="button" onClick={() => void resend()}>
            {person.spec.invited ? 'Send invitation again' : 'Send invitation'}
          </button>
        )}
        {may('POST /v1/students/:student/join-link') && (
          <button type="button" onClick={() => void handOver()}>
            Copy join link
          </button>
        )}
      </div>
      {said.value && (
        <p class="mute" role="status" dir="auto">
          {said}
        </p>
      )}
      {link.value && (
        <input
          readOnly
          value={link.value}
          aria-label={`Join link of ${student.name}`}
          onFocus={event => event.currentTarget.select()}
        />
      )}
      {problem.value && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
