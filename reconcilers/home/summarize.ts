import type { Home, HomeStatus } from '../../api/resources/home.ts';
import { failureOf, isPurged } from './facts.ts';
import type { Observed } from './model.ts';

/** Notes what AWS forgets within the hour: how the keeper ended. */
export function summarize(home: Home, observed: Observed): Omit<HomeStatus, 'conditions' | 'observedGeneration'> {
  const purged = isPurged(home, observed);
  return { purged, failure: purged ? null : failureOf(home, observed) };
}
