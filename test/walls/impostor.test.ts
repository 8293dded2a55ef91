import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Machine, runAsRoot, startMachine } from './tasks.ts';

const root = process.platform === 'linux' && process.getuid?.() === 0;
let machine: Machine;

/** Listens on a port of the task, and ends with 0 if it may. */
const listen = (port: number) =>
  `${machine.node} -e 'require("net").createServer().on("error", () => process.exit(1)).listen(${port}, "127.0.0.1", () => process.exit(0))'`;

describe.skipIf(!root)('T10: a student who would be their own gate', () => {
  beforeAll(async () => {
    machine = await startMachine();
  });
  afterAll(() => machine?.close());

  const gateLives = async () => (await runAsRoot(`test -d /proc/${machine.ada.gatePid}`)).ok;

  test('can’t end it by any signal, not even knowing its number', async () => {
    for (const signal of ['TERM', 'KILL', 'STOP', 'HUP', 'INT', 'USR1'])
      expect(await machine.inside(machine.ada, 'ide', `kill -${signal} ${machine.ada.gatePid}`), signal).toBe(false);
    // Whoever shared its numbers of processes would be refused for another user's.
    const asAda = `setpriv --reuid ${machine.ada.uid} --regid ${machine.ada.uid} --clear-groups kill -0 ${machine.ada.gatePid}`;
    const refused = await runAsRoot(asAda);
    expect(refused).toMatchObject({ ok: false, output: expect.stringMatching(/not permitted/) });
    expect((await runAsRoot(`kill -0 ${machine.ada.gatePid}`)).ok, 'without the defence').toBe(true);
    expect(await gateLives()).toBe(true);
  });

  test('can’t listen in its place', async () => {
    expect(await machine.inside(machine.ada, 'ide', listen(machine.ada.port))).toBe(false);
    expect(await machine.inside(machine.ada, 'ide', listen(4_321)), 'another port').toBe(true);
  });

  test('finds nothing that opens another’s: its socket is of x, its token unreadable, the API out of reach', async () => {
    const { ada, node } = machine;
    expect(await machine.inside(ada, 'ide', `grep -lq ARMADA_HEARTBEAT_TOKEN /proc/[0-9]*/environ`)).toBe(false);
    const ask = `${node} -e 'fetch("http://127.0.0.1:${machine.apiPort}/v1/heartbeats", { method: "POST" }).then(() => process.exit(0), () => process.exit(1))'`;
    expect(await machine.inside(ada, 'ide', ask)).toBe(false);
    expect(await machine.inside(ada, 'gate', ask), 'as the gate').toBe(true);
  });

  test('gets the port once the gate is gone, and the task is over then: its first process’s end is told', async () => {
    await runAsRoot(`kill -KILL ${machine.ada.gatePid}`);
    await eventually(async () => !(await gateLives()));
    // ECS ends a task whose essential container ended; the driver says that it is gone.
    await eventually(async () => !(await machine.inside(machine.ada, 'gate', 'true')));
    expect(await machine.inside(machine.bob, 'gate', 'true')).toBe(true);
  });
});
