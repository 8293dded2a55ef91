import type { Sql } from './pool.ts';

/** A row by kind and id, with the version of its last write. */
export interface Written {
  readonly kind: 'student' | 'cohort' | 'course' | 'workspace';
  readonly id: string;
  readonly version: number;
}

/** Every row written after `version`, in the order of their last writes: what a watch that resumes has missed. */
export async function writtenSince(sql: Sql, version: number): Promise<Written[]> {
  const { rows } = await sql.query<Written>(
    `select 'workspace' kind, id, version from workspaces where version > $1
     union all select 'student', id, version from people where version > $1
     union all select 'course', id, version from courses where version > $1
     union all select 'cohort', id, version from cohorts where version > $1
     order by version`,
    [version],
  );
  return rows;
}
