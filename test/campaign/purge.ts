import { askPurge } from '../../api/store/homes.ts';
import { homePath } from '../../reconcilers/aws/names.ts';
import { askAll, enrolled, leaves, peopleOf } from './class.ts';
import { sweeps } from './restore.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** Homes by whether a workspace has them. */
async function homesOf({
  pool,
}: World): Promise<{ readonly kept: readonly string[]; readonly used: readonly string[] }> {
  const { rows } = await pool.query<{ id: string; used: boolean }>(
    'select id, exists (select from workspaces where home_id = homes.id) as used from homes order by id',
  );
  const ids = (used: boolean) => rows.filter(row => row.used === used).map(({ id }) => id);
  return { kept: ids(false), used: ids(true) };
}

const asked = new WeakMap<World, string>();

/** Ada has left and her files are to go for good; Bob works on in his. */
export const purge: Scenario = {
  name: 'purge',
  kinds: ['workspace', 'home'],
  unlike: {
    fault: 'late call after a takeover',
    operation: 'CreateAccessPoint',
    why: 'a door made when all is over leads to an empty folder; the sweep tells of it and, as of any home’s, deletes it never',
  },
  async prepare(virtual) {
    const { world } = virtual;
    await enrolled(virtual, 2);
    await askAll(virtual, 'start');
    const [ada] = await peopleOf(world);
    if (!ada) throw new Error('nobody is there');
    await leaves(virtual, ada);
    // A read that still shows the door that the workspace had would end in a try that a person has to repeat.
    await virtual.time.pass(10_000);
  },
  async act({ world, time }) {
    const [home = ''] = (await homesOf(world)).kept;
    asked.set(world, home);
    world.emptied.length = 0;
    const { rows } = await world.pool.query<{ id: string }>('select id from courses');
    const answer = await askPurge(
      world.pool,
      rows[0]?.id ?? '',
      { homes: [home], unmarked: false, everybody: false },
      null,
    );
    if (!('asked' in answer) || answer.asked !== 1) throw new Error(`not asked: ${JSON.stringify(answer)}`);
    await time.settle();
  },
  async check({ world }) {
    const home = asked.get(world) ?? '';
    const { kept, used } = await homesOf(world);
    const others = world.emptied.filter(path => path !== homePath(home));
    return [
      ...(others.length > 0 ? [`lost home: ${others.join(', ')} was emptied, which nobody asked for`] : []),
      ...(world.emptied.includes(homePath(home)) ? [] : ['the home that was to go is not emptied']),
      ...(kept.length > 0 ? ['the row of the home that was to go is still there'] : []),
      ...(used.length === 1 ? [] : ['lost home: the row of the other is gone']),
    ];
  },
  /** ECS registers a task definition as often as it is asked: one that comes late, when its row is gone, is the sweeper's. */
  async after(virtual) {
    if (virtual.world.oracles.isCallLate) await sweeps(virtual, 4);
  },
};
