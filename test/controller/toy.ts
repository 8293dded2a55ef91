import { unseenWorkspace, type Workspace } from '../../api/resources/workspace.ts';
import type { Reconciler } from '../../controller/reconciler.ts';

/** What a lamp's place has. */
interface Place {
  readonly cable: boolean;
  readonly bulb: boolean;
  readonly on: boolean;
  readonly broken: boolean;
}
type Action = { readonly type: 'lay-cable' | 'screw-bulb' | 'switch-on' | 'switch-off' | 'take-down' };

const nothing: Place = { cable: false, bulb: false, on: false, broken: false };

/** A world of lamps, one per workspace, and a reconciler that keeps them: small, and with everything a real one has. */
export function createLamps() {
  const places = new Map<string, Place>();
  const acts: string[] = [];
  const looks: string[] = [];
  let hook: (call: string, id: string) => unknown = () => undefined;
  const put = (id: string, change: Partial<Place>) => {
    const place = { ...(places.get(id) ?? nothing), ...change };
    places.set(id, place);
    return place;
  };
  const reconciler: Reconciler<Workspace, Place, Action> = {
    kind: 'workspace',
    async observe({ id }) {
      looks.push(id);
      await hook('observe', id);
      return places.get(id) ?? nothing;
    },
    plan({ deletedAt, spec }, place) {
      const some = (...actions: Action[]) => ({ verdict: 'act' as const, actions });
      if (deletedAt !== null) return place.cable || place.bulb ? some({ type: 'take-down' }) : { verdict: 'settled' };
      if (!place.cable && !place.bulb) return some({ type: 'lay-cable' }, { type: 'screw-bulb' });
      if (place.broken) return { verdict: 'stuck', reason: 'BulbBroken', message: 'Buy another bulb.' };
      if (spec.running && !place.on) return some({ type: 'switch-on' });
      if (!spec.running && place.on) return some({ type: 'switch-off' });
      if (spec.restarts > 0) return { verdict: 'wait', reason: 'Warming', message: 'It warms up.', seconds: 5 };
      return { verdict: 'settled' };
    },
    async apply({ type }, { id }, place) {
      await hook(type, id);
      acts.push(type);
      switch (type) {
        case 'lay-cable':
          put(id, { cable: true });
          return { ...place, cable: true };
        case 'screw-bulb':
          put(id, { bulb: true });
          return { ...place, bulb: true };
        case 'take-down':
          places.delete(id);
          return nothing;
        default:
          return { ...place, on: put(id, { on: type === 'switch-on' }).on };
      }
    },
    summarize(_, place) {
      const { conditions, observedGeneration, ...rest } = unseenWorkspace;
      return { ...rest, step: place.on ? 'ready' : 'stopped' };
    },
  };
  return {
    reconciler,
    /** What is there, by id. */
    places,
    /** Every action that was carried out, in order. */
    acts,
    /** Ids in the order in which they were looked at. */
    looks,
    /** Changes a lamp behind the loop's back. */
    put,
    /** Runs before each look and action; what it throws is AWS's answer. */
    before(next: typeof hook) {
      hook = next;
    },
  };
}
