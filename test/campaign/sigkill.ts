import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { conditionOf } from '../../api/resources/resource.ts';
import { createPool } from '../../api/store/pool.ts';
import { keysOf, loadWorkspace } from '../../api/store/status.ts';
import { deleteWorkspace } from '../../api/store/workspaces.ts';
import { throttled } from '../../infra/local/aws/faults.ts';
import { settings } from '../reconcilers/rows.ts';
import { addWorkspace } from '../support/class-rows.ts';
import { eventually } from '../support/eventually.ts';
import { startTestAws, type TestAws } from '../support/local-aws.ts';
import { orphansOf } from './end-state.ts';
import { createOracles } from './oracles.ts';
import { withTruth } from './truth.ts';

/** What the real kills came to. */
export interface KillReport {
  readonly kills: number;
  readonly violations: readonly string[];
}

/** One starts and serves, one stands by: the process that holds the lease is the oldest that lives. */
const controllersAtOnce = 2;
/** A machine under load may take this long to come to rest. */
const restMilliseconds = 120_000;

/** What is asked of one workspace, over and over, and at how many calls a controller is killed meanwhile. */
const steps = [
  { ask: 'create', calls: 16 },
  { ask: 'start', calls: 24 },
  { ask: 'restart', calls: 40 },
  { ask: 'stop', calls: 24 },
  { ask: 'delete', calls: 24 },
] as const;

/**
 * Kills a real controller process with SIGKILL, `count` times: each time at another call to the local AWS, before it
 * is applied or after. The local AWS is this process; its tasks are none, its reads lag.
 */
export async function killControllers(
  databaseUrl: string,
  count: number,
  told: (done: number) => void,
): Promise<KillReport> {
  const { started: aws, truth } = await withTruth(() => startTestAws({}));
  aws.driver.images.set(settings.gateImage, { startMilliseconds: 50, stopMilliseconds: 20 });
  aws.driver.images.set(settings.ideImage, { startMilliseconds: 20, stopMilliseconds: 200 });
  const pool = createPool(databaseUrl);
  const violations: string[] = [];
  const oracles = createOracles(truth, 'school', violations);
  const controllers: ChildProcess[] = [];
  const refill = () => {
    while (controllers.length < controllersAtOnce) controllers.push(startController(databaseUrl, aws));
  };
  let kills = 0;
  /** Calls since the last ask, and at which of them the leader dies. */
  let calls = 0;
  let deadly = 0;
  const kill = () => {
    controllers.shift()?.kill('SIGKILL');
    kills += 1;
    told(kills);
    refill();
  };
  aws.aws.endpoint.faults.add(() => {
    calls += 1;
    if (calls !== deadly) return undefined;
    return kills % 2 === 0
      ? {
          before() {
            kill();
            return throttled.before?.();
          },
        }
      : { after: kill, loseAnswer: true };
  });
  const rows = async () => {
    const found = await Promise.all((await keysOf(pool, 'workspace')).map(id => loadWorkspace(pool, id)));
    return found.filter(row => row !== undefined);
  };
  const isAtRest = async () => {
    const all = await rows();
    for (const row of all) oracles.meet(row);
    return all.every(
      ({ status, generation, deletedAt }) =>
        deletedAt === null &&
        status.observedGeneration === generation &&
        conditionOf(status, 'Ready')?.status === 'True',
    );
  };
  try {
    refill();
    for (let round = 0; kills < count; round += 1) {
      let id = '';
      for (const [place, step] of steps.entries()) {
        if (kills >= count && step.ask !== 'delete') continue;
        // Another call each round; the steps do not go in step.
        deadly = 1 + ((round * 7 + place * 3) % step.calls);
        calls = 0;
        if (step.ask === 'create') {
          const made = await addWorkspace(pool, { running: false, restarts: 0 });
          oracles.meet(made);
          id = made.id;
        } else if (step.ask === 'delete') await deleteWorkspace(pool, id, null);
        else {
          const change = step.ask === 'restart' ? { restarts: 1 } : { running: step.ask === 'start' };
          await pool.query('update workspaces set spec = spec || $2::jsonb where id = $1', [
            id,
            JSON.stringify(change),
          ]);
        }
        await eventually(isAtRest, { within: restMilliseconds, every: 30 });
        if (step.ask !== 'delete') continue;
        deadly = 0;
        const orphans = orphansOf(truth);
        if (orphans.length > 0) violations.push(`orphans: ${orphans.join(', ')}`);
      }
    }
  } catch (error) {
    violations.push(`wedged: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    for (const controller of controllers) controller.kill('SIGKILL');
    await pool.end();
    await aws.close();
  }
  return { kills, violations };
}

function startController(databaseUrl: string, { aws, ground, credentials }: TestAws): ChildProcess {
  return spawn(process.execPath, [fileURLToPath(new URL('../../controller/main.ts', import.meta.url))], {
    env: {
      DATABASE_URL: databaseUrl,
      AWS_ENDPOINT_URL: aws.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ARMADA_DEPLOYMENT: 'school',
      ARMADA_CLUSTER: ground.cluster,
      ARMADA_VPC_ID: ground.vpcId,
      ARMADA_BALANCERS: JSON.stringify([{ listenerArn: ground.listenerArn, domain: 'localhost' }]),
      ARMADA_FILE_SYSTEM_ID: ground.fileSystemId,
      ARMADA_USER_POOL_ID: ground.userPoolId,
      ARMADA_PORTAL_URL: settings.portalUrl,
      ARMADA_GATE_IMAGE: settings.gateImage,
      ARMADA_IDE_IMAGE: settings.ideImage,
      ARMADA_SECRET: 'a secret of the campaign, as long as asked',
      ARMADA_RATES: 'off',
    },
    stdio: 'ignore',
  });
}
