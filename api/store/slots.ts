import type pg from 'pg';
import type { Slot } from '../resources/workspace.ts';
import { type Sql, transaction } from './pool.ts';

/** What a waiting caller asked for. */
interface Wish {
  readonly workspaceId: string;
  /** Give the present place up for another. */
  readonly move: boolean;
  resolve(answer: Slot | 'full'): void;
  reject(error: unknown): void;
}

/**
 * Places at the balancers: `capacities[i]` of them, with priorities from 1, at balancer i. What is asked for at the same
 * moment is answered by one transaction, so that a class's start costs a few commits. Where none is left they are given
 * in order of asking, whoever asks again first; a place that frees wakes the next in line.
 */
export function createRouteSlots(pool: pg.Pool, capacities: readonly number[]) {
  let waiting: Wish[] = [];
  let busy = false;

  async function serve(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const wishes = waiting;
      waiting = [];
      try {
        const answers = await transaction(pool, client => allot(client, capacities, wishes));
        wishes.forEach((wish, index) => {
          const answer = answers[index];
          if (answer) wish.resolve(answer);
          else wish.reject(new Error(`workspace ${wish.workspaceId} is gone`));
        });
      } catch (error) {
        for (const wish of wishes) wish.reject(error);
      }
    }
    busy = false;
  }

  function ask(workspaceId: string, move: boolean): Promise<Slot | 'full'> {
    return new Promise((resolve, reject) => {
      waiting.push({ workspaceId, move, resolve, reject });
      if (!busy) void serve();
    });
  }

  return {
    /** The workspace's place, taken now if it has none: at its last balancer while there is room. `full` when no balancer has. */
    take: (workspaceId: string) => ask(workspaceId, false),
    /** Gives the place up for another, of another priority or at another balancer. */
    move: (workspaceId: string) => ask(workspaceId, true),
    /** Gives the place back. Repeating is harmless. */
    async release(workspaceId: string): Promise<void> {
      await pool.query('delete from route_slots where workspace_id = $1', [workspaceId]);
    },
    line: createLine(pool),
  };
}

/** Who waits for what AWS has a quota of. Each method is one statement; repeating one is harmless. */
function createLine(pool: pg.Pool) {
  return {
    /** Joins the line, unless the workspace is in it already. */
    async join(workspaceId: string, what: string): Promise<void> {
      await pool.query(joining, [[workspaceId], what]);
    },
    /** Whether somebody waits who came earlier. */
    async turn(workspaceId: string, what: string): Promise<'open' | 'yours' | 'later'> {
      const { rows } = await pool.query<{ workspace_id: string }>(
        'select workspace_id from waiting($1) order by place limit 1',
        [what],
      );
      if (!rows[0]) return 'open';
      return rows[0].workspace_id === workspaceId ? 'yours' : 'later';
    },
    /** Leaves the line; the next one is woken. */
    async leave(workspaceId: string, what: string): Promise<void> {
      await pool.query('delete from waits where workspace_id = $1 and what = $2', [workspaceId, what]);
    },
    /** One was given back: the first in line is woken. */
    async freed(what: string): Promise<void> {
      await pool.query('select wake_waiting($1, 1)', [what]);
    },
  };
}

/** Once in line one stays there: asking again loses no place. */
const joining = `insert into waits (workspace_id, what) select id, $2 from unnest($1::text[]) with ordinality t(id, n)
  where exists (select from workspaces w where w.id = t.id) order by n on conflict do nothing`;

/** Who waits for a place, longest first; those who do so no more leave the line. */
async function lineOf(sql: Sql): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string; waits: boolean }>(
    `select q.workspace_id id, e.workspace_id is not null waits from waits q left join waiting('route') e using (workspace_id)
     where q.what = 'route' order by q.place`,
  );
  const gone = rows.filter(row => !row.waits).map(row => row.id);
  if (gone.length > 0) await sql.query(`delete from waits where what = 'route' and workspace_id = any($1)`, [gone]);
  return rows.filter(row => row.waits).map(row => row.id);
}

/** One answer per wish, in order; undefined for a workspace that has no row. */
async function allot(
  client: pg.PoolClient,
  capacities: readonly number[],
  wishes: readonly Wish[],
): Promise<(Slot | 'full' | undefined)[]> {
  // Readers go on; a second writer waits, so what is read here stays true until the commit.
  await client.query('lock table route_slots in share row exclusive mode');
  const taken = await client.query<Slot & { workspace_id: string }>(
    'select balancer, priority, workspace_id from route_slots',
  );
  const last = await client.query<{ id: string; balancer: number | null }>(
    `select w.id, b.balancer from workspaces w left join last_balancers b on b.workspace_id = w.id
     where w.id = any($1) for key share of w`,
    [wishes.map(wish => wish.workspaceId)],
  );
  const map = new SlotMap(capacities);
  for (const { workspace_id, balancer, priority } of taken.rows) map.put(workspace_id, { balancer, priority });
  const lastOf = new Map(last.rows.map(row => [row.id, row.balancer]));
  const changed = new Map<string, Slot>();
  const askers = [...(await lineOf(client)), ...wishes.map(wish => wish.workspaceId).filter(id => lastOf.has(id))];
  // Those in line first, whether they ask now or not, then the others as they ask.
  const mayHave = new Set([...new Set(askers.filter(id => !map.of(id)))].slice(0, map.room()));
  const refused: string[] = [];
  const answers = wishes.map(({ workspaceId, move }) => {
    const before = map.of(workspaceId);
    if (!lastOf.has(workspaceId)) return undefined;
    if (before && !move) return before;
    const slot =
      before || mayHave.has(workspaceId) ? map.choose(lastOf.get(workspaceId) ?? undefined, before) : undefined;
    if (!slot) {
      refused.push(workspaceId);
      return 'full';
    }
    map.put(workspaceId, slot);
    changed.set(workspaceId, slot);
    return slot;
  });
  await write(client, changed);
  if (refused.length > 0) await client.query(joining, [refused, 'route']);
  if (changed.size > 0) {
    await client.query(`delete from waits where what = 'route' and workspace_id = any($1)`, [[...changed.keys()]]);
  }
  return answers;
}

async function write(client: pg.PoolClient, changed: ReadonlyMap<string, Slot>): Promise<void> {
  if (changed.size === 0) return;
  const ids = [...changed.keys()];
  const slots = [...changed.values()];
  const columns = [ids, slots.map(slot => slot.balancer), slots.map(slot => slot.priority)];
  await client.query('delete from route_slots where workspace_id = any($1)', [ids]);
  await client.query(
    `insert into route_slots (workspace_id, balancer, priority) select * from unnest($1::text[], $2::int[], $3::int[])`,
    columns,
  );
  await client.query(
    `insert into last_balancers (workspace_id, balancer) select * from unnest($1::text[], $2::int[])
     on conflict (workspace_id) do update set balancer = excluded.balancer`,
    columns.slice(0, 2),
  );
}

/** Who has which place, in memory. */
class SlotMap {
  readonly #capacities: readonly number[];
  readonly #places: readonly Set<number>[];
  readonly #byWorkspace = new Map<string, Slot>();

  constructor(capacities: readonly number[]) {
    this.#capacities = capacities;
    this.#places = capacities.map(() => new Set());
  }

  /** The workspace's place, unless the deployment has no such place any more. */
  of(workspaceId: string): Slot | undefined {
    const slot = this.#byWorkspace.get(workspaceId);
    return slot && slot.priority <= (this.#capacities[slot.balancer] ?? 0) ? slot : undefined;
  }

  /** Free places at all balancers. */
  room(): number {
    const rooms = this.#capacities.map((capacity, balancer) => capacity - (this.#places[balancer]?.size ?? 0));
    return rooms.reduce((sum, room) => sum + Math.max(0, room), 0);
  }

  put(workspaceId: string, slot: Slot): void {
    const before = this.#byWorkspace.get(workspaceId);
    if (before) this.#places[before.balancer]?.delete(before.priority);
    this.#places[slot.balancer]?.add(slot.priority);
    this.#byWorkspace.set(workspaceId, slot);
  }

  /** A free place: at `preferred` if there is room, else at the emptiest balancer; behind `avoid`, so that moving on ends. */
  choose(preferred: number | undefined, avoid: Slot | undefined): Slot | undefined {
    const room = (balancer: number) => (this.#capacities[balancer] ?? 0) - (this.#places[balancer]?.size ?? 0);
    const order = this.#capacities.map((_, balancer) => balancer).sort((a, b) => room(b) - room(a) || a - b);
    if (preferred !== undefined && room(preferred) > 0) order.unshift(preferred);
    for (const balancer of order) {
      const capacity = this.#capacities[balancer] ?? 0;
      const start = avoid?.balancer === balancer ? avoid.priority : 0;
      for (let step = 0; step < capacity; step += 1) {
        const priority = ((start + step) % capacity) + 1;
        if (!this.#places[balancer]?.has(priority)) return { balancer, priority };
      }
    }
    return undefined;
  }
}
