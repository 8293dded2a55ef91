import { type Static, Type } from 'typebox';
import { Nullable, type Resource, type Status } from './resource.ts';

/** Why a home could not be deleted. Stable: told, logged, tested. */
export type PurgeFailure = 'NotThisHome' | 'HomeInUse' | 'PurgeFailed' | 'KeeperFailed';

/** A home whose deletion for good a person asked for (`deletedAt`). Others are no objects of the loop. */
export interface Home extends Resource {
  readonly kind: 'home';
  readonly spec: {
    /** Slug of who asked; null: the operator. */
    readonly by: string | null;
    /** Counts how often it was asked for: each is a try of its own. */
    readonly attempt: number;
    /** A person said that it goes although no marker says whose it is: then its directory alone does. */
    readonly unmarked?: boolean;
  };
  readonly status: HomeStatus;
  readonly course: { readonly slug: string };
  readonly uid: number;
  /** A workspace has it: nothing in it may be touched. */
  readonly inUse: boolean;
}

export interface HomeStatus extends Status {
  /** A keeper has seen to it that nothing is left. */
  readonly purged: boolean;
  /** What the last try came to, if not to that. */
  readonly failure: { readonly attempt: number; readonly reason: PurgeFailure } | null;
}

/** A kept home as staff see it: whose, since and until when (ISO 8601), and how its deletion stands if it was asked for. */
export const KeptHome = Type.Object({
  id: Type.String(),
  student: Type.Object({ slug: Type.String(), name: Type.String(), email: Type.String() }),
  keptSince: Type.String(),
  keptUntil: Type.String(),
  /** `closing`: its workspace is not gone yet. `going`: its files are being deleted. `stuck`: they could not be. */
  state: Type.Union([Type.Literal('kept'), Type.Literal('closing'), Type.Literal('going'), Type.Literal('stuck')]),
  /** A sentence about what is in the way, when stuck. */
  problem: Nullable(Type.String()),
  /** No marker in it says whose it is: it goes only if that is said. */
  unmarked: Type.Boolean(),
});
export type KeptHome = Static<typeof KeptHome>;
