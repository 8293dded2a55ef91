import { pino } from 'pino';
import { defaultCourse } from '../../api/resources/course.ts';
import type { Home } from '../../api/resources/home.ts';
import { keysOf } from '../../api/resources/keys.ts';
import type { Resource } from '../../api/resources/resource.ts';
import { type Student, unseenStudent } from '../../api/resources/student.ts';
import { type Slot, unseenWorkspace, type Workspace } from '../../api/resources/workspace.ts';
import { createKind, type Kind, type Passed } from '../../controller/drive.ts';
import type { Reconciler, RouteSlots } from '../../controller/reconciler.ts';
import type { WorkspaceSettings } from '../../reconcilers/workspace/settings.ts';

/** Settings of a deployment that stands nowhere: for what is pure. */
export const settings: WorkspaceSettings = {
  deployment: 'school',
  cluster: 'armada',
  vpcId: 'vpc-0a0a0a0a0a0a0a0a0',
  balancers: [{ listenerArn: 'listener-1', domain: 'localhost' }],
  fileSystemId: 'fs-0a0a0a0a0a0a0a0a0',
  portalUrl: 'http://localhost:8080',
  heartbeatUrl: 'http://127.0.0.1:3000',
  gateImage: 'armada/gate:1',
  ideImage: 'armada/code-server:1',
  keys: keysOf('a secret of the tests'),
};

/** A workspace as the store would hand it out, just made. */
export function workspaceRow(id = 'aaaabbbbccccdddd', change: Partial<Workspace> = {}): Workspace {
  const serial = Array.from(id).reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 0) % 1_000_000;
  return {
    kind: 'workspace',
    id,
    slug: `fall-intro-${id}`,
    generation: 1,
    version: 1,
    createdAt: '2027-01-04T09:00:00.000Z',
    deletedAt: null,
    spec: { running: false, restarts: 0 },
    status: unseenWorkspace,
    course: { id: 'course1', slug: 'intro', name: 'Intro' },
    cohort: { id: 'cohort1', slug: 'fall', name: 'Fall' },
    student: { id: `s${id}`, slug: 'ada', name: 'Ada', email: 'ada@school.example' },
    template: { name: 'Intro', ...defaultCourse, image: null, repository: null, idleMinutes: 30 },
    home: { id: `h${id.slice(1)}`, uid: 20000 + serial, marked: false },
    reported: { at: null, ready: false, problem: null, activeAt: null },
    slot: null,
    ...change,
  };
}

/** A home whose deletion was just asked for, as the store would hand it out. */
export function homeRow(id = 'hhhhiiiijjjjkkkk', change: Partial<Home> = {}): Home {
  return {
    kind: 'home',
    id,
    slug: id,
    generation: 2,
    version: 2,
    createdAt: '2027-01-04T09:00:00.000Z',
    deletedAt: '2027-04-04T09:00:00.000Z',
    spec: { by: 'grace', attempt: 1 },
    status: { observedGeneration: 0, conditions: [], purged: false, failure: null },
    course: { slug: 'intro' },
    uid: 20_007,
    inUse: false,
    ...change,
  };
}

/** A student as the store would hand one out, just made. */
export function studentRow(change: Partial<Student> = {}): Student {
  return {
    kind: 'student',
    id: 'adaadaadaadaadaa',
    slug: 'ada',
    generation: 1,
    version: 1,
    createdAt: '2027-01-04T09:00:00.000Z',
    deletedAt: null,
    role: 'student',
    spec: { name: 'Ada', email: 'ada@school.example', invited: true, disabled: false },
    status: unseenStudent,
    ...change,
  };
}

/** Rows in memory under the controller's own pass: one reconciler, as in the product, without queue and Postgres. */
export class Rows<R extends Resource> {
  readonly rows = new Map<string, R>();
  readonly slots = new MemorySlots();
  /** How far waits that were cut short have brought the clock, in milliseconds. */
  #ahead = 0;
  now = () => new Date(Date.now() + this.#ahead);
  readonly #kind: Kind;

  constructor(kindOver: (rows: Rows<R>) => Kind) {
    this.#kind = kindOver(this);
  }

  static of<R extends Resource, O extends object, A extends { readonly type: string }>(
    reconciler: Reconciler<R, O, A>,
    withSlot: (row: R, slot: Slot | null) => R = row => row,
  ): Rows<R> {
    return new Rows<R>(rows =>
      createKind(reconciler, {
        keys: async () => [...rows.rows.keys()],
        load: async id => {
          const row = rows.rows.get(id);
          return row && withSlot(row, rows.slots.of(id));
        },
        async writeStatus(resource, status) {
          const row = rows.rows.get(resource.id);
          if (!row || row.version !== resource.version) return undefined;
          rows.rows.set(row.id, { ...row, status, version: row.version + 1 });
          return row.version + 1;
        },
        async remove(resource) {
          return rows.rows.delete(resource.id);
        },
        record: async () => {},
      }),
    );
  }

  get(id: string): R {
    const row = this.rows.get(id);
    if (!row) throw new Error(`no row ${id}`);
    return row;
  }

  /** Asks for something, as a person does: a new generation. */
  ask(id: string, change: Partial<R>): void {
    const row = this.get(id);
    this.rows.set(id, { ...row, ...change, generation: row.generation + 1, version: row.version + 1 });
  }

  pass(id: string, urgent = true, never = new AbortController().signal): Promise<Passed> {
    return this.#kind.pass(id, {
      log: pino({ level: 'silent' }),
      signal: never,
      stopping: never,
      now: this.now,
      slots: this.slots,
      urgent,
      retrySeconds: () => 0.05,
    });
  }

  /**
   * Passes until the object is as asked, stuck or gone. Waits are cut short, for nothing is timed here; in a deletion,
   * which waits until reads from the past are over, the clock goes on meanwhile, by a second at most for each pass.
   */
  async settle(id: string, within = 300): Promise<Passed> {
    for (let pass = 0; pass < within; pass += 1) {
      const passed = await this.pass(id);
      if (['settled', 'stuck', 'gone'].includes(passed.verdict)) return passed;
      const wait = Math.min(1, passed.againSeconds ?? 0) * 1000;
      const waited = Math.min(20, wait);
      if (passed.verdict === 'wait' && this.get(id).deletedAt !== null) this.#ahead += wait - waited;
      await new Promise(resolve => setTimeout(resolve, waited));
    }
    throw new Error(`not settled: ${JSON.stringify(this.get(id).status)}`);
  }
}

/** Places at balancers, in memory: as the store's, one workspace per place. */
export class MemorySlots implements RouteSlots {
  readonly #taken = new Map<string, Slot>();
  readonly #strangers = new Set<number>();
  capacity = 98;

  of(workspaceId: string): Slot | null {
    return this.#taken.get(workspaceId) ?? null;
  }

  async take(workspaceId: string): Promise<Slot | 'full'> {
    const own = this.#taken.get(workspaceId);
    if (own) return own;
    const used = new Set([...this.#taken.values()].map(({ priority }) => priority));
    for (let priority = 1; priority <= this.capacity; priority += 1) {
      if (used.has(priority) || this.#strangers.has(priority)) continue;
      const slot = { balancer: 0, priority };
      this.#taken.set(workspaceId, slot);
      return slot;
    }
    return 'full';
  }

  async move(workspaceId: string): Promise<Slot | 'full'> {
    const own = this.#taken.get(workspaceId);
    if (own) this.#strangers.add(own.priority);
    this.#taken.delete(workspaceId);
    return this.take(workspaceId);
  }

  async release(workspaceId: string): Promise<void> {
    this.#taken.delete(workspaceId);
  }
}
