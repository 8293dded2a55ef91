import { DescribeTasksCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { serviceName } from '../../reconcilers/aws/names.ts';
import { type Bench, median, rounded } from './figures.ts';
import { type Scale, startScale } from './scale.ts';

const size = 20;
const mostSeconds = 120;

/** Whether ECS's events at a queue make a stop known sooner than the short poll alone. */
export const events: Bench = {
  name: 'events',
  does: 'from a task’s STOPPED until its stop is told, with ECS’s events at a queue and with the short poll alone',
  async run(print) {
    const [heard, polled] = [await measure(true), await measure(false)];
    print({
      figure: 'from STOPPED to told, with events, in the poll alone',
      value: rounded(median(heard) / median(polled)),
      unit: '×',
      of: { msWithEvents: rounded(median(heard)), msPolled: rounded(median(polled)), stops: size },
    });
  },
};

/** Milliseconds of each stop. */
async function measure(withEvents: boolean): Promise<readonly number[]> {
  const scale = await startScale({ workspaces: size, running: 0, places: size, laid: true, events: withEvents });
  try {
    await scale.untilSettled(mostSeconds);
    await ask(scale, true);
    await scale.untilSettled(mostSeconds);
    await ask(scale, false);
    await scale.untilSettled(mostSeconds);
    const { rows } = await scale.pool.query<{ id: string; since: string }>(
      `select id, jsonb_path_query_first(status, '$.conditions[*] ? (@.type == "Ready").since')#>>'{}' since from workspaces`,
    );
    return await Promise.all(rows.map(async ({ id, since }) => Date.parse(since) - (await stoppedAt(scale, id))));
  } finally {
    await scale.close();
  }
}

async function ask(scale: Scale, running: boolean): Promise<void> {
  await scale.pool.query(`update workspaces set spec = jsonb_set(spec, '{running}', $1)`, [JSON.stringify(running)]);
}

async function stoppedAt({ clients, ground: { cluster } }: Scale, id: string): Promise<number> {
  const list = new ListTasksCommand({ cluster, serviceName: serviceName('armada', id), desiredStatus: 'STOPPED' });
  const { taskArns: tasks = [] } = await clients.ecs.send(list);
  const described = await clients.ecs.send(new DescribeTasksCommand({ cluster, tasks }));
  return described.tasks?.[0]?.stoppedAt?.getTime() ?? Number.NaN;
}
