import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type pg from 'pg';
import { pino } from 'pino';
import { createPool } from '../../api/store/pool.ts';
import { noteStrays, ownersOf } from '../../api/store/strays.ts';
import type { LoggedCall } from '../../infra/local/aws/call-log.ts';
import type { Clock } from '../../infra/local/aws/clock.ts';
import type { Fault } from '../../infra/local/aws/faults.ts';
import { createHomeReconciler } from '../../reconcilers/home/index.ts';
import { createStudentReconciler } from '../../reconcilers/student/index.ts';
import { createSweep } from '../../reconcilers/sweep/index.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import { settings } from '../reconcilers/rows.ts';
import { type Clients, startTestAws, type TestAws } from '../support/local-aws.ts';
import { createFastClock, pace } from './fast-clock.ts';
import { letKeepersWork } from './keepers.ts';
import { type KindName, type Life, startLife, type WorkspaceReconciler } from './life.ts';
import { createOracles, isHomeFree, type Oracles } from './oracles.ts';
import { type Truth, withTruth } from './truth.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Milliseconds of the world's clock by which its reads lag, always. */
const usualLag = 400;
/** By how much one stale read lags: less than the answer to an own write is believed. */
const staleLag = 5_000;

/** Milliseconds that a container takes to come and to go: that is where the races are; its end is looked for three times. */
const taskPaces = { [settings.gateImage]: { start: 500, stop: 200 }, [settings.ideImage]: { start: 200, stop: 1_500 } };

/** How long what no row owns is kept: some sweeps. A deployment keeps it for a day. */
const quarantineSeconds = 55;

/** What happens at a call to AWS, before anything else: a fault, or nothing. */
export type AtCall = (operation: string) => Fault | undefined;

/** One machine of a campaign: a local AWS without processes, a database, and one controller after another. */
export interface World {
  readonly test: TestAws;
  readonly truth: Truth;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly clock: Clock;
  /** The controller that lives now. */
  life: Life;
  readonly violations: string[];
  readonly oracles: Oracles;
  /** What is done at each call and statement; a run sets them. */
  atCall: AtCall;
  atStatement: (moment: 'before' | 'after', label: string) => void | Promise<void>;
  /** Which reads are stale from now on. */
  isStale: (operation: string) => boolean;
  /** Calls in order, since a run emptied it. */
  readonly calls: LoggedCall[];
  /** So far: who waits for rest looks when these have grown. */
  readonly counts: { passes: number; writes: number };
  readonly now: () => Date;
  /** Homes that a keeper emptied, by their paths, in order. */
  readonly emptied: string[];
  /** Brisk ones end as soon as they are told to: once a scenario has been judged, its things need only go. */
  readonly tasks: { isBrisk: boolean };
  /** Kills the controller, cuts its lease and starts another. */
  replace(): Promise<void>;
  startLife(kindNames?: readonly KindName[]): Life;
  /** Resolves when all controllers but a living one have ended. */
  ended(): Promise<void>;
  close(): Promise<void>;
}

/** The operations that only look. */
export const isRead = (operation: string) => /^(Describe|List|AdminGet|AdminList)/.test(operation);

export interface WorldOptions {
  readonly databaseUrl: string;
  /** Where given, all time is this, and the SDK's requests go without sockets; else a clock 50 times as fast as real. */
  readonly virtual?: { readonly clock: VirtualTime; transport(test: TestAws): object };
  /** Makes a reconciler worse: a planted bug. */
  readonly plant?: ((sound: WorkspaceReconciler, world: () => World) => WorkspaceReconciler) | undefined;
  /** Looks at each SDK call that a controller makes, and may change it: a planted bug. */
  readonly meddle?: ((command: { readonly input: object }) => void) | undefined;
}

/** Starts an empty world over a migrated, empty database; `startLife` gives it a controller. */
export async function startWorld({ databaseUrl, virtual, ...planted }: WorldOptions): Promise<World> {
  const clock = virtual?.clock ?? createFastClock();
  const { started: test, truth } = await withTruth(() => startTestAws({ clock, lagMilliseconds: usualLag }));
  const { aws, ground, credentials } = test;
  const tasks = { isBrisk: false };
  for (const [image, usual] of Object.entries(taskPaces))
    test.driver.images.set(image, {
      startMilliseconds: usual.start,
      // Also of a task that runs already.
      get stopMilliseconds() {
        return tasks.isBrisk ? 0 : usual.stop;
      },
    });
  // A gate is healthy once it has locked the home.
  const { check } = test.driver;
  Object.assign(test.driver, {
    check: async (taskId: string, ...rest: readonly [string, readonly string[], number]) =>
      isHomeFree(truth, taskId) ? check(taskId, ...rest) : 'unhealthy',
  });
  const emptied: string[] = [];
  letKeepersWork(test.driver, clock, truth, path => emptied.push(path));
  const pool = createPool(databaseUrl);
  const lifePool = createPool(databaseUrl);
  // Connections stay, and statements come one after the other: the same order each time.
  if (virtual) {
    Object.assign(pool.options, { idleTimeoutMillis: 0 });
    Object.assign(lifePool.options, { idleTimeoutMillis: 0, max: 1 });
  }
  const client = {
    endpoint: aws.url,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    ...(virtual ? { requestHandler: virtual.transport(test) as never, signer: unsigned as never } : {}),
  };
  const clients: Clients = {
    ecs: new ECSClient(client),
    elb: new ElasticLoadBalancingV2Client(client),
    efs: new EFSClient(client),
    cognito: new CognitoIdentityProviderClient(client),
  };
  if (virtual) for (const each of Object.values(clients)) countCalls(each, virtual.clock);
  const destroy = () => Object.values(clients).forEach(each => void each.destroy());
  const ours = {
    ...settings,
    cluster: ground.cluster,
    vpcId: ground.vpcId,
    balancers: [{ listenerArn: ground.listenerArn, domain: 'localhost' }],
    fileSystemId: ground.fileSystemId,
  };
  const violations: string[] = [];
  const oracles = createOracles(truth, settings.deployment, violations);
  const lives: { life: Life; kindNames: readonly KindName[] }[] = [];
  const ending: Promise<void>[] = [];
  const world: World = {
    // What hands do to AWS goes the same way as the controller's calls, where that is short.
    test: virtual ? { ...test, clients } : test,
    truth,
    pool,
    databaseUrl,
    clock,
    violations,
    oracles,
    calls: [],
    counts: { passes: 0, writes: 0 },
    now: () => new Date(clock.now()),
    tasks,
    emptied,
    life: undefined as unknown as Life,
    atCall: () => undefined,
    atStatement: () => {},
    isStale: () => false,
    startLife(kindNames = ['workspace']) {
      world.life = startLife({
        databaseUrl,
        pool: lifePool,
        clients: { ...clients, destroy },
        workspaces: given => {
          const make = () => createWorkspaceReconciler({ ...ours, clients: given });
          return planted.plant ? planted.plant(make(), () => world) : make();
        },
        students: given =>
          createStudentReconciler({ clients: given, userPoolId: ground.userPoolId, deployment: 'school' }) as never,
        homes: given => createHomeReconciler({ ...ours, clients: given }) as never,
        sweeper: (given, rows) =>
          createSweep({
            ...ours,
            clients: given,
            listenerArns: [ground.listenerArn],
            ledger: { owners: () => ownersOf(rows), note: (strays, now) => noteStrays(rows, strays, now) },
            quarantineSeconds,
            now: world.now,
            log: pino({ level: 'silent' }),
          }),
        kindNames,
        now: world.now,
        meddle: planted.meddle,
        async statement(moment, label) {
          // Whatever comes of the answer.
          if (moment === 'after') world.counts.writes += 1;
          await world.atStatement(moment, label);
        },
        passed() {
          world.counts.passes += 1;
        },
        loaded: oracles.meet,
        told: oracles.told,
        ...(virtual ? {} : { resyncSeconds: 0.3, pace }),
      });
      const { life } = world;
      lives.push({ life, kindNames });
      return life;
    },
    async replace() {
      const last = lives.at(-1);
      if (!last) throw new Error('there is no controller to replace');
      last.life.kill();
      ending.push(last.life.end().catch(() => {}));
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'armada lease controller'`,
      );
      const next = world.startLife(last.kindNames);
      if (virtual) while (!next.controller.leading && !next.dead) await new Promise(resolve => setImmediate(resolve));
    },
    async ended() {
      await Promise.all(ending.splice(0));
    },
    async close() {
      const last = lives.at(-1);
      if (last) await last.life.end();
      await world.ended();
      await Promise.all([pool.end(), lifePool.end()]);
      destroy();
      await test.close();
    },
  };
  // What was is kept long enough for a stale read; only while a read is answered does it say how far back that looks.
  let lag = staleLag;
  Object.defineProperty(aws.state.consistency, 'lagMilliseconds', { get: () => lag, set: () => {} });
  aws.endpoint.calls.listen(call => {
    world.calls.push(call);
    if (!isRead(call.operation)) return;
    lag = world.isStale(call.operation) ? staleLag : usualLag;
    queueMicrotask(() => {
      lag = staleLag;
    });
  });
  // A hand's own calls are nobody's to spoil, and no points.
  aws.endpoint.faults.add((_service, operation) => (oracles.isHandAtWork ? undefined : world.atCall(operation)));
  return world;
}

/** To sign and to verify takes a fifth of a run, and is not what a campaign is about. */
const unsigned = { sign: async (request: object) => request };

/** Time stands still while a call is on its way. */
function countCalls(client: { send(...args: never[]): unknown }, time: VirtualTime): void {
  const own = client.send.bind(client) as (...args: unknown[]) => Promise<unknown>;
  client.send = async (...args: unknown[]) => {
    const free = time.busy();
    return own(...args).finally(free);
  };
}
