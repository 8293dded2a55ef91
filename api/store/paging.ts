import type { Sql } from './pool.ts';

/** Where a list goes on: the last item of the page before. */
export interface After {
  readonly slug: string;
  readonly id: string;
}

/** Which part of a list: at most `limit` items, after one. */
export interface PageOf {
  readonly limit: number;
  readonly after?: After | undefined;
}

/** A part of a list, in order of slug and id. `version`: what a watch that wants to miss nothing starts from. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: After | null;
  readonly version: number;
}

/**
 * Runs a query whose rows have `slug` and `id`, cut to one page, together with the clock's version in one snapshot.
 * `values` are those of `text`; `itemOf` makes a row into what the list holds.
 */
export async function readPage<Row extends After, T extends After>(
  sql: Sql,
  query: { readonly text: string; readonly values: readonly unknown[] },
  { limit, after }: PageOf,
  itemOf: (row: Row & { readonly listVersion: number }) => T,
): Promise<Page<T>> {
  const slugAt = query.values.length + 1;
  const { rows } = await sql.query<Row & { listVersion: number }>(
    `select clock.version as "listVersion", page.* from clock left join lateral (
       select * from (${query.text}) list
       where $${slugAt}::text is null or (slug, id) > ($${slugAt}, $${slugAt + 1}::text)
       order by slug, id limit $${slugAt + 2}
     ) page on true order by page.slug, page.id`,
    [...query.values, after?.slug ?? null, after?.id ?? null, limit + 1],
  );
  // An empty list is one row of nulls.
  const found = rows.filter(row => row.id !== null);
  const items = found.slice(0, limit).map(itemOf);
  const last = items.at(-1);
  const next = found.length > limit && last ? { slug: last.slug, id: last.id } : null;
  return { items, next, version: rows[0]?.listVersion ?? 0 };
}
