import { type ChildProcess, spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Machine, runAsRoot, startMachine, startService } from './tasks.ts';

const root = process.platform === 'linux' && process.getuid?.() === 0;
if (!root) console.log('not root on Linux: there are no walls between students here, and their tests are skipped');

/** What ada's shell tries. It succeeds if it ends with 0; so does `control`, or the same script, without the walls. */
interface Attempt {
  readonly what: string;
  readonly script: (machine: Machine) => string;
  /** For root on the machine, where it must differ. */
  readonly control?: (machine: Machine) => string;
}

const canary = 'canary-of-the-api';
let machine: Machine;
let api: ChildProcess;
let everywhere: { port: number; close(): void };
let abstract: net.Server;
const databasePort = () => new URL(inject('postgresUrl')).port || '5432';

/** Gives up after a while where a wall swallows what is sent; a look at the socket comes before that end. */
const reach = ({ node }: Machine, host: string, port: number | string) =>
  `${node} -e 'const s = require("net").connect(${port}, "${host}"); s.on("connect", () => process.exit(0)); s.on("error", () => process.exit(1)); setTimeout(() => setImmediate(() => process.exit(1)), 700)'`;
const perl = (code: string) => `perl -e '${code}'`;
const hostAddress = () =>
  Object.values(os.networkInterfaces())
    .flatMap(list => list ?? [])
    .find(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('10.2'))?.address ??
  '127.0.0.1';
/** The other end of the task's link: the router's. */
const gateway = ({ ada }: Machine) => ada.address.replace(/\d+$/, last => String(Number(last) - 1));
/** x86's and arm's numbers of ptrace. */
const ptrace = process.arch === 'arm64' ? 117 : 101;

const attempts: readonly Attempt[] = [
  // Files.
  { what: 'another’s file', script: ({ bob }) => `cat ${bob.home}/secret.txt` },
  { what: 'the list of another’s home', script: ({ bob }) => `ls ${bob.home}` },
  { what: 'a file into another’s home', script: ({ bob }) => `touch ${bob.home}/from-ada` },
  { what: 'the list of all homes', script: ({ data }) => `ls ${data.homes}` },
  {
    what: 'another’s file by a link',
    script: ({ bob }) => `cd /tmp && ln -sfn ${bob.home} there && cat there/secret.txt`,
  },
  { what: 'another’s file by a hard link', script: ({ data, bob }) => `ln ${bob.home}/secret.txt ${data.homes}/hard` },
  { what: 'the list of tasks', script: ({ data, bob }) => `ls ${data.tasks} | grep -q ${bob.id.slice(0, 12)}` },
  { what: 'another’s run folder', script: ({ bob }) => `ls ${bob.folder}/run/ide.sock` },
  {
    what: 'another’s IDE by its socket',
    script: ({ bob, node }) =>
      `${node} -e 'require("net").connect("${bob.folder}/run/ide.sock").on("connect", () => process.exit(0)).on("error", () => process.exit(1))'`,
  },
  { what: 'a sign that another’s gate is ready', script: ({ bob }) => `: >> ${bob.folder}/run/gate-ready` },
  { what: 'logs', script: ({ data, bob }) => `cat ${data.logs}/tasks/${bob.id}/gate.log` },
  { what: 'the installation’s secrets', script: ({ data }) => `cat ${data.root}/secrets.json` },
  { what: 'the local AWS’s state', script: ({ data }) => `cat ${data.awsState}` },
  { what: 'the local AWS’s state as it is written', script: ({ data }) => `cat ${data.awsState}-wal` },
  { what: 'a change of the gate’s program', script: ({ data }) => `: >> ${data.stage}/gate.cjs` },
  { what: 'a file among the programs', script: ({ data }) => `touch ${data.stage}/x && rm ${data.stage}/x` },
  { what: 'a change of the machine’s accounts', script: () => ': >> /etc/passwd' },
  // Processes.
  { what: 'the API’s environment', script: () => `grep -q ${canary} /proc/${api.pid}/environ` },
  { what: 'any environment with a secret of the API', script: () => `grep -lq ${canary} /proc/[0-9]*/environ` },
  {
    what: 'another gate’s token',
    script: ({ bob }) => `grep -q HEARTBEAT_TOKEN /proc/${bob.gatePid}/environ`,
  },
  {
    what: 'the own gate’s token',
    script: () => 'grep -lq ARMADA_HEARTBEAT_TOKEN= /proc/[0-9]*/environ',
  },
  { what: 'the machine’s files by another process', script: ({ bob }) => `ls /proc/${bob.pid}/root/` },
  { what: 'a signal to another’s IDE', script: ({ bob }) => `kill -0 ${bob.pid}` },
  { what: 'a signal to the own gate', script: ({ ada }) => `kill -0 ${ada.gatePid}` },
  { what: 'a signal to the API', script: () => `kill -0 ${api.pid}` },
  {
    what: 'ptrace of another’s IDE',
    script: ({ bob }) => perl(`exit(syscall(${ptrace}, 0x4206, ${bob.pid}, 0, 0) == 0 ? 0 : 1)`),
  },
  { what: 'another’s memory', script: ({ bob }) => `cat /proc/${bob.pid}/maps | grep -q .` },
  { what: 'another’s priority', script: ({ bob }) => `renice -n 0 -p ${bob.pid}` },
  { what: 'another’s namespaces', script: ({ bob }) => `nsenter --target ${bob.pid} --mount true` },
  {
    what: 'another’s network',
    script: ({ bob }) => `nsenter --net=/run/netns/$(ip netns identify ${bob.pid} || echo none) true`,
    control: ({ bob }) => `nsenter --net=/proc/${bob.pid}/ns/net true`,
  },
  // Rights.
  { what: 'another’s user', script: ({ bob }) => `setpriv --reuid ${bob.uid} --clear-groups true` },
  { what: 'root', script: () => 'setpriv --reuid 0 --clear-groups true && [ "$(id -u)" = 0 ]' },
  { what: 'a file given to another', script: ({ bob }) => `cd /tmp && touch given && chown ${bob.uid} given` },
  {
    what: 'another’s file as root of a user namespace',
    script: ({ bob }) => `unshare --user --map-root-user cat ${bob.home}/secret.txt`,
    control: ({ bob }) => `cat ${bob.home}/secret.txt`,
  },
  { what: 'a mount', script: () => 'mkdir -p /tmp/mounted && mount -t tmpfs none /tmp/mounted' },
  {
    what: 'what a cover hides',
    script: ({ data }) => `umount ${data.tasks}`,
    control: ({ data }) => `mount -t tmpfs none ${data.tasks} && umount ${data.tasks}`,
  },
  { what: 'a device', script: () => 'rm -f /tmp/device && mknod /tmp/device c 1 1 && rm /tmp/device' },
  { what: 'a root of its own', script: () => 'chroot / true' },
  { what: 'a setting of the kernel', script: () => 'cat /proc/sys/kernel/panic > /proc/sys/kernel/panic' },
  { what: 'a raw socket', script: () => perl('use Socket; exit(socket(S, AF_INET, SOCK_RAW, 1) ? 0 : 1)') },
  { what: 'the rules of the network', script: () => 'nft list ruleset | grep -q table' },
  // Network.
  { what: 'the database', script: m => reach(m, '127.0.0.1', databasePort()) },
  {
    what: 'the database behind the router',
    script: m => reach(m, m.address, databasePort()),
    control: m => reach(m, '127.0.0.1', databasePort()),
  },
  { what: 'the local AWS', script: m => reach(m, '127.0.0.1', new URL(m.aws.url).port) },
  { what: 'the API', script: m => reach(m, '127.0.0.1', m.apiPort) },
  {
    what: 'the API behind the router',
    script: m => reach(m, m.address, m.apiPort),
    control: m => reach(m, '127.0.0.1', m.apiPort),
  },
  { what: 'a service on all of the machine’s addresses', script: m => reach(m, hostAddress(), everywhere.port) },
  {
    what: 'such a service by the router',
    script: m => reach(m, gateway(m), everywhere.port),
    control: m => reach(m, '127.0.0.1', everywhere.port),
  },
  { what: 'such a service behind the router', script: m => reach(m, m.address, everywhere.port) },
  { what: 'another’s gate by its published port', script: m => reach(m, '127.0.0.1', m.bob.port) },
  {
    what: 'another’s gate at its address',
    script: m => reach(m, m.bob.address, m.bob.port),
  },
  {
    what: 'another’s program on port 3000',
    script: m => reach(m, m.bob.address, 3000),
    control: m => `nsenter --net=/proc/${m.bob.pid}/ns/net ${reach(m, m.bob.address, 3000)}`,
  },
  {
    what: 'a socket without a file',
    script: ({ node }) =>
      `${node} -e 'require("net").connect("\\0armada-walls-${process.pid}").on("connect", () => process.exit(0)).on("error", () => process.exit(1))'`,
  },
];

describe.skipIf(!root)('a student’s shell', () => {
  beforeAll(async () => {
    machine = await startMachine();
    api = spawn('sleep', ['600'], { env: { ...process.env, ARMADA_SECRET: canary } });
    everywhere = await startService('0.0.0.0');
    abstract = net.createServer().listen(`\0armada-walls-${process.pid}`);
  });
  afterAll(async () => {
    api?.kill();
    everywhere?.close();
    abstract?.close();
    await machine?.close();
  });

  test('does what it may: it is ada’s, and writes into her home', async () => {
    const { ada } = machine;
    expect(await machine.inside(ada, 'ide', `[ $(id -u) = ${ada.uid} ] && echo here > /home/coder/mine`)).toBe(true);
    expect(await machine.inside(ada, 'ide', 'exit 1')).toBe(false);
    // The instrument of half of all attempts.
    expect(await machine.inside(ada, 'ide', reach(machine, '127.0.0.1', 3000))).toBe(true);
  });

  test('tries at least 25 things', () => expect(attempts.length).toBeGreaterThanOrEqual(25));

  test.each(attempts)('T5: does not get $what', async ({ script, control }) => {
    const free = await runAsRoot((control ?? script)(machine));
    expect(free, 'without the walls').toMatchObject({ ok: true });
    expect(await machine.inside(machine.ada, 'ide', script(machine)), 'with the walls').toBe(false);
  });

  test('T5: two programs on port 3000 neither clash nor meet', async () => {
    const says = (name: string) =>
      `[ "$(${machine.node} -p 'fetch("http://127.0.0.1:3000/").then(async answer => console.log(await answer.text())), ""' | tr -d '\\n')" = ${name} ]`;
    expect(await machine.inside(machine.ada, 'ide', says('ada'))).toBe(true);
    expect(await machine.inside(machine.bob, 'ide', says('bob'))).toBe(true);
    expect(await machine.inside(machine.ada, 'ide', says('bob'))).toBe(false);
  });

  test('T3: every port of a task that the machine reaches answers a stranger 303 or 401', async () => {
    const status = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { host: '127.0.0.1', port: machine.bob.port, headers };
        http.get(options, answer => resolve(answer.resume().statusCode)).once('error', reject);
      });
    expect(await status({ host: 'bob.localhost:8080', accept: 'text/html' })).toBe(303);
    expect(await status({ host: 'bob.localhost:8080' })).toBe(401);
    // The machine reaches the published port, and no other of the task.
    expect((await runAsRoot(reach(machine, machine.bob.address, machine.bob.port))).ok).toBe(true);
    expect((await runAsRoot(reach(machine, machine.bob.address, 3000))).ok).toBe(false);
  });

  test('T6: the gate alone reaches the API, and of this machine nothing else', async () => {
    expect([...machine.beats].sort()).toEqual(['wsp-ada', 'wsp-bob']);
    expect(await machine.inside(machine.ada, 'gate', reach(machine, '127.0.0.1', machine.apiPort))).toBe(true);
    for (const port of [databasePort(), new URL(machine.aws.url).port, everywhere.port]) {
      expect(await machine.inside(machine.ada, 'gate', reach(machine, '127.0.0.1', port))).toBe(false);
      expect(await machine.inside(machine.ada, 'gate', reach(machine, gateway(machine), port))).toBe(false);
      expect(await machine.inside(machine.ada, 'gate', reach(machine, machine.address, port))).toBe(false);
    }
  });

  test('the local AWS answers nobody who does not sign with this installation’s key', async () => {
    const { EFSClient, DescribeFileSystemsCommand } = await import('@aws-sdk/client-efs');
    const ask = async (secretAccessKey: string) => {
      const credentials = { accessKeyId: machine.data.secrets.awsAccessKeyId, secretAccessKey };
      const client = new EFSClient({ endpoint: machine.aws.url, region: 'us-east-1', credentials, maxAttempts: 1 });
      try {
        return (await client.send(new DescribeFileSystemsCommand({}))).FileSystems?.length;
      } catch (error) {
        return (error as Error).name;
      } finally {
        client.destroy();
      }
    };
    expect(await ask(machine.data.secrets.awsSecretAccessKey)).toBe(1);
    expect(await ask('wrong')).toMatch(/Signature|Forbidden|Denied/i);
    const bare = await fetch(`${machine.aws.url}/2015-02-01/file-systems`);
    expect(bare.status).toBeGreaterThanOrEqual(400);
  });

  test('a task still reaches the world', async () => {
    const name = `outside${process.pid}`.slice(0, 13);
    const made = await runAsRoot(`ip netns add ${name} && ip link add ${name} type veth peer name eth0 netns ${name} &&
      ip addr add 203.0.113.1/30 dev ${name} && ip link set ${name} up &&
      ip -n ${name} addr add 203.0.113.2/30 dev eth0 && ip -n ${name} link set eth0 up &&
      ip -n ${name} link set lo up && echo 1 > /proc/sys/net/ipv4/conf/${name}/forwarding`);
    expect(made).toMatchObject({ ok: true });
    const program = 'require("net").createServer(s => s.end()).listen(80)';
    const server = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', program]);
    try {
      await eventually(async () => (await runAsRoot(reach(machine, '203.0.113.2', 80))).ok);
      expect(await machine.inside(machine.ada, 'ide', reach(machine, '203.0.113.2', 80))).toBe(true);
      // What is outside does not reach into a task.
      const inward = await runAsRoot(
        `ip -n ${name} route add default via 203.0.113.1 && ip netns exec ${name} ${reach(machine, machine.ada.address, machine.ada.port)}`,
      );
      expect(inward.ok).toBe(false);
    } finally {
      server.kill();
      await runAsRoot(`ip link del ${name}; ip netns del ${name}`);
    }
  });
});
