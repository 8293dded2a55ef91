import { type Static, Type } from 'typebox';

/** Any refusal over HTTP, as RFC 9457 says. */
export const Problem = Type.Object({
  /** Stable name of the kind of problem, a path of the portal: `/problems/not-found`. */
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  /** A sentence that a person can act on. */
  detail: Type.Optional(Type.String()),
  /** Id of the request, to be found in the log. */
  instance: Type.Optional(Type.String()),
  /** Every field that is wrong: `#/spec/cpu` in the body, `?limit` in the query. */
  errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  /** With 412: the object as it is now; null: there is none. */
  current: Type.Optional(Type.Unknown()),
});
export type Problem = Static<typeof Problem>;
