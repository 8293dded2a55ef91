/** One page of a list and the token that asks for the next one; no token on the last page. */
export interface Page<T> {
  readonly items: T[];
  readonly token: string | undefined;
}

/**
 * Cuts a page of `size` out of `found`. The walk goes by sorted ids, so it is complete and without repeats even when
 * every call finds the objects in another order; within a page the order is `found`'s own. Undefined: not our token.
 */
export function page<T>(
  found: readonly T[],
  idOf: (item: T) => string,
  size: number,
  token: string | undefined,
): Page<T> | undefined {
  const after = token === undefined ? '' : readToken(token);
  if (after === undefined) return undefined;
  const rest = found
    .map(idOf)
    .filter(id => id > after)
    .sort();
  const ids = new Set(rest.slice(0, size));
  const last = rest[size - 1];
  return {
    items: found.filter(item => ids.has(idOf(item))),
    token: rest.length > size && last !== undefined ? `${mark}${Buffer.from(last).toString('base64url')}` : undefined,
  };
}

const mark = 'after.';

function readToken(token: string): string | undefined {
  return token.startsWith(mark) ? Buffer.from(token.slice(mark.length), 'base64url').toString() : undefined;
}
