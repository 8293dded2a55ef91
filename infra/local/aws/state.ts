import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Clock } from './clock.ts';

/** Settings of how reads differ from the truth, as AWS's eventually consistent reads do. */
export interface Consistency {
  /** Reads through `seen` answer what was true this many milliseconds ago. */
  lagMilliseconds: number;
  /** Lists come in a new order at every call. */
  shuffled: boolean;
}

interface Past<T> {
  readonly at: number;
  readonly value: T | undefined;
}

/**
 * What the local AWS remembers: named tables of JSON objects in one SQLite file, each write on disk before it is
 * answered (a killed process loses nothing; a power cut may lose the last moment).
 */
export class State {
  readonly clock: Clock;
  readonly consistency: Consistency = { lagMilliseconds: 0, shuffled: false };
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #all: StatementSync;

  /** `file`: a path, or `:memory:` for a state that ends with the process. */
  constructor(file: string, clock: Clock) {
    this.clock = clock;
    if (file !== ':memory:') closeToOthers(file);
    this.#database = new DatabaseSync(file);
    this.#database.exec(`pragma journal_mode = wal; pragma synchronous = normal;
      create table if not exists object (kind text, id text, json text not null, primary key (kind, id)) without rowid`);
    this.#put = this.#database.prepare('insert or replace into object values (?, ?, ?)');
    this.#delete = this.#database.prepare('delete from object where kind = ? and id = ?');
    this.#all = this.#database.prepare('select id, json from object where kind = ?');
  }

  /** Opens the table of one kind of object. `T` must be plain JSON: no dates, no undefined that matters. */
  table<T extends object>(kind: string): Table<T> {
    const rows = this.#all.all(kind).map(row => [String(row['id']), JSON.parse(String(row['json']))] as const);
    return new Table<T>(new Map(rows), this, {
      put: (id, value) => this.#put.run(kind, id, JSON.stringify(value)),
      delete: id => this.#delete.run(kind, id),
    });
  }

  /** Runs the writes of `work` as one transaction of the file: all on disk or none. */
  atomically<R>(work: () => R): R {
    this.#database.exec('begin');
    try {
      const result = work();
      this.#database.exec('commit');
      return result;
    } catch (error) {
      this.#database.exec('rollback');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** Told of one write: undefined stands for an object that was not, or is no more. */
export type Watcher<T> = { told(before: T | undefined, after: T | undefined): void }['told'];

interface Disk<T> {
  put(id: string, value: T): unknown;
  delete(id: string): unknown;
}

/** One kind of object, by id. Writes replace whole objects: take one, make a changed copy, put it. */
export class Table<T extends object> {
  readonly #rows: Map<string, T>;
  readonly #past = new Map<string, Past<T>[]>();
  readonly #watchers: Watcher<T>[] = [];
  readonly #state: State;
  readonly #disk: Disk<T>;

  constructor(rows: Map<string, T>, state: State, disk: Disk<T>) {
    this.#rows = rows;
    this.#state = state;
    this.#disk = disk;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** The object as it is: what writes and refusals are decided by. */
  get(id: string): T | undefined {
    return this.#rows.get(id);
  }

  /** All objects as they are, in order of making. */
  all(): T[] {
    return [...this.#rows.values()];
  }

  /** The object as an eventually consistent read finds it. */
  seen(id: string): T | undefined {
    const lag = this.#state.consistency.lagMilliseconds;
    const past = lag > 0 ? this.#past.get(id) : undefined;
    if (!past) return this.#rows.get(id);
    const then = this.#state.clock.now() - lag;
    return (past.findLast(entry => entry.at <= then) ?? past[0])?.value;
  }

  /** All objects as an eventually consistent list finds them; in no order where lists are shuffled. */
  seenAll(): T[] {
    const { lagMilliseconds, shuffled } = this.#state.consistency;
    const ids = lagMilliseconds > 0 ? new Set([...this.#rows.keys(), ...this.#past.keys()]) : this.#rows.keys();
    const found = [...ids].map(id => this.seen(id)).filter(value => value !== undefined);
    return shuffled ? shuffle(found) : found;
  }

  put(id: string, value: T): T {
    const before = this.#rows.get(id);
    this.#remember(id, value);
    this.#disk.put(id, value);
    this.#rows.set(id, value);
    for (const watcher of this.#watchers) watcher(before, value);
    return value;
  }

  delete(id: string): boolean {
    const before = this.#rows.get(id);
    if (before === undefined) return false;
    this.#remember(id, undefined);
    this.#disk.delete(id);
    this.#rows.delete(id);
    for (const watcher of this.#watchers) watcher(before, undefined);
    return true;
  }

  /** Calls `watcher` after each write, with the object as it was and as it is. */
  watch(watcher: Watcher<T>): void {
    this.#watchers.push(watcher);
  }

  #remember(id: string, value: T | undefined): void {
    const lag = this.#state.consistency.lagMilliseconds;
    if (lag <= 0) {
      this.#past.delete(id);
      return;
    }
    const now = this.#state.clock.now();
    const past = this.#past.get(id) ?? [{ at: 0, value: this.#rows.get(id) }];
    const newestSettled = past.findLastIndex(entry => entry.at <= now - lag);
    this.#past.set(id, [...past.slice(Math.max(0, newestSettled)), { at: now, value }]);
  }
}

/** Accounts and mailed passwords are in it, in a folder that students may pass through. SQLite's files beside it follow. */
function closeToOthers(file: string): void {
  const ownerOnly = 0o600;
  closeSync(openSync(file, 'a', ownerOnly));
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) chmodSync(each, ownerOnly);
}

function shuffle<T>(items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const pick = Math.floor(Math.random() * (last + 1));
    const [a, b] = [items[last], items[pick]];
    if (a !== undefined && b !== undefined) [items[last], items[pick]] = [b, a];
  }
  return items;
}
