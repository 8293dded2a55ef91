import { tell } from './ending.ts';
import { type Bench, median, rounded } from './figures.ts';
import { type Resync, watchResync } from './resync-watch.ts';
import { startScale } from './scale.ts';

const size = { workspaces: 1_000, running: 98 };
const resyncs = 4;
const mostSeconds = 900;

/** Looks of the real controller at a thousand workspaces that are as asked. */
export const resync1000: Bench = {
  name: 'resync-1000',
  does: 'a resync of 1,000 settled workspaces: AWS calls, writes, seconds, CPU of the controller’s process',
  async run(print) {
    const scale = await startScale({ ...size, laid: true });
    try {
      await scale.untilSettled(mostSeconds);
      const taken: Resync[] = [];
      while (taken.length < resyncs) {
        tell(`resync ${taken.length + 1} of ${resyncs}: one comes every 30 s`);
        taken.push(await watchResync(scale, mostSeconds));
      }
      // The first one has not seen everything yet.
      const steady = taken.slice(1);
      const sum = (resync: Resync, fits: (operation: string) => boolean) =>
        Object.entries(resync.calls).reduce((total, [name, count]) => total + (fits(name) ? count : 0), 0);
      const reads = steady.map(resync => sum(resync, name => isOfWorkspaces(name) && isRead(name)));
      const writes = steady.map(resync => sum(resync, name => isOfWorkspaces(name) && !isRead(name)));
      print({
        figure: 'calls of a resync of 1,000',
        value: median(reads),
        unit: 'calls',
        goal: '≤ 130',
        met: median(reads) <= 130,
        of: { most: Math.max(...reads), ...steady.at(-1)?.calls },
      });
      print({
        figure: 'writes of a resync of 1,000',
        value: Math.max(...writes),
        unit: 'calls',
        goal: '0',
        met: Math.max(...writes) === 0,
      });
      print({
        figure: 'a resync of 1,000: from the listing to the last look',
        value: rounded(median(steady.map(({ seconds }) => seconds))),
        unit: 's',
      });
      const cpu = median(steady.map(({ cpuSeconds }) => cpuSeconds));
      print({
        figure: 'CPU of a resync of 1,000',
        value: rounded(cpu),
        unit: 's',
        of: { microsecondsEach: cpu * 1_000 },
      });
    } finally {
      await scale.close();
    }
  },
};

function isRead(operation: string): boolean {
  return /^(Describe|List)/.test(operation);
}

/** Accounts and the queue of events are not the workspaces'. */
function isOfWorkspaces(operation: string): boolean {
  return !/^(Admin|ReceiveMessage|DeleteMessage|CreateQueue)/.test(operation);
}
