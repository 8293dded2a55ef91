import { pino } from 'pino';
import type { Workspace } from '../../api/resources/workspace.ts';
import { createMails } from '../../api/store/mails.ts';
import { createPool } from '../../api/store/pool.ts';
import { recordHeartbeat } from '../../api/store/reports.ts';
import { everything } from '../../api/store/scope.ts';
import { createRouteSlots } from '../../api/store/slots.ts';
import { loadStudent, loadWorkspace } from '../../api/store/status.ts';
import { askWorkspaces } from '../../api/store/workspaces.ts';
import { Controller } from '../../controller/controller.ts';
import { createKind, type Kind } from '../../controller/drive.ts';
import { createRows } from '../../controller/rows.ts';
import { createClients } from '../../reconcilers/aws/clients.ts';
import { createStudentReconciler } from '../../reconcilers/student/index.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import { startApi } from '../api/http/harness.ts';
import { afterEachPut, withTruth } from '../campaign/truth.ts';
import { settings } from '../reconcilers/rows.ts';
import { eventually } from '../support/eventually.ts';
import { startTestAws } from '../support/local-aws.ts';
import { JumpingClock } from './fault-clock.ts';
import type { FaultWorld, FaultWorldOptions } from './fault-shape.ts';
import { familyIn, isSettled } from './fault-things.ts';

export type { FaultWorld, FaultWorldOptions } from './fault-shape.ts';

/** How much faster than the machine's the world's time goes. */
const pace = 30;
const resyncSeconds = 30;

const silent = pino({ level: process.env['FAULTS_LOG'] ?? 'silent' });

export async function startFaultWorld(options: FaultWorldOptions = {}): Promise<FaultWorld> {
  const clock = new JumpingClock(pace);
  const now = () => new Date(clock.now());
  const api = await startApi();
  const { started: test, truth } = await withTruth(() => startTestAws({ ...options, clock, lagMilliseconds: 0 }));
  const { ground, aws, credentials, driver } = test;
  driver.images.set(settings.gateImage, { startMilliseconds: 300, stopMilliseconds: 200 });
  driver.images.set(settings.ideImage, { startMilliseconds: 300, stopMilliseconds: 3_000 });
  const own = {
    ...settings,
    cluster: ground.cluster,
    vpcId: ground.vpcId,
    balancers: [{ listenerArn: ground.listenerArn, domain: 'localhost' }],
    fileSystemId: ground.fileSystemId,
  };
  const mostTasks = new Map<string, number>();
  afterEachPut(truth.tasks, ({ definition }) => {
    const family = familyIn(definition);
    const isRunning = (task: { definition: string; containers: readonly { lastStatus?: string }[] }) =>
      familyIn(task.definition) === family && task.containers.some(({ lastStatus }) => lastStatus === 'RUNNING');
    mostTasks.set(family, Math.max(mostTasks.get(family) ?? 0, truth.tasks.all().filter(isRunning).length));
  });
  const cuts = new Set<(statement: unknown) => void>();
  const passes = { all: [] as string[], most: 0 };
  const running = new Map<string, number>();
  const lives: { controller: Controller; end(): Promise<void> }[] = [];

  function counted(kind: Kind): Kind {
    return {
      name: kind.name,
      keys: () => kind.keys(),
      async pass(id, given) {
        passes.all.push(id);
        running.set(id, (running.get(id) ?? 0) + 1);
        passes.most = Math.max(passes.most, running.get(id) ?? 0);
        try {
          const passed = await kind.pass(id, given);
          return {
            ...passed,
            againSeconds: passed.againSeconds === undefined ? undefined : passed.againSeconds / pace,
          };
        } finally {
          running.set(id, (running.get(id) ?? 0) - 1);
        }
      },
    };
  }

  function begin() {
    let dead = false;
    const refuse = () => {
      if (dead) throw new Error('this controller is dead');
    };
    const clients = createClients({
      endpoint: aws.url,
      region: 'us-east-1',
      credentials,
      async gateway(_service, _operation, attempt) {
        refuse();
        const answer = await attempt();
        refuse();
        return answer;
      },
    });
    const pool = createPool(api.database.url);
    const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
    Object.assign(pool, {
      query: async (...args: unknown[]) => {
        refuse();
        const answer = await query(...args);
        for (const cut of cuts) cut(args[0]);
        return answer;
      },
    });
    const students = createStudentReconciler({
      clients,
      userPoolId: ground.userPoolId,
      deployment: settings.deployment,
      mails: createMails(pool, 50),
    });
    const workspaces = createWorkspaceReconciler({ ...own, clients });
    const kinds = [
      createKind(students, createRows({ kind: 'student', load: id => loadStudent(pool, id), pool, statusPool: pool })),
      createKind(
        workspaces,
        createRows({ kind: 'workspace', load: id => loadWorkspace(pool, id), pool, statusPool: pool }),
      ),
    ].map(counted);
    const controller = new Controller({
      url: api.database.url,
      kinds,
      slots: createRouteSlots(pool, [options.places ?? 98]),
      log: silent,
      now,
      random: () => 0,
      resyncSeconds: options.resyncs === false ? 100_000 : resyncSeconds / pace,
    });
    controller.start();
    world.controller = controller;
    lives.push({
      controller,
      async end() {
        dead = true;
        await controller.stop();
        if (!pool.ended) await pool.end();
        clients.destroy();
      },
    });
  }

  const world: FaultWorld = {
    ...{ api, test, truth, clock, passes, mostTasks: (id: string) => mostTasks.get(`armada-school-${id}`) ?? 0 },
    controller: undefined as unknown as Controller,
    async class(name, size) {
      await api.send('PUT', `/v1/courses/${name}`, 'operator', { body: { name } });
      await api.send('PUT', `/v1/cohorts/${name}`, 'operator', { body: { name } });
      await api.send('PUT', `/v1/courses/${name}/cohorts/${name}`, 'operator');
      for (let index = 0; index < size; index += 1) {
        const { person } = await api.person(`${name} ${index}`);
        await api.send('PUT', `/v1/cohorts/${name}/students/${person.slug}`, 'operator');
      }
      const { body } = await api.send('GET', `/v1/workspaces?course=${name}&limit=200`, 'operator');
      const ids = body.items.map(({ id }: Workspace) => id);
      if (ids.length !== size) throw new Error(`a class of ${ids.length}, not ${size}`);
      return ids;
    },
    async ask(ids, what) {
      await askWorkspaces(api.database.pool, everything, { ids: [...ids] }, what, null);
    },
    async get(id) {
      const found = await loadWorkspace(api.database.pool, id);
      if (!found) throw new Error(`no workspace ${id}`);
      return found;
    },
    ready: (...ids) => reach(ids, workspace => isSettled(workspace) && workspace.status.step === 'ready'),
    stopped: (...ids) => reach(ids, workspace => isSettled(workspace) && workspace.status.step === 'stopped'),
    async told(id, reason) {
      let found: Workspace | undefined;
      await reach([id], workspace => {
        found = workspace;
        return workspace.status.conditions.some(condition => condition.reason === reason);
      });
      if (!found) throw new Error('unreachable');
      return found;
    },
    async report(id, { ready, problem }) {
      const heartbeat = { ready, problem: problem ?? null, active: false, marked: true, visitors: [] };
      await recordHeartbeat(api.database.pool, id, heartbeat, now());
    },
    wrong(operation, fault, times = 1) {
      let met = 0;
      aws.endpoint.faults.add((_service, called) => {
        if (called !== operation || met >= times) return undefined;
        met += 1;
        return fault;
      });
      return () => met;
    },
    unheard(statement, times = 1) {
      let met = 0;
      cuts.add(given => {
        const text = typeof given === 'string' ? given : String(Object(given).text);
        if (met >= times || !statement.test(text)) return;
        met += 1;
        throw new Error('Connection terminated unexpectedly');
      });
      return () => met;
    },
    async look() {
      await api.database.pool.query(
        `select pg_notify('asked', json_build_object('kind', 'workspace', 'id', id)::text) from workspaces`,
      );
    },
    async crash() {
      const last = lives.at(-1);
      // What it waits for may never come; nobody waits for that, but who closes the world.
      void last?.end().catch(() => {});
      await api.database.pool.query(
        // Waits until it has ended: who comes next has the lease at once.
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity
         where datname = current_database() and application_name = 'armada lease controller'`,
      );
      begin();
    },
    async close() {
      for (const life of lives) await life.end().catch(() => {});
      await api.close();
      await test.close();
    },
  };

  async function reach(ids: readonly string[], is: (workspace: Workspace) => boolean): Promise<void> {
    for (const id of ids) {
      let last: Workspace | undefined;
      const wait = eventually(
        async () => {
          last = await world.get(id);
          return is(last);
        },
        { within: 25_000 },
      );
      await wait.catch(error => {
        throw new Error(`${error} ${JSON.stringify({ spec: last?.spec, status: last?.status })}`);
      });
    }
  }

  begin();
  return world;
}
