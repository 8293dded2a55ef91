import type { Workspace } from '../resources/workspace.ts';
import type { Sql } from './pool.ts';

/** Reasons of a wait in which one is served after the other. */
const reasons: readonly string[] = ['NoRoute', 'NoRoom', 'QuotaReached'];

/** The workspaces as they are, those that wait in line with their place in it: who began to wait first is first. */
export async function withLine(sql: Sql, workspaces: readonly Workspace[]): Promise<readonly Workspace[]> {
  if (!workspaces.some(waits)) return workspaces;
  const { rows } = await sql.query<{ id: string; line: number }>(
    `select w.id, rank() over (partition by c->>'reason' order by c->>'since', w.id)::int as line
     from workspaces w, jsonb_array_elements(w.status->'conditions') c
     where w.deleted_at is null and w.spec @> '{"running": true}' and c->>'type' = 'Ready' and c->>'status' <> 'True'
       and c->>'reason' = any($1)`,
    [reasons],
  );
  const lines = new Map(rows.map(row => [row.id, row.line]));
  return workspaces.map(workspace => {
    const line = waits(workspace) ? lines.get(workspace.id) : undefined;
    return line === undefined ? workspace : { ...workspace, line };
  });
}

function waits({ spec, status }: Workspace): boolean {
  return spec.running && status.conditions.some(({ type, reason }) => type === 'Ready' && reasons.includes(reason));
}
