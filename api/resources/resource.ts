import { type Static, type TSchema, Type } from 'typebox';

/** A fact about an object that a controller found, as in Kubernetes' API conventions. */
export const Condition = Type.Object({
  type: Type.Union([Type.Literal('Ready'), Type.Literal('Stalled')]),
  status: Type.Union([Type.Literal('True'), Type.Literal('False'), Type.Literal('Unknown')]),
  /** PascalCase, stable: shown, logged, tested. */
  reason: Type.String(),
  /** A sentence that a person can act on. */
  message: Type.String(),
  /** When `status` last changed, ISO 8601. */
  since: Type.String(),
});
export type Condition = Static<typeof Condition>;

/** What every object carries, whatever its kind. Times are ISO 8601 in UTC. */
export const envelope = {
  id: Type.String(),
  slug: Type.String(),
  /** Counts the changes of `spec` (and deletion); what `If-Match` compares. */
  generation: Type.Integer(),
  /** Global order of every write; the ETag, and what a watch resumes from. */
  version: Type.Integer(),
  createdAt: Type.String(),
  deletedAt: Type.Union([Type.String(), Type.Null()]),
};

/** The fields that the controller needs of any resource that it reconciles. */
export interface Resource {
  readonly kind: string;
  readonly id: string;
  readonly slug: string;
  readonly generation: number;
  readonly version: number;
  readonly createdAt: string;
  readonly deletedAt: string | null;
  readonly spec: object;
  readonly status: Status;
}

/** What the controller alone writes; `conditions` is written by controller/settle.ts alone. */
export interface Status {
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
}

/** `schema` or null. */
export function Nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()]);
}

/** Finds a condition by its type. */
export function conditionOf(status: Status, type: Condition['type']): Condition | undefined {
  return status.conditions.find(condition => condition.type === type);
}
