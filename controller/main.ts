import { pino } from 'pino';
import { keysOf as derivedFrom } from '../api/resources/keys.ts';
import { addEvents, pruneEvents } from '../api/store/events.ts';
import { loadHomes } from '../api/store/homes.ts';
import { stopIdle, watchedWorkspaces } from '../api/store/idle.ts';
import { createMails, mailsPerDay } from '../api/store/mails.ts';
import { migrate } from '../api/store/migrate.ts';
import { createPool } from '../api/store/pool.ts';
import { createRouteSlots } from '../api/store/slots.ts';
import { loadStudents, loadWorkspaces, underWay } from '../api/store/status.ts';
import { noteStrays, ownersOf } from '../api/store/strays.ts';
import { createClients, requestIdOf } from '../reconcilers/aws/clients.ts';
import { is } from '../reconcilers/aws/errors.ts';
import { createEcsHints, createEventsClient } from '../reconcilers/aws/events.ts';
import { createGateway, type Gateway, type RatesClock, withSignal } from '../reconcilers/aws/rates.ts';
import { createHomeReconciler } from '../reconcilers/home/index.ts';
import { createStudentReconciler } from '../reconcilers/student/index.ts';
import { createSweep } from '../reconcilers/sweep/index.ts';
import { createWorkspaceReconciler } from '../reconcilers/workspace/index.ts';
import { Autostop } from './actors/autostop.ts';
import { Controller } from './controller.ts';
import { createKind, type Kind } from './drive.ts';
import { gathered } from './gathered.ts';
import { serveHealth } from './health.ts';
import { createHousekeeping } from './housekeeping.ts';
import { type CallResult, createMetrics } from './metrics.ts';
import { createRows } from './rows.ts';
import { readSettings } from './settings.ts';
import { createTrace } from './trace.ts';

/** The controller's process: puts loop, rows and reconcilers together, and runs until SIGTERM. */

/** Idle times are minutes; a look is one query. */
const autostopMilliseconds = 20_000;
/** Strays are waited with for a day: nothing is lost by finding them late. */
const housekeepingMilliseconds = 10 * 60_000;
/** AWS allows 100 target groups a balancer, not adjustable; the app has one, one is spare. */
const placesPerBalancer = 98;
/** A class's passes stand in line for AWS's tokens, three calls a second at the balancer: 900 calls are five minutes. */
const pacedPassSeconds = 900;

const settings = readSettings(process.env);
const log = pino({ base: null, level: settings.ARMADA_LOG_LEVEL ?? 'info' });
const pool = createPool(settings.DATABASE_URL);
// A status that a power cut took is found again by the next look: no start waits for the disk because of it.
const statusPool = createPool(settings.DATABASE_URL, { durable: false });
await migrate(settings.DATABASE_URL);

const ratesClock: RatesClock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
const isPaced = settings.ARMADA_RATES !== 'off';
const elapsed = () => performance.now();
const metrics = createMetrics(() => controller.look(), elapsed);
const trace = createTrace(log);
const paced: Gateway = isPaced ? createGateway(ratesClock) : (_service, _operation, attempt) => attempt();
const counted: Gateway = (service, operation, attempt) =>
  paced(service, operation, async () => {
    const start = elapsed();
    const tell = (result: CallResult, about: unknown) => {
      const milliseconds = elapsed() - start;
      metrics.called(service, operation, result, milliseconds);
      trace.called({ service, operation, result, milliseconds, requestId: requestIdOf(about) });
    };
    try {
      const answer = await attempt();
      tell('ok', answer);
      return answer;
    } catch (error) {
      tell(is(error, 'throttled') ? 'throttled' : 'error', error);
      throw error;
    }
  });
const clients = createClients({ gateway: counted });
const deployment = settings.ARMADA_DEPLOYMENT;
const workspaces = createWorkspaceReconciler({
  clients,
  deployment,
  cluster: settings.ARMADA_CLUSTER,
  capacityProvider: settings.ARMADA_CAPACITY_PROVIDER,
  vpcId: settings.ARMADA_VPC_ID,
  balancers: settings.balancers,
  fileSystemId: settings.ARMADA_FILE_SYSTEM_ID,
  portalUrl: settings.ARMADA_PORTAL_URL,
  heartbeatUrl: settings.ARMADA_HEARTBEAT_URL ?? settings.ARMADA_PORTAL_URL,
  gateImage: settings.ARMADA_GATE_IMAGE,
  ideImage: settings.ARMADA_IDE_IMAGE,
  keys: derivedFrom(settings.ARMADA_SECRET),
  executionRoleArn: settings.ARMADA_EXECUTION_ROLE_ARN,
  logs: settings.logs,
});
const homes = createHomeReconciler({
  clients,
  deployment,
  cluster: settings.ARMADA_CLUSTER,
  capacityProvider: settings.ARMADA_CAPACITY_PROVIDER,
  fileSystemId: settings.ARMADA_FILE_SYSTEM_ID,
  gateImage: settings.ARMADA_GATE_IMAGE,
  executionRoleArn: settings.ARMADA_EXECUTION_ROLE_ARN,
  logs: settings.logs,
});
const students = createStudentReconciler({
  clients,
  userPoolId: settings.ARMADA_USER_POOL_ID,
  deployment,
  mails: createMails(pool, Number(settings.ARMADA_MAILS_PER_DAY ?? mailsPerDay)),
});

const queueUrl = settings.ARMADA_EVENTS_QUEUE_URL;
const events = queueUrl === undefined ? undefined : { queueUrl, client: createEventsClient() };

const controller = new Controller({
  url: settings.DATABASE_URL,
  kinds: [
    createKind(
      students,
      createRows({ kind: 'student', load: gathered(ids => loadStudents(pool, ids)), pool, statusPool }),
    ),
    createKind(
      workspaces,
      createRows({ kind: 'workspace', load: gathered(ids => loadWorkspaces(pool, ids)), pool, statusPool }),
    ),
    createKind(homes, createRows({ kind: 'home', load: gathered(ids => loadHomes(pool, ids)), pool, statusPool })),
  ].map(kind => trace.traced(metrics.measured(givingUp(kind)))),
  slots: createRouteSlots(
    pool,
    settings.balancers.map(() => placesPerBalancer),
  ),
  log,
  now: () => new Date(),
  random: Math.random,
  hints:
    events &&
    createEcsHints({ ...events, deployment, called: (operation, result) => metrics.called('sqs', operation, result) }),
  underWay: () => underWay(pool),
  asked: metrics.asked,
  passSeconds: isPaced ? pacedPassSeconds : undefined,
});
controller.start();
const metricsServer =
  settings.ARMADA_METRICS_PORT === undefined
    ? undefined
    : await serveHealth(Number(settings.ARMADA_METRICS_PORT), {
        registry: metrics.registry,
        look: () => controller.look(),
        unready: () =>
          pool.query('select 1').then(
            () => [],
            () => ['the database does not answer'],
          ),
      });

const autostop = new Autostop({
  list: () => watchedWorkspaces(pool),
  stop: (seen, why) => stopIdle(pool, seen, why),
  now: Date.now,
  elapsed: () => performance.now(),
});
const keepHouse = createHousekeeping({
  deployment,
  sweep: createSweep({
    clients,
    deployment,
    cluster: settings.ARMADA_CLUSTER,
    listenerArns: settings.balancers.map(({ listenerArn }) => listenerArn),
    fileSystemId: settings.ARMADA_FILE_SYSTEM_ID,
    ledger: { owners: () => ownersOf(pool), note: (strays, now) => noteStrays(pool, strays, now) },
    quarantineSeconds: settings.quarantineHours * 3600,
    now: () => new Date(),
    log,
  }),
  prune: () => pruneEvents(pool, new Date()),
  record: events => addEvents(pool, events),
  registry: metrics.registry,
  log,
});
const housekeeping = setInterval(() => {
  if (controller.leading) void keepHouse();
}, housekeepingMilliseconds);
const sweeps = setInterval(() => {
  // One that stands by does not know what the leader remembers.
  if (controller.leading) autostop.sweep().catch(err => log.error({ err }, 'idle workspaces could not be looked for'));
}, autostopMilliseconds);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());

/** The same kind, its passes leaving the lines at AWS's buckets when they are aborted. */
function givingUp(kind: Kind): Kind {
  return {
    name: kind.name,
    keys: () => kind.keys(),
    pass: (id, options) => withSignal(options.signal, () => kind.pass(id, options)),
  };
}

async function stop(): Promise<void> {
  clearInterval(sweeps);
  clearInterval(housekeeping);
  await controller.stop();
  await metricsServer?.close();
  await Promise.all([pool.end(), statusPool.end()]);
  clients.destroy();
  events?.client.destroy();
}
