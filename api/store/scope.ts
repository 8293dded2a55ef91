/** How much of the class a request may see, told to the store so that no query can forget it. */
export type Scope =
  | { readonly reach: 'all' }
  /** The courses that somebody is staff of, and what is their own. */
  | { readonly reach: 'course'; readonly courseIds: readonly string[]; readonly personId: string | undefined }
  | { readonly reach: 'own'; readonly personId: string };

/** Everything: for what the system itself asks. */
export const everything: Scope = { reach: 'all' };

/** The three values of a scope in a query: everything?, whose, which courses. */
export function scopeValues(scope: Scope): readonly [boolean, string | null, readonly string[]] {
  if (scope.reach === 'all') return [true, null, []];
  return [false, scope.personId ?? null, scope.reach === 'course' ? scope.courseIds : []];
}

/**
 * Whether a cohort, alias k, lies within a scope, in SQL, given `scopeValues` as $1 to $3: one of the scope's courses
 * takes it, or no course does and the person made it.
 */
export const cohortInScope = `($1 or exists (select from enrolments e where e.cohort_id = k.id and e.course_id = any($3))
  or (k.owner_id = $2 and not exists (select from enrolments e where e.cohort_id = k.id)))`;

/** Whether something of `courseId` and `personId` lies within the scope. */
export function within(scope: Scope, of: { readonly courseId: string; readonly personId: string }): boolean {
  const [all, personId, courseIds] = scopeValues(scope);
  return all || personId === of.personId || courseIds.includes(of.courseId);
}
