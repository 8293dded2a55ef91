import { setTimeout as delay } from 'node:timers/promises';
import { isSettled, makeClass } from './class.ts';
import { startDeployment } from './deployment.ts';
import { tell } from './ending.ts';
import { type Bench, type Print, rounded } from './figures.ts';
import { startScale } from './scale.ts';
import { watch } from './watch.ts';

const settledSize = 1_000;
const runningSize = 100;
const windowSeconds = 60;
/** One and a half times the peer's hub and proxy. */
const loopMebibytes = 185;
/** Two resyncs, after which everything has been looked at and hints are warm. */
const warmSeconds = 65;
const mostSeconds = 900;

/** What a deployment costs while nobody asks for anything. */
export const idle: Bench = {
  name: 'idle',
  does: 'CPU in a minute with 1,000 settled workspaces (controller), and with 100 running (controller, API, local AWS)',
  async run(print) {
    // Side by side: both mostly wait.
    await Promise.all([overSettled(print), overRunning(print)]);
  },
};

async function overSettled(print: Print): Promise<void> {
  const scale = await startScale({ workspaces: settledSize, running: 0, laid: true });
  try {
    await scale.untilSettled(mostSeconds);
    tell(`${settledSize} are settled: waiting two resyncs, then measuring one minute`);
    await delay(warmSeconds * 1000);
    const before = scale.controllerCpuSeconds();
    await delay(windowSeconds * 1000);
    const share = (scale.controllerCpuSeconds() - before) / windowSeconds;
    const { now, peak } = scale.controllerMemory();
    print({
      figure: `CPU of the controller with ${settledSize} settled workspaces`,
      value: rounded(share * 100),
      unit: '% of a core',
      goal: '< 1 %',
      met: share < 0.01,
      of: { mebibytes: rounded(now), mebibytesAtMost: rounded(peak) },
    });
  } finally {
    await scale.close();
  }
}

async function overRunning(print: Print): Promise<void> {
  const deployment = await startDeployment('bench/gate:now');
  try {
    const slugs = await makeClass(deployment, runningSize);
    const watching = await watch(deployment.services.portalUrl, deployment.token);
    const ready = watching.until(slugs, workspace => workspace.status.step === 'ready' && isSettled(workspace));
    await deployment.call('POST', '/workspaces:start', { ids: slugs });
    await ready;
    watching.close();
    tell(`${runningSize} run: waiting two resyncs, then measuring one minute`);
    await delay(warmSeconds * 1000);
    await deployment.calls();
    const before = deployment.cpuSecondsOfParts();
    await delay(windowSeconds * 1000);
    const after = Object.entries(deployment.cpuSecondsOfParts());
    const parts = Object.fromEntries(after.map(([name, now]) => [name, rounded(now - (before[name] ?? 0))]));
    const seconds = Object.values(parts).reduce((sum, part) => sum + part, 0);
    const calls = await deployment.calls();
    const writes = Object.entries(calls).reduce(
      (sum, [name, count]) => sum + (/^(Describe|List|AdminGet|AdminList|ReceiveMessage)/.test(name) ? 0 : count),
      0,
    );
    print({
      figure: `CPU in ${windowSeconds} s with ${runningSize} running: controller, API and local AWS, its health checks included`,
      value: rounded(seconds),
      unit: 's',
      goal: '≤ 0.3 s',
      met: seconds <= 0.3,
      of: { ...parts, ...calls },
    });
    print({
      figure: `AWS writes in ${windowSeconds} s with ${runningSize} running`,
      value: writes,
      unit: 'calls',
      goal: '0',
      met: writes === 0,
    });
    const resident = Object.fromEntries(deployment.memory().map(({ name, now }) => [name, rounded(now)]));
    const loop = (resident['controller'] ?? 0) + (resident['aws'] ?? 0);
    print({
      figure: `resident memory of controller and balancer (the whole local AWS) with ${runningSize} running`,
      value: rounded(loop),
      unit: 'MiB',
      goal: `≤ ${loopMebibytes} MiB`,
      met: loop <= loopMebibytes,
      of: resident,
    });
  } finally {
    await deployment.close();
  }
}
