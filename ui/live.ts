import { signal } from '@preact/signals';
import type { Change } from './api.ts';

/** True once the stream has been away for longer than a blink: shown as "Reconnecting…". */
export const lost = signal(false);
/** Until when what is shown is known to be true; undefined: up to now. */
export const seenAt = signal<Date | undefined>(undefined);

/** A stream that comes back within this time was a blink. */
const blinkMilliseconds = 3000;
/** First and longest wait before a refused stream is tried again. */
const retryMilliseconds = [1000, 15_000] as const;
/** A stream that has not opened by then, or is refused, is not waited for: the page shows what a list says. */
const patienceMilliseconds = 500;
/** Activity is not announced by the watch: lists are asked anew so often, for "Idle 12 min". */
const relistMilliseconds = 120_000;

/**
 * Keeps a page live over one stream. `relist` runs each time the stream has opened, so that nothing that happened
 * before or between is missed; changes that arrive meanwhile are for the caller to order by version. A hidden tab
 * closes the stream, and opens it again when it is seen.
 */
export function live(
  url: string,
  handlers: { readonly relist: () => Promise<void>; readonly change: (change: Change) => void },
): void {
  let source: EventSource | undefined;
  let blink: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let listed = false;
  let patience: ReturnType<typeof setTimeout> | undefined;
  let wait: number = retryMilliseconds[0];

  const relist = () => {
    listed = true;
    return handlers.relist().catch(() => {
      away();
      again();
    });
  };

  function away() {
    seenAt.value ??= new Date();
    blink ??= setTimeout(() => {
      lost.value = true;
    }, blinkMilliseconds);
  }

  function back() {
    clearTimeout(blink);
    blink = undefined;
    wait = retryMilliseconds[0];
    lost.value = false;
    seenAt.value = undefined;
  }

  function again() {
    close();
    if (document.hidden) return;
    retry = setTimeout(open, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, retryMilliseconds[1]);
  }

  function open() {
    close();
    source = new EventSource(url);
    clearTimeout(patience);
    patience = setTimeout(() => listed || void relist(), patienceMilliseconds);
    source.onopen = () => void relist().then(() => source?.readyState === EventSource.OPEN && back());
    source.addEventListener('change', event => handlers.change(JSON.parse(event.data)));
    source.addEventListener('gone', () => {
      away();
      open();
    });
    source.onerror = () => {
      away();
      if (source?.readyState === EventSource.CLOSED) again();
    };
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return open();
    seenAt.value ??= new Date();
    close();
  });
  setInterval(() => !document.hidden && source?.readyState === EventSource.OPEN && void relist(), relistMilliseconds);
  if (!document.hidden) open();
}
