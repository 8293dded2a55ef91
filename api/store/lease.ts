import { createHash } from 'node:crypto';
import pg from 'pg';

/** The sole right to do something, as long as one connection to the database lives. */
export interface Lease {
  /** Aborted when the connection is gone: somebody else may hold the lease from then on. */
  readonly lost: AbortSignal;
  /** Gives the lease up; whoever waits for it has it at once. */
  release(): Promise<void>;
}

/** How often the holder makes sure of its connection, and how long an answer may take. */
const checkMilliseconds = 5_000;
/** Seconds until the server gives a holder up whose machine vanished: idle + interval * count. */
const serverPatience = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 2 };

/**
 * Waits until nobody else holds the lease of this name, and takes it. It is a lock of the session, not of a row: a
 * holder that dies gives it up without a timeout. Rejects when the signal is aborted or the connection fails.
 */
export async function acquireLease(url: string, name: string, { signal }: { signal: AbortSignal }): Promise<Lease> {
  signal.throwIfAborted();
  const client = new pg.Client({
    connectionString: url,
    application_name: `armada lease ${name}`,
    keepAlive: true,
    connectionTimeoutMillis: checkMilliseconds,
  });
  const losing = new AbortController();
  client.on('error', () => losing.abort());
  client.on('end', () => losing.abort());
  const giveUp = () => void client.end().catch(() => {});
  const aborted = Promise.withResolvers<never>();
  const stopWaiting = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stopWaiting, { once: true });
  try {
    await Promise.race([lock(client, name), aborted.promise]);
  } catch (error) {
    giveUp();
    throw error;
  } finally {
    signal.removeEventListener('abort', stopWaiting);
  }
  const check = setInterval(() => {
    const tooLong = setTimeout(() => losing.abort(), checkMilliseconds);
    client.query('select 1').then(
      () => clearTimeout(tooLong),
      () => losing.abort(),
    );
  }, checkMilliseconds);
  losing.signal.addEventListener('abort', () => {
    clearInterval(check);
    giveUp();
  });
  return {
    lost: losing.signal,
    async release() {
      clearInterval(check);
      await client.end().catch(() => {});
    },
  };
}

async function lock(client: pg.Client, name: string): Promise<void> {
  await client.connect();
  for (const [setting, value] of Object.entries(serverPatience)) await client.query(`set ${setting} to ${value}`);
  await client.query('select pg_advisory_lock($1)', [keyOf(name)]);
}

function keyOf(name: string): string {
  return createHash('sha256').update(`armada lease ${name}`).digest().readBigInt64BE().toString();
}
