import { setTimeout as delay } from 'node:timers/promises';
import { DescribeTasksCommand, paginateListServices, paginateListTasks, type Task } from '@aws-sdk/client-ecs';
import { tell } from './ending.ts';
import { type Bench, median, type Print, rounded } from './figures.ts';
import { type Scale, startScale } from './scale.ts';

const size = 100;
const shares = [0.1, 0.4, 0.8];
const rounds = 5;
const mostSeconds = 300;
/** Goal 6: the restart, and half as much again as the burst takes undisturbed. */
const mostBursts = 1.5;

/** The controller killed in the middle of a burst of starts, without a word, and started again at once. */
export const crash: Bench = {
  name: 'crash',
  does: 'kill -9 of the controller at 10, 40 and 80 % of a burst of 100 starts: orphans, lost, doubles, time to ready',
  async run(print) {
    const scale = await startScale({ workspaces: size, running: 0, places: size, laid: true });
    try {
      await scale.untilSettled(mostSeconds);
      await burst(scale, undefined);
      // In turns: each round has a burst that nobody disturbs.
      const undisturbed: Burst[] = [];
      const killed = shares.map((): Burst[] => []);
      for (let round = 0; round < rounds; round += 1) {
        tell(`round ${round + 1} of ${rounds}`);
        undisturbed.push(await burst(scale, undefined));
        for (const [index, share] of shares.entries()) killed[index]?.push(await burst(scale, share));
      }
      const own = median(undisturbed.map(({ seconds }) => seconds));
      for (const [index, share] of shares.entries()) tellOf(killed[index] ?? [], share, own, print);
    } finally {
      await scale.close();
    }
  },
};

function tellOf(taken: readonly Burst[], share: number, undisturbed: number, print: Print): void {
  const sum = (pick: (taken: Burst) => number) => taken.reduce((total, each) => total + pick(each), 0);
  const bad = sum(each => each.orphans + each.lost + each.doubles);
  print({
    figure: `killed at ${share * 100} % of ${size} starts, ${rounds} times: orphans, lost starts and doubles`,
    value: bad,
    unit: 'workspaces',
    goal: '0',
    met: bad === 0,
    of: { orphans: sum(each => each.orphans), lost: sum(each => each.lost), doubles: sum(each => each.doubles) },
  });
  const after = median(taken.map(each => each.seconds - each.restartSeconds));
  print({
    figure: `killed at ${share * 100} %: burst to all ready without the restart, in the undisturbed burst`,
    value: rounded(after / undisturbed),
    unit: '×',
    goal: `≤ ${mostBursts} × (restart apart)`,
    met: after / undisturbed <= mostBursts,
    of: {
      seconds: rounded(median(taken.map(each => each.seconds))),
      restartSeconds: rounded(median(taken.map(each => each.restartSeconds))),
      undisturbedSeconds: rounded(undisturbed),
    },
  });
}

interface Burst {
  /** From asking to all ready. */
  readonly seconds: number;
  /** From the kill until the next controller leads. */
  readonly restartSeconds: number;
  readonly orphans: number;
  readonly lost: number;
  readonly doubles: number;
}

/** Starts all, kills the controller at a share of them ready, and counts what AWS has once all is at rest; then stops all. */
async function burst(scale: Scale, killAt: number | undefined): Promise<Burst> {
  let watching = true;
  let doubles = 0;
  const watcher = (async () => {
    while (watching) {
      doubles = Math.max(doubles, extra(await runningTasks(scale)));
      await delay(200);
    }
  })();
  const start = performance.now();
  await ask(scale, true);
  let restartSeconds = 0;
  if (killAt !== undefined) {
    while ((await readyCount(scale)) < killAt * size) await delay(10);
    await scale.endController('SIGKILL');
    const killed = performance.now();
    await scale.startController();
    restartSeconds = (performance.now() - killed) / 1000;
  }
  const lost = await scale.untilSettled(mostSeconds).then(
    () => 0,
    async () => size - (await readyCount(scale)),
  );
  const seconds = (performance.now() - start) / 1000;
  watching = false;
  await watcher;
  const tasks = await runningTasks(scale);
  const known = new Set((await services(scale)).map(arn => arn.split('/').at(-1)));
  const orphans =
    tasks.filter(({ group }) => !known.has(group?.replace('service:', ''))).length + Math.max(0, known.size - size);
  await ask(scale, false);
  await scale.untilSettled(mostSeconds);
  return { seconds, restartSeconds, orphans, lost, doubles: Math.max(doubles, extra(tasks)) };
}

async function ask(scale: Scale, running: boolean): Promise<void> {
  await scale.pool.query(`update workspaces set spec = jsonb_set(spec, '{running}', $1)`, [JSON.stringify(running)]);
}

async function readyCount(scale: Scale): Promise<number> {
  const { rows } = await scale.pool.query(`select count(*) from workspaces where status->>'step' = 'ready'`);
  return Number(rows[0].count);
}

/** Tasks beyond one for each home. */
function extra(tasks: readonly Task[]): number {
  return tasks.length - new Set(tasks.map(({ group }) => group)).size;
}

async function services({ clients, ground }: Scale): Promise<string[]> {
  const arns: string[] = [];
  const input = { cluster: ground.cluster, maxResults: 100 };
  for await (const page of paginateListServices({ client: clients.ecs }, input)) arns.push(...(page.serviceArns ?? []));
  return arns;
}

/** Every task that runs or is to run. */
async function runningTasks({ clients, ground: { cluster } }: Scale): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  for await (const { taskArns = [] } of paginateListTasks({ client: clients.ecs }, { cluster, maxResults: 100 })) {
    if (taskArns.length === 0) continue;
    tasks.push(...((await clients.ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks ?? []));
  }
  return tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED');
}
