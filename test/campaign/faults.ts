import { answerLost, failedAfterApplying, throttled } from '../../infra/local/aws/faults.ts';
import { isRead, type World } from './world.ts';

/** A moment of a run: the nth call of an operation, or the nth statement of a sort (`sql:…`). */
export interface Point {
  readonly operation: string;
  readonly nth: number;
}

/** Every fault of the campaign, and where it makes sense. */
export const faultNames = [
  'crash before',
  'crash after',
  'answer lost',
  'throttled x3',
  'refused after applying',
  'stale read x2',
  'read fails',
  'late call after a takeover',
  'database cut before',
  'database cut after',
  'notification dropped',
] as const;
/** `none`: the scenario as it is, to compare a planted bug with a sound reference. */
export type FaultName = (typeof faultNames)[number] | 'none';

/** Whether this fault can happen at this point. */
export function fits(fault: FaultName, { operation }: Point): boolean {
  if (operation === 'notify') return fault === 'notification dropped' || fault === 'none';
  if (fault === 'none') return false;
  if (operation.startsWith('sql:')) return fault.startsWith('database') || fault.startsWith('crash');
  if (fault === 'stale read x2' || fault === 'read fails') return isRead(operation);
  if (fault === 'late call after a takeover' || fault === 'refused after applying') return !isRead(operation);
  return !fault.startsWith('database') && fault !== 'notification dropped';
}

/** Sets a fault up in a world. `fired` tells whether its point was reached. */
export function arm(world: World, fault: FaultName, point: Point): { fired(): boolean; disarm(): void } {
  const seen = new Map<string, number>();
  let fired = 0;
  const count = (operation: string): number => {
    const nth = (seen.get(operation) ?? 0) + 1;
    seen.set(operation, nth);
    return operation === point.operation ? nth - point.nth : -1;
  };
  /** For the calls of the point, from its nth on: is it one of the first `times`? */
  const hits = (operation: string, times = 1) => {
    const since = count(operation);
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
        const crash = () => world.replace();
        return fault === 'crash before'
          ? {
              ...throttled,
              async before() {
                await crash();
                await throttled.before?.();
              },
            }
          : { after: crash, loseAnswer: true };
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
    case 'read fails':
      world.atCall = operation => (hits(operation) ? failedAfterApplying : undefined);
      break;
    case 'stale read x2':
      world.isStale = operation => hits(operation, 2);
      break;
    case 'late call after a takeover': {
      world.atCall = operation => {
        if (!hits(operation)) return undefined;
        return {
          async before() {
            await world.replace();
            // The next controller has the time to do much of the work.
            await new Promise(resolve => setTimeout(resolve, 120));
          },
        };
      };
      break;
    }
    case 'database cut before':
    case 'database cut after': {
      const moment = fault === 'database cut before' ? 'before' : 'after';
      world.atStatement = (at, label) => {
        if (at === moment && hits(label)) throw cut();
      };
      break;
    }
    case 'notification dropped':
    case 'none':
      break;
  }
  return {
    fired: () => fired > 0 || point.operation === 'notify',
    disarm() {
      world.atCall = () => undefined;
      world.atStatement = () => {};
      world.isStale = () => false;
    },
  };
}
