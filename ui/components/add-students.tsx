import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { messageOf, type RosterAnswer, request } from '../api.ts';
import type { Removal } from '../removal.ts';
import { decode, withLine } from '../roster-text.ts';

/** How long after the last keystroke the preview is asked for. */
const previewMilliseconds = 300;

/** Roster → preview in place → added. The preview is the API's own dry run: nothing is sent before "Add". */
export function AddStudents({
  cohorts,
  removal,
  onDone,
  onCancel,
}: {
  cohorts: readonly string[];
  removal: Removal;
  onDone: (added: number) => void;
  onCancel?: () => void;
}) {
  const cohort = useSignal(cohorts[0] ?? '');
  const text = useSignal('');
  const preview = useSignal<RosterAnswer | null>(null);
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const invite = useSignal(true);
  const field = useRef<HTMLTextAreaElement>(null);
  const asked = useRef(0);
  useEffect(() => field.current?.focus(), []);

  const path = () => `cohorts/${encodeURIComponent(cohort.value)}/roster`;
  useEffect(() => {
    asked.current += 1;
    const mine = asked.current;
    problem.value = null;
    if (text.value.trim() === '') {
      preview.value = null;
      return;
    }
    const timer = setTimeout(async () => {
      try {
        const answer = await request<RosterAnswer>('POST', `${path()}?dryRun=true`, { text: text.value });
        if (mine === asked.current) preview.value = answer;
      } catch (thrown) {
        if (mine !== asked.current) return;
        preview.value = null;
        problem.value = messageOf(thrown);
      }
    }, previewMilliseconds);
    return () => clearTimeout(timer);
  }, [text.value, cohort.value]);

  const add = async () => {
    busy.value = true;
    try {
      const answer = await request<RosterAnswer>('POST', `${path()}${invite.value ? '' : '?invite=false'}`, {
        text: text.value,
      });
      onDone(answer.added.length);
    } catch (thrown) {
      problem.value = messageOf(thrown);
    }
    busy.value = false;
  };
  const count = preview.value?.added.length ?? 0;
  const late = count - (preview.value?.mailsLeft ?? count);
  return (
    <section class="add" aria-labelledby="add">
      <h2 id="add">Add students</h2>
      <p class="mute" id="how">
        Paste names and addresses in any order, one student a line: from a sheet, a CSV file or a mail.
      </p>
      {cohorts.length > 1 && (
        <label class="field">
          Group
          <select
            value={cohort.value}
            onChange={event => {
              cohort.value = event.currentTarget.value;
            }}
          >
            {cohorts.map(slug => (
              <option key={slug}>{slug}</option>
            ))}
          </select>
        </label>
      )}
      <textarea
        ref={field}
        rows={8}
        dir="auto"
        aria-label="Names and addresses"
        aria-describedby="how"
        spellcheck={false}
        placeholder={'Ada Lovelace <ada@example.edu>\nAlan Turing, alan@example.edu'}
        value={text.value}
        onInput={event => {
          text.value = event.currentTarget.value;
        }}
      />
      {problem.value && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {preview.value && (
        <Preview
          answer={preview.value}
          onRemove={() => {
            const missing = preview.value?.missing ?? [];
            removal.remove(missing.map(({ slug, name }) => ({ cohort: cohort.value, slug, name })));
            preview.value = preview.value && { ...preview.value, missing: [] };
          }}
          onFix={(line, written) => {
            text.value = withLine(text.value, line, written);
          }}
        />
      )}
      {count > 0 && (
        <label class="check">
          <input
            type="checkbox"
            checked={invite.value}
            onChange={event => {
              invite.value = event.currentTarget.checked;
            }}
          />
          Send invitations now
        </label>
      )}
      {invite.value && late > 0 && (
        <p class="mute">
          {late === 1 ? '1 invitation waits' : `${late} invitations wait`} until tomorrow: a day’s mails are limited.
          Join links, in the settings, work at once.
        </p>
      )}
      <div class="actions">
        <button type="button" class="primary" disabled={count === 0 || busy.value} onClick={() => void add()}>
          {count === 1 ? 'Add 1 student' : `Add ${count === 0 ? '' : `${count} `}students`}
        </button>
        <label class="button file">
          Choose a file
          <input
            type="file"
            accept=".csv,.tsv,.txt,text/*"
            onChange={async event => {
              const [file] = event.currentTarget.files ?? [];
              if (file) text.value = decode(new Uint8Array(await file.arrayBuffer()));
            }}
          />
        </label>
        {onCancel && (
          <button type="button" class="quiet" onClick={onCancel}>
            Close
          </button>
        )}
      </div>
    </section>
  );
}

/** What would happen, bad rows first; a bad row is mended where it stands. */
function Preview({
  answer,
  onFix,
  onRemove,
}: {
  answer: RosterAnswer;
  onFix: (line: number, text: string) => void;
  onRemove: () => void;
}) {
  const { added, unchanged, missing, problems } = answer;
  const here = unchanged.length === 0 ? [] : [`${unchanged.length} already here`];
  const look =
    problems.length === 0 ? [] : [problems.length === 1 ? '1 needs a look' : `${problems.length} need a look`];
  return (
    <div class="preview">
      {answer.header && (
        <p class="mute">
          Read as columns: <bdi>{answer.header.join(', ')}</bdi>
        </p>
      )}
      <p role="status">{[`${added.length} new`, ...here, ...look].join(' · ')}</p>
      {problems.length > 0 && (
        <ul class="faults">
          {problems.map(fault => (
            <li key={`${fault.line} ${fault.text}`}>
              <span class="mute">Line {fault.line}</span>
              <input
                dir="auto"
                value={fault.text}
                aria-label={`Line ${fault.line}: ${fault.reason}`}
                spellcheck={false}
                onChange={event => onFix(fault.line, event.currentTarget.value)}
              />
              <span class="said">{fault.reason}</span>
            </li>
          ))}
        </ul>
      )}
      {problems.length > 0 && <p class="mute">Lines that still need a look are left out.</p>}
      {answer.notes && answer.notes.length > 0 && (
        <ul class="notes mute">
          {answer.notes.map(note => (
            <li key={`${note.line} ${note.text}`}>
              Line {note.line}: {note.text}
            </li>
          ))}
        </ul>
      )}
      {added.length > 0 && (
        <table class="new">
          <thead class="unseen">
            <tr>
              <th>Name</th>
              <th>Address</th>
            </tr>
          </thead>
          <tbody>
            {added.map(row => (
              <tr key={row.email}>
                <td>
                  <bdi>{row.name}</bdi>
                </td>
                <td class="mute">{row.email}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {missing.length > 0 && unchanged.length > 0 && (
        <div class="missing">
          <p>
            {missing.length === 1 ? '1 is' : `${missing.length} are`} no longer on your list, and{' '}
            {missing.length === 1 ? 'stays' : 'stay'}: <bdi>{missing.map(one => one.name).join(', ')}</bdi>
          </p>
          <button type="button" onClick={onRemove}>
            {missing.length === 1 ? 'Remove 1 student' : `Remove ${missing.length} students`}
          </button>
        </div>
      )}
    </div>
  );
}
