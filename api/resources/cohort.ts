import { type Static, Type } from 'typebox';
import { envelope } from './resource.ts';

export const CohortSpec = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
);
export type CohortSpec = Static<typeof CohortSpec>;

/** A named group of students. */
export const Cohort = Type.Object({
  kind: Type.Literal('cohort'),
  ...envelope,
  spec: CohortSpec,
  /** How many students are in it. */
  size: Type.Integer(),
});
export type Cohort = Static<typeof Cohort>;
