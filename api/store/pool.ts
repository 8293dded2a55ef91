import pg from 'pg';

/** Where a statement can be sent: a pool, or the one connection of a transaction. */
export type Sql = pg.Pool | pg.PoolClient;

/** Enough for a burst of requests or passes; PostgreSQL's 100 connections by default are shared by all processes. */
const poolSize = 20;
/** A database that does not answer within this is down: better an error than a request that hangs. */
const connectMilliseconds = 10_000;
/** Longer than from one resync to the next: to come in again costs both sides more than the queries of a resync do. */
const idleMilliseconds = 60_000;

/** Oid of `bigint`: ours count writes and events, far below 2^53. */
const int8 = 20;
/** Oid of `timestamptz`. */
const timestamptz = 1184;

/**
 * Connections to Armada's database. `bigint` comes out as a number, `timestamptz` as ISO 8601 in UTC. With `durable:
 * false` a commit does not wait for the disk, so a crash of the database may lose the last ones: for what can be found
 * out again.
 */
export function createPool(url: string, { durable = true } = {}): pg.Pool {
  const pool = new pg.Pool({
    ...(durable ? {} : { options: '-c synchronous_commit=off' }),
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: connectMilliseconds,
    idleTimeoutMillis: idleMilliseconds,
    types: { getTypeParser },
  });
  // An idle connection that breaks is dropped by the pool; without a listener the process would end.
  pool.on('error', () => {});
  return pool;
}

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  if (oid === int8) return Number;
  if (oid === timestamptz) return (text: string) => new Date(pg.types.getTypeParser(timestamptz)(text)).toISOString();
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
};

/** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A lost connection fails the statement under way; the event besides it would end the process unheard.
  const lost = (error: Error) => {
    broken = error;
  };
  client.on('error', lost);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(lost);
    throw error;
  } finally {
    client.off('error', lost);
    // A connection that can't roll back must not be given out again.
    client.release(broken);
  }
}
