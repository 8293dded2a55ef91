import type { ServiceRecord, TaskDefinitionRecord, TaskRecord } from '../../infra/local/aws/ecs/records.ts';
import type { AccessPointRecord } from '../../infra/local/aws/efs/records.ts';
import type { RuleRow, TagsRow, TargetGroupRow } from '../../infra/local/aws/elb/tables.ts';
import { State, type Table } from '../../infra/local/aws/state.ts';

/** The tables of one local AWS as they are, past every lag. */
export interface Truth {
  readonly services: Table<ServiceRecord>;
  readonly definitions: Table<TaskDefinitionRecord>;
  readonly tasks: Table<TaskRecord>;
  readonly rules: Table<RuleRow>;
  readonly targetGroups: Table<TargetGroupRow>;
  readonly tags: Table<TagsRow>;
  readonly accessPoints: Table<AccessPointRecord>;
}

/** Runs `start` and keeps hold of the tables that the local AWS opens in it. */
export async function withTruth<T>(start: () => Promise<T>): Promise<{ started: T; truth: Truth }> {
  const opened = new Map<string, Table<object>>();
  const own = State.prototype.table;
  State.prototype.table = function table<R extends object>(this: State, kind: string): Table<R> {
    const table = own.call(this, kind) as Table<R>;
    opened.set(kind, table as unknown as Table<object>);
    return table;
  };
  try {
    const started = await start();
    const find = <R extends object>(kind: string) => {
      const table = opened.get(kind);
      if (!table) throw new Error(`the local AWS has no table ${kind}`);
      return table as unknown as Table<R>;
    };
    const truth: Truth = {
      services: find('ecs.service'),
      definitions: find('ecs.task-definition'),
      tasks: find('ecs.task'),
      rules: find('elb-rule'),
      targetGroups: find('elb-target-group'),
      tags: find('elb-tags'),
      accessPoints: find('efs-access-point'),
    };
    return { started, truth };
  } finally {
    State.prototype.table = own;
  }
}

/** Calls `look` after each change of a table, with what was there before: what must hold at every instant is looked at there. */
export function afterEachPut<R extends object>(table: Table<R>, look: (row: R, before: R | undefined) => void): void {
  const put = table.put.bind(table);
  table.put = (id, value) => {
    const before = table.get(id);
    const written = put(id, value);
    look(value, before);
    return written;
  };
}

/** Calls `look` with each row of a table that is about to go. */
export function beforeEachDelete<R extends object>(table: Table<R>, look: (row: R) => void): void {
  const remove = table.delete.bind(table);
  table.delete = id => {
    const row = table.get(id);
    if (row) look(row);
    return remove(id);
  };
}
