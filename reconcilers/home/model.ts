import type { Ownership } from '../aws/names.ts';

/** What a home that is to go has in AWS, in our words. */
export interface Observed {
  /** The access point. */
  readonly door: Door | undefined;
  /** The newest task definition of its keeper. */
  readonly blueprint: Blueprint | undefined;
  /** Every revision that is left; read only once the files are gone. */
  readonly revisions: readonly Revision[];
  /** The keeper of the present try. */
  readonly keeper: Keeper | undefined;
  /** A keeper of an earlier try still runs. */
  readonly olderRuns: boolean;
  /** What AWS answered to the last write in place of doing it; never outlives a pass. */
  readonly refusal: 'no-room' | 'quota' | 'unseen' | undefined;
}

/** The way into a home's directory. */
export interface Door {
  readonly id: string;
  readonly state: 'preparing' | 'available' | 'going';
  readonly owner: Ownership;
  /** It leads to the directory that carries the home's id, on the deployment's file system. */
  readonly leadsHome: boolean;
}

export interface Blueprint {
  readonly id: string;
  /** Counts up within the home's family. */
  readonly revision: number;
}

export interface Revision {
  readonly id: string;
  readonly retired: boolean;
}

/** A task that works inside the home. `exitCode`: null while it runs, and when its container never ran. */
export interface Keeper {
  readonly state: 'running' | 'stopped';
  readonly exitCode: number | null;
}

export type Action =
  | { readonly type: 'create-door' }
  | { readonly type: 'register-keeper' }
  | { readonly type: 'run-keeper' }
  | { readonly type: 'delete-door' }
  | { readonly type: 'delete-keepers' };
