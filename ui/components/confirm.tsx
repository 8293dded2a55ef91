import { useEffect, useRef } from 'preact/hooks';

/** A question before something that others would feel. Escape and the first button change nothing. */
export function Confirm(options: {
  title: string;
  text: string;
  yes: string;
  no: string;
  onYes: () => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={options.onClose} aria-labelledby="question">
      <h2 id="question">{options.title}</h2>
      <p dir="auto">{options.text}</p>
      <form method="dialog" class="actions">
        <button type="submit">{options.no}</button>
        <button type="submit" class="danger" onClick={options.onYes}>
          {options.yes}
        </button>
      </form>
    </dialog>
  );
}
