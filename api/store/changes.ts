import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** A notification. `changed` has the version of the write; `gone` when the row was removed. */
export interface Change {
  readonly kind: string;
  readonly id: string;
  readonly version?: number;
  readonly gone?: true;
}

/** An open subscription. */
export interface Subscription {
  /** Ends the subscription; no callback is called any more. */
  close(): Promise<void>;
}

/** First pause before connecting again, doubled up to the last: a restarted server is back within a second. */
const [firstPause, lastPause] = [100, 5_000];
/** A connection whose other end vanished without a word is found out this often. */
const pingMilliseconds = 20_000;

/**
 * Listens to a channel of the database until closed. Notifications are hints: what was sent while the connection was
 * down is lost, so `onReconnect` is called after each reconnection, for the caller to list afresh. Rejects when the
 * first connection fails.
 */
export async function listen(
  url: string,
  channel: 'asked' | 'changed',
  onMessage: (change: Change) => void,
  onReconnect: () => void,
): Promise<Subscription> {
  const closing = new AbortController();
  let client = await connect(url, channel, onMessage);
  const loop = (async () => {
    while (!closing.signal.aborted) {
      await broken(client, closing.signal);
      if (closing.signal.aborted) return;
      const next = await reconnect(url, channel, onMessage, closing.signal);
      if (!next) return;
      client = next;
      onReconnect();
    }
  })();
  return {
    async close() {
      closing.abort();
      await loop;
      await client.end().catch(() => {});
    },
  };
}

async function connect(url: string, channel: string, onMessage: (change: Change) => void): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `armada listen ${channel}`,
    keepAlive: true,
    connectionTimeoutMillis: lastPause,
    query_timeout: lastPause,
  });
  // Seen by `broken`, which may listen a moment later than this.
  client.on('error', () => {});
  client.on('notification', ({ payload }) => onMessage(JSON.parse(payload ?? '')));
  try {
    await client.connect();
    await client.query(`listen ${channel}`);
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return client;
}

async function reconnect(
  url: string,
  channel: string,
  onMessage: (change: Change) => void,
  signal: AbortSignal,
): Promise<pg.Client | undefined> {
  for (let pause = firstPause; !signal.aborted; pause = Math.min(pause * 2, lastPause)) {
    const client = await connect(url, channel, onMessage).catch(() => undefined);
    if (client) return client;
    await delay(pause, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

/** Resolves when the connection is lost or the signal aborted. */
function broken(client: pg.Client, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const ping = setInterval(() => client.query('select 1').catch(done), pingMilliseconds);
    function done() {
      clearInterval(ping);
      signal.removeEventListener('abort', done);
      client.off('end', done);
      if (!signal.aborted) client.end().catch(() => {});
      resolve();
    }
    client.on('end', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
