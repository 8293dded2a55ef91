import { deleteCourse } from '../../api/store/courses.ts';
import { addMember, enrol } from '../../api/store/enrolments.ts';
import { loadStudent } from '../../api/store/status.ts';
import { deleteWorkspace } from '../../api/store/workspaces.ts';
import { askAll, changeCourse, enrolled, leaves, liveWorkspaces, makeClass, makeCourse, peopleOf } from './class.ts';
import { drifts } from './drifts.ts';
import { purge } from './purge.ts';
import { restore, sweep } from './restore.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualWorld } from './virtual-world.ts';
import type { World } from './world.ts';

const patience = 60_000;

async function running(virtual: VirtualWorld): Promise<void> {
  await enrolled(virtual, 1);
  await askAll(virtual, 'start');
}
const stopped = async (virtual: VirtualWorld) => void (await enrolled(virtual, 1));
const nothing = async () => {};

const firstWorkspace = async (world: World) => (await liveWorkspaces(world))[0] ?? '';

/** The scenarios of promises §3. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    prepare: async ({ world }) => void (await makeClass(world, 1)),
    act: async virtual => void (await enrolled(virtual, 1)),
  },
  { name: 'start', prepare: stopped, act: virtual => askAll(virtual, 'start') },
  { name: 'stop', prepare: running, act: virtual => askAll(virtual, 'stop') },
  { name: 'restart', prepare: running, act: virtual => askAll(virtual, 'restart') },
  {
    name: 'new image',
    prepare: running,
    async act(virtual) {
      await changeCourse(virtual.world, { image: 'armada/other:2' });
      await askAll(virtual, 'restart');
    },
  },
  {
    name: 'delete',
    prepare: running,
    act: async ({ world }) => void (await deleteWorkspace(world.pool, await firstWorkspace(world), null)),
  },
  {
    name: 'leave and come back',
    prepare: running,
    async act(virtual) {
      const { world, time } = virtual;
      const [person] = await peopleOf(world);
      const student = person && (await loadStudent(world.pool, person.id));
      if (!student) throw new Error('nobody is there');
      const before = await homesOf(world);
      const cohortId = await leaves(virtual, student);
      await virtual.date();
      await addMember(world.pool, { cohortId, person: student }, null);
      await time.settle();
      await askAll(virtual, 'start');
      if ((await homesOf(world)) !== before) world.violations.push('lost home: who comes back has another');
    },
  },
  {
    name: 'delete while creating',
    prepare: nothing,
    async act(virtual) {
      const { world, time } = virtual;
      await running(virtual);
      const isUnderWay = () => world.calls.some(({ operation }) => operation === 'CreateTargetGroup');
      await time.until(isUnderWay, patience, 'the target group is made');
      await deleteWorkspace(world.pool, await firstWorkspace(world), null);
    },
  },
  {
    name: 'flip',
    prepare: stopped,
    // Which stop comes in time to find a rule is a matter of tenths of a second.
    mayDelete: { rule: 4 },
    async act(virtual) {
      const { oracles, violations } = virtual.world;
      for (let stops = 0; stops <= 4; stops += 1) {
        if (stops > 0) await askAll(virtual, 'stop');
        await virtual.time.pass(stops > 0 ? 400 : 0);
        await askAll(virtual, 'start');
        await virtual.time.pass(400);
        for (const [what, times] of oracles.deletes)
          if (times > stops) violations.push(`deleted more often than it was to stop: ${what}, ${times} times`);
      }
    },
  },
  {
    name: 'rename',
    prepare: running,
    settleSeconds: 31,
    async act({ world }) {
      await world.pool.query(`update people set spec = spec || '{"name": "Ada King"}'`);
      await changeCourse(world, { name: 'Renamed' });
      await world.pool.query(`update cohorts set spec = spec || '{"name": "Spring"}'`);
    },
  },
  {
    name: 're-create',
    prepare: running,
    async act(virtual) {
      const { world, time } = virtual;
      const { rows } = await world.pool.query<{ id: string }>('select id from cohorts');
      await deleteCourse(world.pool, await makeCourse(world), null);
      await time.settle();
      await enrol(world.pool, { courseId: await makeCourse(world), cohortId: rows[0]?.id ?? '' }, null);
      await time.settle();
      await askAll(virtual, 'start');
    },
    async check({ world }) {
      const { rowCount } = await world.pool.query('select from homes');
      return rowCount === 2 ? [] : ['lost home: the same name made again has not a home of its own beside the old one'];
    },
  },
  {
    name: 'bulk 10',
    // Ten workspaces go the same way.
    every: 5,
    prepare: nothing,
    async act(virtual) {
      await enrolled(virtual, 10);
      await askAll(virtual, 'start');
    },
  },
  ...drifts,
  {
    name: 'invite',
    kinds: ['student'],
    prepare: nothing,
    act: async ({ world }) => void (await makeClass(world, 1)),
  },
  {
    name: 'course delete',
    // Three do.
    every: 3,
    prepare: async virtual => {
      await enrolled(virtual, 3);
      await askAll(virtual, 'start');
    },
    act: async ({ world }) => deleteCourse(world.pool, await makeCourse(world), null),
  },
  purge,
  restore,
  sweep,
];

async function homesOf({ pool }: World): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from homes order by id');
  return rows.map(({ id }) => id).join();
}

/** The four that every pull request runs. */
export const coreScenarios: readonly string[] = ['create', 'start', 'stop', 'delete'];

/** How many of the promised scenarios these are: drifts are one. */
export const familiesOf = (chosen: readonly Scenario[]) => new Set(chosen.map(({ name }) => name.split(':')[0])).size;
