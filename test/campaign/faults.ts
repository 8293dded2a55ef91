import { answerLost, failedAfterApplying, pageLost, throttled } from '../../infra/local/aws/faults.ts';
import type { VirtualWorld } from './virtual-world.ts';
import { isRead } from './world.ts';

/** A moment of a run: the nth call of an operation, the nth statement of a sort (`sql:…`), the nth notification. */
export interface Point {
  readonly operation: string;
  readonly nth: number;
}

/** Name of the points at which a wish is announced. */
export const announcement = 'notify';

/** Every fault of the campaign. */
export const faultNames = [
  'crash before',
  'crash after',
  'answer lost',
  'throttled x3',
  'refused after applying',
  'stale read x2',
  'page lost',
  'late call after a takeover',
  'database cut before',
  'database cut after',
  'notification dropped',
] as const;
/** `none`: the scenario as it is, to compare a planted bug with a sound reference. */
export type FaultName = (typeof faultNames)[number] | 'none';

/** Operations whose answers come in pages: where the items are, and the way to the next page. */
const paged: Readonly<Record<string, { readonly items: string; readonly next: string }>> = {
  ListServices: { items: 'serviceArns', next: 'nextToken' },
  ListTasks: { items: 'taskArns', next: 'nextToken' },
  ListTaskDefinitions: { items: 'taskDefinitionArns', next: 'nextToken' },
  DescribeRules: { items: 'Rules', next: 'NextMarker' },
  DescribeTargetGroups: { items: 'TargetGroups', next: 'NextMarker' },
  DescribeAccessPoints: { items: 'AccessPoints', next: 'NextToken' },
};

/** Members of an input that ask for single things. */
const named = ['AccessPointId', 'Names'];

/** Whether this fault can happen at this point. */
export function fits(fault: FaultName, { operation }: Point): boolean {
  if (fault === 'none') return false;
  if (fault === 'notification dropped' || operation === announcement)
    return fault === 'notification dropped' && operation === announcement;
  const isStatement = operation.startsWith('sql:');
  switch (fault) {
    case 'crash before':
    case 'crash after':
      return true;
    case 'database cut before':
    case 'database cut after':
      return isStatement;
    case 'stale read x2':
      return !isStatement && isRead(operation);
    case 'page lost':
      return operation in paged;
    case 'late call after a takeover':
      return !isStatement && !isRead(operation);
    default:
      return !isStatement;
  }
}

/** How long a call is held while another controller takes over: it gets most of the work done meanwhile. */
const heldMilliseconds = 6_000;

/** Sets a fault up in a world. `fired` tells whether its point was reached; `landed`, whether nothing is held up any more. */
export function arm(virtual: VirtualWorld, fault: FaultName, point: Point) {
  const { world, time } = virtual;
  const seen = new Map<string, number>();
  let fired = 0;
  let held = 0;
  /** Is this one of the first `times` from the point's on? */
  const hits = (operation: string, times = 1): boolean => {
    const nth = (seen.get(operation) ?? 0) + 1;
    seen.set(operation, nth);
    const since = operation === point.operation ? nth - point.nth : -1;
    const hit = since >= 0 && since < times;
    if (hit) fired += 1;
    return hit;
  };
  const cut = () => Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
  switch (fault) {
    case 'crash before':
    case 'crash after': {
      const moment = fault === 'crash before' ? 'before' : 'after';
      world.atCall = operation => {
        if (!hits(operation)) return undefined;
        if (fault === 'crash after') return { after: () => world.replace(), loseAnswer: true };
        return {
          async before() {
            await world.replace();
            await throttled.before?.();
          },
        };
      };
      world.atStatement = async (at, label) => {
        if (at === moment && hits(label)) await world.replace();
      };
      break;
    }
    case 'answer lost':
      world.atCall = operation => (hits(operation) ? answerLost : undefined);
      break;
    case 'throttled x3':
      world.atCall = operation => (hits(operation, 3) ? throttled : undefined);
      break;
    case 'refused after applying':
      world.atCall = operation => (hits(operation) ? failedAfterApplying : undefined);
      break;
    case 'stale read x2':
      world.isStale = operation => hits(operation, 2);
      break;
    case 'page lost': {
      const place = paged[point.operation];
      let isNext = false;
      world.atCall = operation => {
        if (isNext && operation === point.operation) {
          isNext = false;
          return failedAfterApplying;
        }
        if (!place || !hits(operation)) return undefined;
        const lost = pageLost(place);
        return {
          change(output) {
            const asked = world.calls.findLast(call => call.operation === operation)?.input ?? {};
            // What is asked for by name has one page.
            if (named.some(member => member in asked && asked[member as never] !== undefined)) return output;
            isNext = true;
            return lost.change?.(output) ?? output;
          },
        };
      };
      break;
    }
    case 'late call after a takeover':
      world.atCall = operation => {
        if (!hits(operation)) return undefined;
        return {
          async before() {
            held += 1;
            await world.replace();
            await time.wait(heldMilliseconds);
            held -= 1;
            world.oracles.isCallLate = true;
          },
        };
      };
      break;
    case 'database cut before':
    case 'database cut after': {
      const moment = fault === 'database cut before' ? 'before' : 'after';
      world.atStatement = (at, label) => {
        if (at === moment && hits(label)) throw cut();
      };
      break;
    }
    case 'notification dropped':
      virtual.isHeard = () => !hits(announcement);
      break;
    case 'none':
      fired = 1;
  }
  return { fired: () => fired > 0, landed: () => held === 0, disarm: () => disarm(virtual) };
}

/** Nothing goes wrong any more. */
export function disarm(virtual: VirtualWorld): void {
  virtual.isHeard = () => true;
  virtual.world.atCall = () => undefined;
  virtual.world.atStatement = () => {};
  virtual.world.isStale = () => false;
}
