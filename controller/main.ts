import { pino } from 'pino';
import { keysOf as derivedFrom } from '../api/resources/keys.ts';
import type { Resource } from '../api/resources/resource.ts';
import { addEvents } from '../api/store/events.ts';
import { migrate } from '../api/store/migrate.ts';
import { createPool } from '../api/store/pool.ts';
import { createRouteSlots } from '../api/store/slots.ts';
import { keysOf, loadStudent, loadWorkspace, type ReconciledKind, remove, writeStatus } from '../api/store/status.ts';
import { createClients } from '../reconcilers/aws/clients.ts';
import { createStudentReconciler } from '../reconcilers/student/index.ts';
import { createWorkspaceReconciler } from '../reconcilers/workspace/index.ts';
import { Controller } from './controller.ts';
import { createKind, type Store } from './drive.ts';
import { readSettings } from './settings.ts';

/** The controller's process: puts loop, rows and reconcilers together, and runs until SIGTERM. */

/** AWS allows 100 target groups a balancer, not adjustable; the app has one, one is spare. */
const placesPerBalancer = 98;

const settings = readSettings(process.env);
const log = pino({ base: null });
const pool = createPool(settings.DATABASE_URL);
// A status that a power cut took is found again by the next look: no start waits for the disk because of it.
const statusPool = createPool(settings.DATABASE_URL, { durable: false });
await migrate(settings.DATABASE_URL);

const clients = createClients();
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
  logGroup: settings.ARMADA_LOG_GROUP,
});
const students = createStudentReconciler({ clients, userPoolId: settings.ARMADA_USER_POOL_ID, deployment });

const controller = new Controller({
  url: settings.DATABASE_URL,
  kinds: [
    createKind(
      students,
      rowsOf('student', id => loadStudent(pool, id)),
    ),
    createKind(
      workspaces,
      rowsOf('workspace', id => loadWorkspace(pool, id)),
    ),
  ],
  slots: createRouteSlots(
    pool,
    settings.balancers.map(() => placesPerBalancer),
  ),
  log,
  now: () => new Date(),
  random: Math.random,
});
controller.start();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());

function rowsOf<R extends Resource>(kind: ReconciledKind, load: (id: string) => Promise<R | undefined>): Store<R> {
  return {
    keys: () => keysOf(pool, kind),
    load,
    writeStatus: (resource, status) => writeStatus(statusPool, kind, resource.id, resource.version, status),
    remove: resource => remove(pool, kind, resource.id, resource.version),
    record: events => addEvents(statusPool, events),
  };
}

async function stop(): Promise<void> {
  await controller.stop();
  await Promise.all([pool.end(), statusPool.end()]);
  clients.destroy();
}
