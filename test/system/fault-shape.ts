import type { Workspace } from '../../api/resources/workspace.ts';
import type { Ask } from '../../api/store/workspaces.ts';
import type { Controller } from '../../controller/controller.ts';
import type { Fault } from '../../infra/local/aws/faults.ts';
import type { Api } from '../api/http/harness.ts';
import type { Truth } from '../campaign/truth.ts';
import type { TestAws, TestAwsOptions } from '../support/local-aws.ts';
import type { JumpingClock } from './fault-clock.ts';

export interface FaultWorldOptions extends Pick<TestAwsOptions, 'instances' | 'quotas' | 'probe'> {
  /** Places at the one balancer. */
  readonly places?: number;
  /** False: nothing is looked at unless somebody says so, or `look` is called. */
  readonly resyncs?: boolean;
}

/** API, controller, Postgres and a local AWS without processes in one process, to do things wrong in. */
export interface FaultWorld {
  readonly api: Api;
  readonly test: TestAws;
  readonly truth: Truth;
  readonly clock: JumpingClock;
  controller: Controller;
  /** Enrols so many students in a course of its own; ids of their workspaces. */
  class(name: string, size: number): Promise<string[]>;
  ask(ids: readonly string[], what: Ask): Promise<void>;
  get(id: string): Promise<Workspace>;
  /** Until all are ready; or until the first condition of `id` that is False or Stalled has this reason. */
  ready(...ids: readonly string[]): Promise<void>;
  stopped(...ids: readonly string[]): Promise<void>;
  told(id: string, reason: string): Promise<Workspace>;
  /** What the gate of a workspace reports now. */
  report(id: string, said: { ready: boolean; problem?: 'HomeNotReachable' | 'HomeInUse' }): Promise<void>;
  /** Meets the first `times` calls of an operation with a fault; answers how many it has met. */
  wrong(operation: string, fault: Fault, times?: number): () => number;
  /** Commits the controllers' next `times` statements like this, and cuts the connection before they hear of it; how many. */
  unheard(statement: RegExp, times?: number): () => number;
  /** What a resync does: each row is named once. */
  look(): Promise<void>;
  /** From now on the controller's calls and writes are refused; another begins. */
  crash(): Promise<void>;
  /** The most tasks of a workspace that ever ran side by side. */
  mostTasks(id: string): number;
  /** How many passes ran, and the most that ran at once over one key. */
  readonly passes: { readonly all: string[]; most: number };
  close(): Promise<void>;
}
