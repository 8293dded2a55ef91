import { setTimeout as delay } from 'node:timers/promises';
import { type Client, queryOf } from './client.ts';
import { Fault } from './fault.ts';

/** One object that changed; null: it is gone. */
export interface Change {
  readonly kind: string;
  readonly id: string;
  readonly object: unknown;
}

/**
 * What a watcher is told. `relist`: something may have been missed, read afresh (always first); `alive`: the stream
 * is there and nothing changed.
 */
export type Told = { readonly type: 'relist' | 'alive' } | { readonly type: 'change'; readonly change: Change };

/** Pause before the first new try, doubled for each further one up to the longest. */
const firstPause = 250;
const longestPause = 5_000;

/**
 * What changes, for ever: a cut stream is taken up again where it ended (Last-Event-ID), or, where the API no longer
 * knows that, with a relist. Ends by throwing: a refusal, or the abort of `signal`.
 */
export async function* watchChanges(
  client: Client,
  options: { readonly signal: AbortSignal; readonly course?: string | undefined },
): AsyncGenerator<Told, never> {
  let last: string | undefined;
  let pause = firstPause;
  for (;;) {
    try {
      const headers = { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) };
      const path = `watch${queryOf({ course: options.course })}`;
      const response = await client.send('GET', path, { headers, signal: options.signal });
      if (!response.ok) {
        await response.body?.cancel();
        // A restarting portal answers 503 for a while; other refusals stay.
        if (response.status < 500 && response.status !== 429)
          throw new Fault(`The watch is refused (${response.status}).`, 'check ARMADA_TOKEN', {
            status: response.status,
          });
      } else if (response.body) {
        pause = firstPause;
        // After the headers, so that nothing falls between the list and the stream.
        if (last === undefined) yield { type: 'relist' };
        for await (const event of eventsOf(response.body)) {
          if (event.id !== undefined) last = event.id;
          if (event.name === 'gone') {
            last = undefined;
            yield { type: 'relist' };
          } else if (event.name === 'change' && event.data !== undefined)
            yield { type: 'change', change: JSON.parse(event.data) };
          else yield { type: 'alive' };
        }
      }
    } catch (error) {
      if (options.signal.aborted || (error instanceof Fault && error.status !== 0)) throw error;
    }
    await delay(pause, undefined, { signal: options.signal });
    pause = Math.min(longestPause, pause * 2);
  }
}

interface StreamEvent {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: string | undefined;
}

/** Reads text/event-stream. A comment comes as an event of nothing. Source: HTML standard, §9.2.6. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text = (text + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => {
        const values = block
          .split('\n')
          .filter(line => line.startsWith(`${name}:`))
          .map(line => line.slice(name.length + 1).replace(/^ /, ''));
        return values.length === 0 ? undefined : values.join('\n');
      };
      yield { id: field('id'), name: field('event'), data: field('data') };
    }
  }
}
