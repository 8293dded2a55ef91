import type { Workspace } from '../../api/resources/workspace.ts';
import { awsThrottles } from '../../infra/local/aws/throttle.ts';
import { createClients } from '../../reconcilers/aws/clients.ts';
import { createGateway, type Gateway } from '../../reconcilers/aws/rates.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { Rows, workspaceRow } from './rows.ts';
import { startWorld } from './world.ts';

/** Seconds that AWS's buckets need for `count` workspaces: one registration and two balancer writes each. */
export const floorSeconds = (count: number) => Math.max(count - 20, (2 * count - 20) / 3);

/** A world whose endpoint refuses what is above AWS's rates, by a clock that stands still while anything is at work. */
export async function startThrottled() {
  const clock = new ManualClock();
  const made = await startWorld({ lagMilliseconds: 0 });
  const { aws, credentials, settings } = made;
  let refused = 0;
  const throttles = awsThrottles(clock);
  aws.endpoint.faults.add((service, operation) => {
    const fault = throttles(service, operation);
    if (fault) refused += 1;
    return fault;
  });
  const gateway = createGateway(clock);
  let going = 0;
  const counted: Gateway = (service, operation, attempt) =>
    gateway(service, operation, async () => {
      going += 1;
      try {
        return await attempt();
      } finally {
        going -= 1;
      }
    });
  const clients = createClients({ endpoint: aws.url, region: 'us-east-1', credentials, gateway: counted });
  const rows = Rows.of<Workspace, never, never>(
    createWorkspaceReconciler({ ...settings, clients }) as never,
    (row, slot) => ({ ...row, slot }),
  );
  return {
    clock,
    calls: made.calls,
    rows,
    refused: () => refused,
    add(index: number, prefix = 'w') {
      const row = workspaceRow(`${prefix}${String(index).padStart(15, 'a')}`);
      rows.rows.set(row.id, { ...row, home: { ...row.home, uid: 20_000 + index } });
      return row.id;
    },
    /**
     * Moves time on until `isDone`; time stands still while AWS is at work, and moves on when all that can be done waits.
     * `looks`: how often in a row that must be seen, to leave out the moments in which questions are gathered.
     */
    async until(isDone: () => boolean, step = 200, looks = 1) {
      while (!isDone()) {
        let still = 0;
        const isStill = () => {
          still = going === 0 && clock.timers > 0 ? still + 1 : 0;
          return still >= looks;
        };
        await eventually(() => isDone() || isStill(), { within: 20_000, every: 1 });
        if (!isDone()) await clock.advance(step);
      }
    },
    async close() {
      clients.destroy();
      await made.close();
    },
  };
}

export type Throttled = Awaited<ReturnType<typeof startThrottled>>;
