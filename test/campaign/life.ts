import type pg from 'pg';
import { pino } from 'pino';
import type { NewEvent } from '../../api/resources/event.ts';
import type { Home } from '../../api/resources/home.ts';
import type { Status } from '../../api/resources/resource.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { loadHomes } from '../../api/store/homes.ts';
import { createRouteSlots } from '../../api/store/slots.ts';
import { loadStudent, loadWorkspace } from '../../api/store/status.ts';
import { Controller } from '../../controller/controller.ts';
import { createKind, type Kind } from '../../controller/drive.ts';
import type { Reconciler } from '../../controller/reconciler.ts';
import { createRows } from '../../controller/rows.ts';
import type { Clients } from '../../reconcilers/aws/clients.ts';
import type { SweepReport } from '../../reconcilers/sweep/model.ts';
import type { Action, Observed } from '../../reconcilers/workspace/model.ts';

/** What the loop looks after here. */
export type KindName = 'workspace' | 'student' | 'home';
type Looked = Workspace | Student | Home;

/** One life of a controller, from its start to its crash. */
export interface Life {
  readonly controller: Controller;
  readonly kindNames: readonly KindName[];
  readonly kinds: readonly Kind[];
  /** From now on all its I/O is refused; what is under way may still land. */
  kill(): void;
  readonly dead: boolean;
  /** One more pass over each row, as a resync makes. */
  resync(): Promise<void>;
  /** One look for what nobody owns, as the controller's housekeeping makes. */
  sweep(): Promise<SweepReport>;
  /** Ends it: at once when it was killed, orderly otherwise. */
  end(): Promise<void>;
}

export type WorkspaceReconciler = Reconciler<Workspace, Observed, Action>;

export interface LifeOptions {
  readonly databaseUrl: string;
  /** Shared by the lives of a world, as are the clients; a dead life's ways to them are shut. */
  readonly pool: pg.Pool;
  readonly clients: Clients;
  readonly workspaces: (clients: Clients) => WorkspaceReconciler;
  readonly students: (clients: Clients) => Reconciler<Student, never, never>;
  readonly homes: (clients: Clients) => Reconciler<Home, never, never>;
  readonly sweeper: (clients: Clients, rows: pg.Pool) => () => Promise<SweepReport>;
  readonly kindNames: readonly KindName[];
  readonly now: () => Date;
  /** Told of each statement that writes, before and after; what it throws is the database's answer. */
  readonly statement: (moment: 'before' | 'after', label: string) => void | Promise<void>;
  /** Told of each status as it is written, of each row as it is read, and of each pass. */
  readonly told: (resource: Looked, status: Status) => void;
  readonly loaded: (resource: Looked) => void;
  readonly passed: () => void;
  /** Looks at each SDK call before it is made, and may change it. */
  readonly meddle?: ((command: { readonly input: object }) => void) | undefined;
  /** Seconds of the machine between two resyncs; the product's own where left out. */
  readonly resyncSeconds?: number;
  /** How much faster than the machine's clock the world goes: waits are told in AWS's seconds. */
  readonly pace?: number;
}

class Killed extends Error {
  override readonly name = 'Killed';
}

/** A client whose calls are looked at before and after: one of those that share a connection. */
function guarded<C extends { send(...args: never[]): unknown }>(
  client: C,
  before: (command: { readonly input: object }) => void,
  after: () => void,
): C {
  const send = async (command: { readonly input: object }, ...rest: unknown[]) => {
    before(command);
    try {
      return await (client.send as (...args: unknown[]) => Promise<unknown>)(command, ...rest);
    } finally {
      after();
    }
  };
  return Object.create(client, { send: { value: send } });
}

/** Puts a controller together as its main does, with a switch that cuts everything off. */
export function startLife(options: LifeOptions): Life {
  const { databaseUrl, now, kindNames, resyncSeconds, pace = 1, meddle } = options;
  let dead = false;
  const refuseWhenDead = () => {
    if (dead) throw new Killed('this controller is dead');
  };
  const look = (command: { readonly input: object }) => {
    refuseWhenDead();
    meddle?.(command);
  };
  const { ecs, elb, efs, cognito, destroy } = options.clients;
  const clients: Clients = {
    ecs: guarded(ecs, look, refuseWhenDead),
    elb: guarded(elb, look, refuseWhenDead),
    efs: guarded(efs, look, refuseWhenDead),
    cognito: guarded(cognito, look, refuseWhenDead),
    destroy,
  };
  const pool = watched(options.pool, refuseWhenDead, options.statement);
  const rowsOf = <R extends Looked>(kind: KindName, load: (id: string) => Promise<R | undefined>) => {
    const seen = async (id: string) => {
      const row = await load(id);
      if (row) options.loaded(row);
      return row;
    };
    const rows = createRows<R>({ kind: kind as R['kind'], load: seen, pool, statusPool: pool });
    return {
      ...rows,
      async writeStatus(resource: R, status: Status, events: readonly NewEvent[]) {
        const version = await rows.writeStatus(resource, status, events);
        if (version !== undefined) options.told(resource, status);
        return version;
      },
    };
  };
  const all: Kind[] = [
    createKind(
      options.workspaces(clients),
      rowsOf<Workspace>('workspace', id => loadWorkspace(pool, id)),
    ),
    createKind(
      options.students(clients),
      rowsOf<Student>('student', id => loadStudent(pool, id)),
    ),
    createKind(
      options.homes(clients),
      rowsOf<Home>('home', async id => (await loadHomes(pool, [id]))[0]),
    ),
  ];
  const kinds = all
    .filter(({ name }) => (kindNames as readonly string[]).includes(name))
    .map(kind => hurried(kind, pace, options.passed));
  const slots = createRouteSlots(pool, [98]);
  const log = pino({ level: process.env['CAMPAIGN_LOG'] ?? 'silent' });
  const controller = new Controller({
    url: databaseUrl,
    kinds,
    slots,
    log,
    now,
    random: () => 0,
    ...(resyncSeconds ? { resyncSeconds } : {}),
  });
  controller.start();
  return {
    controller,
    kindNames,
    kinds,
    get dead() {
      return dead;
    },
    kill() {
      dead = true;
    },
    async resync() {
      const never = new AbortController().signal;
      for (const kind of kinds)
        for (const id of await kind.keys())
          await kind.pass(id, {
            log,
            now,
            slots,
            urgent: false,
            signal: never,
            stopping: never,
            retrySeconds: () => 0,
          });
    },
    sweep: options.sweeper(clients, pool),
    async end() {
      await controller.stop();
    },
  };
}

/** Waits are told in AWS's seconds; the world's clock may go faster. */
function hurried(kind: Kind, pace: number, passed: () => void): Kind {
  return {
    ...kind,
    keys: () => kind.keys(),
    async pass(id, options) {
      const pass = await kind.pass(id, pace === 1 ? options : { ...options, urgent: true });
      passed();
      return { ...pass, againSeconds: pass.againSeconds === undefined ? undefined : pass.againSeconds / pace };
    },
  };
}

/** The pool, with a look at each statement. */
function watched(pool: pg.Pool, refuse: () => void, statement: LifeOptions['statement']): pg.Pool {
  const query =
    (target: { query: (...args: unknown[]) => Promise<unknown> }) =>
    async (...args: unknown[]) => {
      refuse();
      const label = labelOf(args[0]);
      if (label) await statement('before', label);
      refuse();
      const answer = await target.query(...args);
      if (label) await statement('after', label);
      refuse();
      return answer;
    };
  const seenAs = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, property) {
        if (property === 'query') return query(of as never);
        if (property === 'connect' && of === (pool as unknown)) return async () => seenAs(await pool.connect());
        const value = Reflect.get(of, property);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
  return seenAs(pool);
}

/** Names a statement that writes; undefined for one that reads. */
function labelOf(statement: unknown): string | undefined {
  const { name, text } =
    typeof statement === 'string'
      ? { name: undefined, text: statement }
      : ((statement ?? {}) as { name?: string; text?: string });
  if (name?.startsWith('write-status')) return 'sql:write-status';
  if (text === 'commit') return 'sql:commit';
  if (text && /^\s*(insert|update|delete|with (?:gone|told))\b/.test(text))
    return `sql:${text.trim().split(/\s+/).slice(0, 3).join('-')}`;
  return undefined;
}
