import type { FaultName } from './faults.ts';
import type { KindName } from './life.ts';
import type { VirtualWorld } from './virtual-world.ts';

/** Something that people ask for, or that a hand does to AWS; the same each time. */
export interface Scenario {
  /** What stands before a colon is its family: the campaign counts families. */
  readonly name: string;
  readonly kinds?: readonly KindName[];
  /** Brings the world to where the scenario begins; faults come later. */
  prepare(virtual: VirtualWorld): Promise<void>;
  act(virtual: VirtualWorld): Promise<void>;
  /** One run in so many is made, where many points are alike. */
  readonly every?: number;
  /**
   * How often each thing of a sort may be deleted where how often it is depends on moments: once for each time that this
   * was asked for. Left out: never more often than without a fault.
   */
  readonly mayDelete?: Readonly<Record<string, number>>;
  /** A fault after which the end is another one by right; says why. */
  readonly unlike?: { readonly fault: FaultName; readonly operation: string; readonly why: string };
  /** How long it may take until what nobody was told of is found. */
  readonly settleSeconds?: number;
  /** What is wrong at rest beside what every scenario is asked. */
  check?(virtual: VirtualWorld): Promise<readonly string[]>;
  /** Done once all was looked at, so that everything can be cleared away. */
  after?(virtual: VirtualWorld): Promise<void>;
}
