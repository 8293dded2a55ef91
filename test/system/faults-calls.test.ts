import { afterAll, beforeAll, expect, test } from 'vitest';
import { conditionOf } from '../../api/resources/resource.ts';
import { answerLost, type Fault, failedAfterApplying, throttled } from '../../infra/local/aws/faults.ts';
import { AwsError } from '../../infra/local/aws/protocol.ts';
import { homePath } from '../../reconcilers/aws/names.ts';
import { isRead } from '../campaign/world.ts';
import { eventually } from '../support/eventually.ts';
import { hostsOf, thingsOf } from './fault-things.ts';
import { type FaultWorld, startFaultWorld } from './fault-world.ts';

/** Faults F1 to F8 of the promises: calls that fail, hang, lie or are refused. */

const writes = [
  'CreateAccessPoint',
  'RegisterTaskDefinition',
  'CreateTargetGroup',
  'ModifyTargetGroupAttributes',
  'CreateRule',
  'CreateService',
  'ModifyRule',
];

let world: FaultWorld;
/** Its CreateService hangs from the beginning: it is given up after 10 s of the machine's own time. */
let hanging: string;
beforeAll(async () => {
  world = await startFaultWorld();
  [hanging = ''] = await world.class('hang', 1);
  world.wrong('CreateService', { before: () => new Promise<void>(() => {}) });
  await world.ask([hanging], 'start');
  await eventually(() => thingsOf(world, hanging).rules.length === 1);
}, 60_000);
afterAll(() => world.close());

/** One of everything, and people come in. */
async function expectWhole(id: string): Promise<void> {
  const { services, groups, rules, tasks } = thingsOf(world, id);
  expect([services.length, groups.length, rules.length]).toEqual([1, 1, 1]);
  expect(tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED')).toHaveLength(1);
  const { home } = await world.get(id);
  expect(world.truth.accessPoints.all().filter(({ exposed }) => exposed.path === homePath(home.id))).toHaveLength(1);
  expect(hostsOf(world, id).join()).toMatch(/\.localhost$/);
}

async function bornUnder(fault: Fault, name: string): Promise<string> {
  const met = writes.map(operation => world.wrong(operation, fault));
  const [id = ''] = await world.class(name, 1);
  await world.ask([id], 'start');
  await world.ready(id);
  expect(met.map(count => count())).toEqual(writes.map(() => 1));
  await expectWhole(id);
  return id;
}

/** Every operation that a workspace and its student cost, from nothing to ready. */
async function operationsOf(name: string): Promise<readonly string[]> {
  const called = new Set<string>();
  const end = world.test.aws.endpoint.calls.listen(({ operation }) => called.add(operation));
  const [id = ''] = await world.class(name, 1);
  await world.ask([id], 'start');
  await world.ready(id);
  end();
  return [...called];
}

test.each([
  ['before', 'call'],
  ['after', 'write'],
])(
  'F1 controllers that die one after the other %s each %s of a start are followed by one that ends the work, and nothing is there twice',
  async when => {
    const alive = await operationsOf(`lives-${when}`);
    expect(alive).toEqual(expect.arrayContaining([...writes, 'AdminCreateUser', 'DescribeServices']));
    // After a read nothing is different from before the next call.
    const left = new Set(when === 'before' ? alive : alive.filter(operation => !isRead(operation)));
    let dying: Promise<void> | undefined;
    /** The next one leads, and looks as for somebody who waits. */
    const reign = async () => {
      await world.crash();
      await eventually(() => world.controller.leading);
      await world.look();
    };
    const die = () => {
      dying ??= reign().finally(() => {
        dying = undefined;
      });
    };
    const refused: Fault = {
      before() {
        throw new AwsError('ServiceUnavailable', 'nobody hears this', 503);
      },
    };
    const end = world.test.aws.endpoint.faults.add((_service, operation) => {
      // What the dead one had not sent yet is never sent.
      if (dying) return refused;
      if (!left.delete(operation)) return undefined;
      if (when === 'after') return { after: die, loseAnswer: true };
      die();
      return refused;
    });
    const [id = ''] = await world.class(`dies-${when}`, 1);
    await world.ask([id], 'start');
    await eventually(() => expect([...left]).toEqual([]), { within: 60_000 });
    end();
    await world.ready(id);
    await expectWhole(id);
    expect(world.mostTasks(id)).toBe(1);
    const { student } = await world.get(id);
    expect(world.test.aws.cognito.outbox.list().filter(({ to }) => to === student.email).length).toBeLessThan(2);
  },
  90_000,
);

test('F2 a write whose answer is lost, or that is answered with a failure, is found by its repetition', async () => {
  await bornUnder(answerLost, 'lost');
  await bornUnder(failedAfterApplying, 'failed');
}, 60_000);

test('F3 who is throttled waits and goes on, holds nobody up and is never stuck', async () => {
  const refusals = world.wrong('CreateService', throttled, 6);
  const [id = ''] = await world.class('throttled', 1);
  const [other = ''] = await world.class('beside', 1);
  await world.ask([id], 'start');
  await eventually(() => refusals() > 0);
  expect(conditionOf((await world.get(id)).status, 'Stalled')?.status).not.toBe('True');
  await world.ready(id);
  await world.ask([other], 'start');
  await world.ready(other);
  const { body } = await world.api.send('GET', `/v1/events?about=${id}`, 'operator');
  expect(body.items.filter(({ reason }: { reason: string }) => reason === 'NoPermission')).toEqual([]);
}, 60_000);

test('F5 a list whose second page fails is worth nothing: no rule is made beside the one that was on it', async () => {
  const [id = ''] = await world.class('pages', 1);
  await world.ask([id], 'start');
  await world.ready(id);
  const half: Fault = { change: output => ({ ...output, Rules: [], NextMarker: 'the second page' }) };
  const met = world.wrong('DescribeRules', half, 3);
  const before = world.test.aws.endpoint.calls.counts()['CreateRule'] ?? 0;
  await eventually(() => met() === 3);
  await world.ready(id);
  expect(world.test.aws.endpoint.calls.counts()['CreateRule'] ?? 0).toBe(before);
  await expectWhole(id);
}, 60_000);

test('F6 what was made and is not shown yet is not made again', async () => {
  world.test.aws.state.consistency.lagMilliseconds = 4_000;
  const [id = ''] = await world.class('slow', 1);
  await world.ask([id], 'start');
  await world.ready(id);
  await expectWhole(id);
  world.test.aws.state.consistency.lagMilliseconds = 0;
}, 60_000);

test('F7 lists from the past never let a stop be told, or a start begin, before the task has ended', async () => {
  const [id = ''] = await world.class('past', 1);
  await world.ask([id], 'start');
  await world.ready(id);
  world.test.aws.state.consistency.lagMilliseconds = 5_000;
  const empty = world.wrong('ListTasks', { change: output => ({ ...output, taskArns: [] }) }, 4);
  await world.ask([id], 'stop');
  await eventually(() => empty() > 0);
  await eventually(async () => {
    const { status } = await world.get(id);
    if (status.step !== 'stopped') return false;
    expect(thingsOf(world, id).tasks.map(({ lastStatus }) => lastStatus)).toEqual(['STOPPED']);
    return true;
  });
  world.test.aws.state.consistency.lagMilliseconds = 0;
}, 60_000);

test('F8 a missing right is named to who can give it; other kinds go on, and so does it once given', async () => {
  const denied: Fault = {
    before() {
      throw new AwsError(
        'AccessDeniedException',
        'User: x is not authorized to perform: ecs:CreateService on resource: y',
      );
    },
  };
  const met = world.wrong('CreateService', denied, 4);
  const [id = ''] = await world.class('denied', 1);
  await world.ask([id], 'start');
  const { status } = await world.told(id, 'NoPermission');
  expect(conditionOf(status, 'Stalled')).toMatchObject({ status: 'True', reason: 'NoPermission' });
  expect(conditionOf(status, 'Stalled')?.message).toContain('ecs:CreateService');
  const invited = await world.api.person('Beside Denied');
  await eventually(async () => {
    const { rows } = await world.api.database.pool.query('select status from people where id = $1', [
      invited.person.id,
    ]);
    return rows[0]?.status.invitation === 'sent';
  });
  await eventually(() => met() === 4);
  await world.ready(id);
}, 60_000);

test('F4 a call that hangs is given up after ten seconds and made again, and nobody else waited for it', async () => {
  await world.ready(hanging);
  await expectWhole(hanging);
}, 60_000);
