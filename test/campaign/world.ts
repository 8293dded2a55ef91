import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type pg from 'pg';
import type { Status } from '../../api/resources/resource.ts';
import { conditionOf } from '../../api/resources/resource.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { createPool } from '../../api/store/pool.ts';
import type { LoggedCall } from '../../infra/local/aws/call-log.ts';
import type { Fault } from '../../infra/local/aws/faults.ts';
import { createStudentReconciler } from '../../reconcilers/student/index.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import { settings } from '../reconcilers/rows.ts';
import { startTestAws, type TestAws } from '../support/local-aws.ts';
import { createFastClock } from './fast-clock.ts';
import { type Life, startLife, type WorkspaceReconciler } from './life.ts';
import { watchOracles } from './oracles.ts';
import { type Truth, withTruth } from './truth.ts';

/** Milliseconds of the world's clock by which its reads lag, always. */
const usualLag = 400;
/** By how much one stale read lags: less than the answer to an own write is believed. */
const staleLag = 5_000;

/** What happens at a call to AWS, before anything else: a fault, or nothing. */
export type AtCall = (operation: string) => Fault | undefined;

/** One machine of a campaign: a local AWS without processes, a database, and one controller after another. */
export interface World {
  readonly test: TestAws;
  readonly truth: Truth;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly patienceMilliseconds: number;
  /** The controller that lives now. */
  life: Life;
  readonly violations: string[];
  /** What is done at each call and statement; a run sets them. */
  atCall: AtCall;
  atStatement: (moment: 'before' | 'after', label: string) => void | Promise<void>;
  /** Which reads are stale from now on. */
  isStale: (operation: string) => boolean;
  /** Calls in order, since a run emptied it. */
  readonly calls: LoggedCall[];
  readonly now: () => Date;
  /** Kills the controller, cuts its lease and starts another. */
  replace(): Promise<void>;
  startLife(kindNames?: readonly ('workspace' | 'student')[]): Life;
  close(): Promise<void>;
}

/** The operations that only look. */
export const isRead = (operation: string) => /^(Describe|List|AdminGet|AdminList)/.test(operation);

export interface WorldOptions {
  readonly databaseUrl: string;
  /** How long it may take to come to rest before it counts as wedged. */
  readonly patienceMilliseconds?: number | undefined;
  /** Makes a reconciler worse: a planted bug. */
  readonly plant?: ((reconciler: WorkspaceReconciler, world: () => World) => WorkspaceReconciler) | undefined;
}

/** A world that takes longer than this to come to rest has wedged. */
const patience = 15_000;

/** Starts an empty world over a migrated, empty database; `startLife` gives it a controller. */
export async function startWorld({
  databaseUrl,
  plant,
  patienceMilliseconds = patience,
}: WorldOptions): Promise<World> {
  const clock = createFastClock();
  const { started: test, truth } = await withTruth(() => startTestAws({ clock, lagMilliseconds: usualLag }));
  const { aws, ground, credentials } = test;
  // A task takes a while to come and to go: that is where the races are.
  test.driver.images.set(settings.gateImage, { startMilliseconds: 500, stopMilliseconds: 200 });
  test.driver.images.set(settings.ideImage, { startMilliseconds: 200, stopMilliseconds: 8_000 });
  const pool = createPool(databaseUrl);
  const violations: string[] = [];
  const calls: LoggedCall[] = [];
  const now = () => new Date(clock.now());
  const client = { endpoint: aws.url, region: 'us-east-1', credentials, maxAttempts: 1 };
  const ours = {
    ...settings,
    cluster: ground.cluster,
    vpcId: ground.vpcId,
    balancers: [{ listenerArn: ground.listenerArn, domain: 'localhost' }],
    fileSystemId: ground.fileSystemId,
  };
  const told = (resource: Workspace | Student, status: Status) => {
    const ready = conditionOf(status, 'Ready')?.status === 'True';
    if (ready && status.observedGeneration > resource.generation)
      violations.push('ready: a generation never asked for');
    if (resource.kind === 'workspace') oracles.told(resource, status);
  };
  const oracles = watchOracles(truth, settings.deployment, violations);
  const world: World = {
    test,
    truth,
    pool,
    databaseUrl,
    patienceMilliseconds,
    violations,
    calls,
    now,
    life: undefined as unknown as Life,
    atCall: () => undefined,
    atStatement: () => {},
    isStale: () => false,
    startLife(kindNames = ['workspace']) {
      const clients = {
        ecs: new ECSClient(client),
        elb: new ElasticLoadBalancingV2Client(client),
        efs: new EFSClient(client),
        cognito: new CognitoIdentityProviderClient(client),
      };
      const destroy = () => {
        for (const each of Object.values(clients)) each.destroy();
      };
      world.life = startLife({
        databaseUrl,
        clients: { ...clients, destroy },
        workspaces: given => {
          const sound = createWorkspaceReconciler({ ...ours, clients: given });
          return plant ? plant(sound, () => world) : sound;
        },
        students: given =>
          createStudentReconciler({ clients: given, userPoolId: ground.userPoolId, deployment: 'school' }) as never,
        kindNames,
        now,
        statement: (moment, label) => world.atStatement(moment, label),
        told,
        resyncSeconds: 0.3,
      });
      const { life } = world;
      lives.push({ life, kindNames });
      return life;
    },
    async replace() {
      const last = lives.at(-1);
      if (!last) throw new Error('there is no controller to replace');
      last.life.kill();
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'armada lease controller'`,
      );
      ending.push(last.life.end().catch(() => {}));
      world.startLife(last.kindNames);
    },
    async close() {
      const last = lives.at(-1);
      if (last) await last.life.end();
      await Promise.all(ending);
      await pool.end();
      await test.close();
    },
  };
  const lives: { life: Life; kindNames: readonly ('workspace' | 'student')[] }[] = [];
  const ending: Promise<void>[] = [];
  let lag = usualLag;
  // What was is kept long enough for a stale read; only while a read is answered does it say how far back that looks.
  Object.defineProperty(aws.state.consistency, 'lagMilliseconds', { get: () => lag, set: () => {} });
  lag = staleLag;
  aws.endpoint.calls.listen(call => {
    calls.push(call);
    if (!isRead(call.operation)) return;
    lag = world.isStale(call.operation) ? staleLag : usualLag;
    queueMicrotask(() => {
      lag = staleLag;
    });
  });
  aws.endpoint.faults.add((_service, operation) => world.atCall(operation));
  return world;
}
