import { isSettled, makeClass } from './class.ts';
import { startDeployment } from './deployment.ts';
import { type Bench, type Print, rounded } from './figures.ts';
import { watch } from './watch.ts';

const size = 200;
const runningSize = 20;
/** A resync is every 30 s: two of them are watched, and halved. */
const resyncs = 2;
const resyncMilliseconds = 30_000;

/** AWS calls per workspace, counted at the endpoint. */
export const calls: Bench = {
  name: 'calls',
  does: 'AWS calls per workspace for create, start, stop, delete, and a resync of 200 settled ones',
  async run(print) {
    const deployment = await startDeployment('bench/gate:now');
    try {
      await deployment.calls();
      const slugs = await makeClass(deployment, size);
      perWorkspace(print, 'create', await deployment.calls(), size, 4);
      const some = slugs.slice(0, runningSize);
      for (const [verb, step, goal] of [
        // The rule, parked; the service; the rule opened once somebody answers there.
        ['start', 'ready', 2],
        ['stop', 'stopped', 2],
      ] as const) {
        const watching = await watch(deployment.services.portalUrl, deployment.token);
        const done = watching.until(some, workspace => workspace.status.step === step && isSettled(workspace));
        await deployment.call('POST', `/workspaces:${verb}`, { ids: some });
        await done;
        watching.close();
        perWorkspace(print, verb, await deployment.calls(), runningSize, goal);
      }
      await new Promise(resolve => setTimeout(resolve, resyncs * resyncMilliseconds));
      const resync = await deployment.calls();
      const reads = sum(workspacesOnly(resync), name => !isWrite(name)) / resyncs;
      print({
        figure: `reads per workspace in a resync of ${size}`,
        value: rounded(reads / size),
        unit: 'calls',
        goal: '≤ 0.15',
        met: reads / size <= 0.15,
        of: resync,
      });
      print({
        figure: `writes in a resync of ${size}`,
        value: sum(resync, isWrite),
        unit: 'calls',
        goal: '0',
        met: sum(resync, isWrite) === 0,
      });
      await Promise.all(some.map(slug => deployment.call('DELETE', `/workspaces/${slug}`)));
      await gone(deployment.call, size - runningSize);
      perWorkspace(print, 'delete', await deployment.calls(), runningSize, 6);
    } finally {
      await deployment.close();
    }
  },
};

type Counts = Readonly<Record<string, number>>;

function perWorkspace(print: Print, what: string, counts: Counts, of: number, goal: number): void {
  // People's accounts are made in the same moment; they are not the workspaces' calls.
  const ours = Object.fromEntries(
    Object.entries(counts).filter(([name]) => !/^(Admin|ListUsers|ListGroups)/.test(name)),
  );
  const writes = sum(ours, isWrite) / of;
  print({
    figure: `writes per ${what}`,
    value: rounded(writes),
    unit: 'calls',
    goal: `≤ ${goal}`,
    met: writes <= goal,
    of: ours,
  });
  print({ figure: `reads per ${what}`, value: rounded(sum(ours, name => !isWrite(name)) / of), unit: 'calls' });
}

/** People's accounts are made in the same moment; their calls are not the workspaces'. */
function workspacesOnly(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !name.startsWith('Admin')));
}

/** What the queue of hints is asked changes nothing in AWS, and is asked at the same pace whatever happens. */
function isWrite(name: string): boolean {
  return !/^(Admin)?(Describe|List|Get)|Message/.test(name);
}

function sum(counts: Counts, fits: (name: string) => boolean): number {
  return Object.entries(counts).reduce((total, [name, count]) => total + (fits(name) ? count : 0), 0);
}

async function gone(call: (method: string, path: string) => Promise<unknown>, left: number): Promise<void> {
  for (;;) {
    const { items } = (await call('GET', '/workspaces?limit=500')) as { items: unknown[] };
    if (items.length <= left) return;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
