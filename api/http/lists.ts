import { Type } from 'typebox';
import type { Page, PageOf } from '../store/paging.ts';
import { Refused } from './problem.ts';

/** More in one answer would be slow to draw and to send. Source: experience §9. */
const mostItems = 500;

/** The query of every list. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostItems, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 400 })),
};

/** The query of lists that tables are made of: `fields=row` answers only what a table shows. */
export const fieldsQuery = { fields: Type.Optional(Type.Literal('row')) };

/** The answer of every list: `cursor` gets the next page, null is the end; `version` is where a watch starts. */
export interface List<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
  readonly version: number;
}

/** Which page a query asks for. A cursor that is not ours is refused. */
export function pageOf(query: { readonly limit?: number; readonly cursor?: string }): PageOf {
  const limit = query.limit ?? 100;
  if (query.cursor === undefined) return { limit };
  const [slug, id, ...rest] = Buffer.from(query.cursor, 'base64url').toString().split('/');
  if (slug === undefined || id === undefined || rest.length > 0 || `${slug}${id}`.includes('\0')) {
    throw new Refused(400, {
      detail: 'The cursor is not one of ours.',
      errors: [{ pointer: '?cursor', detail: 'is not ours' }],
    });
  }
  return { limit, after: { slug, id } };
}

/** A page as it is answered. Slugs and ids hold no slash, so the cursor needs no quoting. */
export function listOf<T, S>(page: Page<T>, shown: (item: T) => S): List<S> {
  const cursor = page.next && Buffer.from(`${page.next.slug}/${page.next.id}`).toString('base64url');
  return { items: page.items.map(shown), cursor, version: page.version };
}
