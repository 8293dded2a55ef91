import { createHash, randomBytes } from 'node:crypto';
import { invalid } from './refusals.ts';

/** AWS's largest page, and the page of who asks for none. */
const largestPage = 400;

/** One page, and the marker of the next while there is one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextMarker: string | undefined;
}

interface Marker {
  readonly seed: string;
  readonly after: string;
}

/**
 * One page of a list that may change between pages: a walk gives everything that is there all along, once. The order
 * is by id, or where `shuffled` another one in every walk.
 */
export function page<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  input: { readonly PageSize?: number | undefined; readonly Marker?: string | undefined },
  shuffled: boolean,
): Page<T> {
  const size = input.PageSize ?? largestPage;
  if (!Number.isInteger(size) || size < 1 || size > largestPage)
    throw invalid(`Page size '${size}' must be in the range of 1-${largestPage}`);
  const marker = input.Marker === undefined ? start(shuffled) : read(input.Marker);
  const keyed = items.map(item => ({ key: keyOf(marker.seed, idOf(item)), item }));
  const rest = keyed.filter(({ key }) => key > marker.after).sort((a, b) => (a.key < b.key ? -1 : 1));
  const taken = rest.slice(0, size);
  const last = taken.at(-1);
  return {
    items: taken.map(({ item }) => item),
    nextMarker: last && rest.length > size ? write({ seed: marker.seed, after: last.key }) : undefined,
  };
}

function start(shuffled: boolean): Marker {
  return { seed: shuffled ? randomBytes(4).toString('hex') : '', after: '' };
}

function keyOf(seed: string, id: string): string {
  return seed === '' ? id : createHash('sha1').update(seed).update(id).digest('hex');
}

function write(marker: Marker): string {
  return Buffer.from(`${marker.seed} ${marker.after}`).toString('base64url');
}

function read(text: string): Marker {
  const [seed, after, ...more] = Buffer.from(text, 'base64url').toString().split(' ');
  if (seed === undefined || after === undefined || more.length) throw invalid(`The marker '${text}' is not valid`);
  return { seed, after };
}
