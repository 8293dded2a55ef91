import { chmod, chown, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateClusterCommand } from '@aws-sdk/client-ecs';
import { CreateFileSystemCommand, DescribeAccessPointsCommand, DescribeFileSystemsCommand } from '@aws-sdk/client-efs';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadHomes } from '../../api/store/homes.ts';
import { createKind } from '../../controller/drive.ts';
import { createRows } from '../../controller/rows.ts';
import { createProcessDriver } from '../../infra/local/aws/ecs/drivers/process.ts';
import { type LocalAws, region, startLocalAws } from '../../infra/local/aws/local-aws.ts';
import { type DataFolder, openDataFolder } from '../../infra/local/data-folder.ts';
import { localImages } from '../../infra/local/images.ts';
import { type Clients, createClients } from '../../reconcilers/aws/clients.ts';
import { homePath } from '../../reconcilers/aws/names.ts';
import { createHomeReconciler } from '../../reconcilers/home/index.ts';
import { type Api, makeClass, type Person, startApi } from '../api/http/harness.ts';
import { MemorySlots } from '../reconcilers/rows.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDataFolder } from '../support/product.ts';

/** On a slow machine a task takes a while to begin. */
const patience = { within: 60_000 };
const gateImage = 'armada/gate:local';

interface HomeRow {
  readonly id: string;
  readonly uid: number;
  readonly slug: string;
}

let api: Api;
let aws: LocalAws;
let clients: Clients;
let data: DataFolder;
let fileSystemId: string;
let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
let grace: Person;

beforeAll(async () => {
  [api, folder] = await Promise.all([startApi(), temporaryDataFolder()]);
  data = openDataFolder(folder.path);
  const images = await localImages({
    node: process.execPath,
    stageDirectory: data.stage,
    ide: { entry: Promise.resolve(path.join(data.stage, 'entry.js')) },
  });
  const credentials = { accessKeyId: data.secrets.awsAccessKeyId, secretAccessKey: data.secrets.awsSecretAccessKey };
  aws = await startLocalAws({
    stateFile: data.awsState,
    homes: data.homes,
    credentials,
    driver: fileSystems =>
      createProcessDriver({
        fileSystems,
        images,
        directory: data.tasks,
        logsDirectory: path.join(data.logs, 'tasks'),
      }),
    instances: { memory: 4096, cpu: 4096, min: 1, max: 1 },
    port: 0,
    listenerPort: () => 0,
  });
  clients = createClients({ endpoint: aws.url, region, credentials });
  await clients.ecs.send(new CreateClusterCommand({ clusterName: 'armada' }));
  const made = await clients.efs.send(new CreateFileSystemCommand({ CreationToken: 'homes' }));
  fileSystemId = made.FileSystemId ?? '';
  await eventually(async () => {
    const found = await clients.efs.send(new DescribeFileSystemsCommand({ FileSystemId: fileSystemId }));
    return found.FileSystems?.[0]?.LifeCycleState === 'available';
  });
  await makeClass(api, ['Ada Lovelace', 'Bob Kahn', 'Eve Moss']);
  grace = await api.person('Grace', 'instructor');
});
afterAll(async () => {
  clients.destroy();
  await aws.close();
  await api.close();
  data.release();
  await folder.remove();
});

async function homeOf(student: string): Promise<HomeRow> {
  const { rows } = await api.database.pool.query(
    'select h.id, h.uid, p.slug from homes h join people p on p.id = h.person_id where p.slug = $1',
    [student],
  );
  return rows[0];
}

const placeOf = ({ id }: HomeRow) => path.join(data.homes, fileSystemId, homePath(id));
const owned = async (file: string, { uid }: HomeRow) => process.getuid?.() === 0 && (await chown(file, uid, uid));

/** A home as a student left it: with files, a folder closed to its owner, and the gate's marker. */
async function lay(home: HomeRow, marker = home.id): Promise<string> {
  const place = placeOf(home);
  for (const each of ['.armada', 'project', 'closed']) await mkdir(path.join(place, each), { recursive: true });
  await writeFile(path.join(place, '.armada', 'home'), `${marker}\n`);
  await writeFile(path.join(place, 'project', 'work.txt'), `of ${home.slug}`);
  await writeFile(path.join(place, 'closed', 'inner.txt'), 'x');
  for (const each of ['project/work.txt', 'closed/inner.txt', 'project', 'closed', '.armada/home', '.armada', '.'])
    await owned(path.join(place, each), home);
  await chmod(path.join(place, 'closed'), 0o000);
  await chmod(place, 0o770);
  return place;
}

/** As the controller does: passes over the row until it is gone or stuck. */
async function settle(id: string): Promise<string> {
  const kind = createKind(
    createHomeReconciler({ clients, deployment: 'school', cluster: 'armada', fileSystemId, gateImage }),
    createRows({
      kind: 'home',
      load: async each => (await loadHomes(api.database.pool, [each]))[0],
      pool: api.database.pool,
      statusPool: api.database.pool,
    }),
  );
  const { signal } = new AbortController();
  const verdict = await eventually(async () => {
    const passed = await kind.pass(id, {
      log: pino({ level: 'silent' }),
      signal,
      stopping: signal,
      now: () => new Date(),
      slots: new MemorySlots(),
      urgent: true,
      retrySeconds: () => 0.1,
    });
    return ['gone', 'stuck'].includes(passed.verdict) && passed.verdict;
  }, patience);
  return String(verdict);
}

const purge = (body: unknown) => api.send('POST', '/v1/courses/intro/homes:purge', grace, { body });

test('kept files go for good when the class is named, and nobody else’s do', async () => {
  const [ada, bob, eve] = [await homeOf('ada-lovelace'), await homeOf('bob-kahn'), await homeOf('eve-moss')];
  const adas = await lay(ada);
  const bobs = await lay(bob);
  // What lies where Eve's files should be is not marked as hers.
  const eves = await lay(eve, 'another-home');
  await symlink(bobs, path.join(adas, 'to-bob'));
  await symlink(path.join(bobs, 'project', 'work.txt'), path.join(adas, 'project', 'to-work'));

  // All three are in the class: theirs are nobody's to delete.
  expect((await purge({ confirm: 'Introduction', homes: [bob.id] })).status).toBe(409);
  expect((await purge({ confirm: 'Introduction' })).body).toEqual({ asked: 0 });
  for (const student of ['ada-lovelace', 'eve-moss'])
    await api.send('DELETE', `/v1/cohorts/fall/students/${student}`, grace);
  await api.database.pool.query('delete from workspaces where deleted_at is not null');
  expect((await purge({ confirm: 'Another class' })).status).toBe(422);
  expect(await readFile(path.join(adas, 'project', 'work.txt'), 'utf8')).toBe('of ada-lovelace');

  expect((await purge({ confirm: 'Introduction' })).body).toEqual({ asked: 2 });
  expect(await settle(ada.id)).toBe('gone');
  expect(await readdir(adas)).toEqual(['.armada']);
  expect((await readdir(path.join(adas, '.armada'))).filter(name => !name.startsWith('lock'))).toEqual(['purged']);
  expect(await homeOf('ada-lovelace')).toBeUndefined();

  expect(await settle(eve.id)).toBe('stuck');
  expect(await readFile(path.join(eves, 'project', 'work.txt'), 'utf8')).toBe('of eve-moss');
  const { body } = await api.send('GET', '/v1/courses/intro/homes', grace);
  expect(body.items).toMatchObject([
    { id: eve.id, state: 'stuck', problem: expect.stringContaining('nothing was deleted') },
  ]);

  expect(await readFile(path.join(bobs, 'project', 'work.txt'), 'utf8')).toBe('of bob-kahn');
  expect((await readdir(bobs)).sort()).toEqual(['.armada', 'closed', 'project']);
  const { AccessPoints = [] } = await clients.efs.send(new DescribeAccessPointsCommand({ FileSystemId: fileSystemId }));
  expect(AccessPoints.map(({ RootDirectory }) => RootDirectory?.Path)).not.toContain(homePath(ada.id));
});

test('everybody’s files of an archived class go, and those without a mark once that is said; what a link leads to stays', async () => {
  const [bob, eve] = [await homeOf('bob-kahn'), await homeOf('eve-moss')];
  const [bobs, eves] = [placeOf(bob), placeOf(eve)];
  // Bob has put a link where his mark was, and left.
  const marker = path.join(bobs, '.armada', 'home');
  await rm(marker);
  await symlink(path.join(eves, '.armada', 'home'), marker);
  const { pool } = api.database;
  await pool.query('update homes set marked = true');
  const everybody = { confirm: 'Introduction', everybody: true };
  expect((await purge(everybody)).status).toBe(409);
  await api.send('PATCH', '/v1/courses/intro', grace, { body: { archived: true } });
  // Bob’s, and another try for Eve's.
  expect((await purge(everybody)).body).toEqual({ asked: 2 });
  const { rows } = await pool.query('select home_id from workspaces where deleted_at is null');
  expect(rows).toHaveLength(1);
  expect([bob.id, eve.id]).not.toContain(rows[0].home_id);
  expect(await settle(bob.id)).toBe('stuck');
  expect(await readFile(path.join(bobs, 'project', 'work.txt'), 'utf8')).toBe('of bob-kahn');
  expect(await settle(eve.id)).toBe('stuck');

  const unmarked = { confirm: 'Introduction', unmarked: true };
  expect((await purge(unmarked)).body).toEqual({ asked: 2 });
  expect(await settle(bob.id)).toBe('gone');
  expect(await readdir(bobs)).toEqual(['.armada']);
  // A mark that names another home is believed still, and no link led there.
  expect(await settle(eve.id)).toBe('stuck');
  expect(await readFile(path.join(eves, '.armada', 'home'), 'utf8')).toBe('another-home\n');
  expect(await readFile(path.join(eves, 'project', 'work.txt'), 'utf8')).toBe('of eve-moss');
  expect(await pool.query('select id from homes where id = $1', [rows[0].home_id])).toMatchObject({ rowCount: 1 });
});
