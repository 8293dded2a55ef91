import type { Found } from './model.ts';

/** Fewer strays than this are never a sign of a wrong database. */
const fewOwners = 5;
/** More than this part of all that there is, and the rows are in doubt: a backup of yesterday looks like that. */
const doubtfulShare = 0.1;

/** A rule names a target group, a service runs of a task definition: what needs another thing goes before it. */
const order = { rule: 0, service: 1, 'target group': 2, 'task definition': 3 } as const;

/** Whether so many owners are unknown that rather the rows are incomplete than AWS too full. */
export function isDoubtful(strays: readonly Found[], knownOwners: number): boolean {
  const unknown = new Set(strays.filter(({ kind }) => kind !== 'home').map(({ owner }) => owner)).size;
  return unknown > fewOwners && unknown > knownOwners * doubtfulShare;
}

/**
 * What may go: cheap to remake, and stray for the whole quarantine. Homes never do: what is in them can't be remade.
 * `since`: ISO 8601 by id.
 */
export function condemned(
  strays: readonly Found[],
  since: ReadonlyMap<string, string>,
  now: Date,
  quarantineSeconds: number,
): readonly Found[] {
  const isRipe = ({ id }: Found) => {
    const first = since.get(id);
    return first !== undefined && now.getTime() - new Date(first).getTime() >= quarantineSeconds * 1000;
  };
  return strays
    .filter(isRipe)
    .filter(isCheap)
    .toSorted((a, b) => order[a.kind] - order[b.kind]);
}

type Cheap = Found & { readonly kind: keyof typeof order };

function isCheap(found: Found): found is Cheap {
  return found.kind !== 'home';
}
