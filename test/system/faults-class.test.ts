import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminGetUserCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from '../../api/resources/resource.ts';
import type { StudentStatus } from '../../api/resources/student.ts';
import { pruneEvents } from '../../api/store/events.ts';
import { AwsError } from '../../infra/local/aws/protocol.ts';
import { eventually } from '../support/eventually.ts';
import { thingsOf } from './fault-things.ts';
import { type FaultWorld, startFaultWorld } from './fault-world.ts';

/** Faults F30, F31, F36 and F38 to F40 of the promises: people, rows, versions. */

let world: FaultWorld;
beforeAll(async () => {
  world = await startFaultWorld();
}, 60_000);
afterAll(() => world.close());

const pool = () => world.api.database.pool;
async function running(name: string, size = 1): Promise<string[]> {
  const ids = await world.class(name, size);
  await world.ask(ids, 'start');
  await world.ready(...ids);
  return ids;
}
const student = async (id: string): Promise<StudentStatus | undefined> =>
  (await pool().query('select status from people where id = $1', [id])).rows[0]?.status;

test('F30 who or what is renamed keeps host, home and task', async () => {
  const [id = ''] = await running('named');
  const before = await world.get(id);
  const tasks = thingsOf(world, id).tasks.map(task => task.id);
  await world.api.send('PATCH', '/v1/courses/named', 'operator', { body: { name: 'Renamed' } });
  await world.api.send('PATCH', `/v1/students/${before.student.slug}`, 'operator', { body: { name: 'Ada King' } });
  await world.look();
  await world.ready(id);
  const after = await world.get(id);
  expect(after.course.name).toBe('Renamed');
  expect([after.slug, after.home, after.slot]).toEqual([before.slug, before.home, before.slot]);
  expect(thingsOf(world, id).tasks.map(task => task.id)).toEqual(tasks);
}, 60_000);

test('F31 one of the same name gets an id and a home of their own; who comes back gets theirs, and nothing is lost', async () => {
  const [id = ''] = await world.class('same', 1);
  await world.stopped(id);
  const first = await world.get(id);
  const leave = `/v1/cohorts/same/students/${first.student.slug}`;
  await world.api.send('DELETE', leave, 'operator');
  await eventually(async () => (await world.api.send('GET', `/v1/workspaces/${id}`, 'operator')).status === 404);
  const kept = await pool().query('select kept_until from homes where id = $1', [first.home.id]);
  expect(kept.rows[0]?.kept_until).not.toBeNull();
  const other = await world.api.person('Same Other');
  await world.api.send('PATCH', `/v1/students/${other.person.slug}`, 'operator', {
    body: { name: first.student.name },
  });
  await world.api.send('PUT', `/v1/cohorts/same/students/${other.person.slug}`, 'operator');
  await world.api.send('PUT', leave, 'operator');
  const { body } = await world.api.send('GET', '/v1/workspaces?course=same', 'operator');
  const again = body.items.find((item: { student: { id: string } }) => item.student.id === first.student.id);
  const theirs = body.items.find((item: { student: { id: string } }) => item.student.id === other.person.id);
  expect(again.id).not.toBe(id);
  expect(again.home.id).toBe(first.home.id);
  expect(theirs?.home.id).not.toBe(first.home.id);
}, 60_000);

test('F38 a row that nobody can read holds up no other, and old events are forgotten', async () => {
  const [broken = '', fine = ''] = await world.class('broken', 2);
  await world.stopped(broken, fine);
  await pool().query(`update workspaces set status = '{"nonsense": true}' where id = $1`, [broken]);
  await world.look();
  await world.ask([fine], 'start');
  await world.ready(fine);
  await pool().query(
    `insert into events (at, kind, about, tone, reason, message)
     select now() - interval '91 days', 'workspace', 'gone', 'normal', 'Old', '' from generate_series(1, 25000)`,
  );
  while ((await pruneEvents(pool(), new Date())) > 0);
  expect((await pool().query(`select from events where reason = 'Old'`)).rowCount).toBe(0);
  expect((await pool().query('select from events')).rowCount).toBeGreaterThan(0);
}, 60_000);

test('F39 rows of an older and of a newer version are both read, and what runs is left running', async () => {
  const [older = '', newer = ''] = await running('versions', 2);
  const before = [older, newer].map(id => thingsOf(world, id).tasks.map(task => task.id));
  await pool().query(`update workspaces set status = status - 'addresses' where id = $1`, [older]);
  await pool().query(`update workspaces set status = status || '{"laterField": {"of": "2.0"}}' where id = $1`, [newer]);
  await pool().query(`update courses set spec = spec - 'idleMinutes' || '{"laterField": 1}' where slug = 'versions'`);
  await world.look();
  await world.ready(older, newer);
  expect([older, newer].map(id => thingsOf(world, id).tasks.map(task => task.id))).toEqual(before);
}, 60_000);

describe('F36 an invitation', () => {
  /** A status as one read gives it, once it is so. */
  const told = (id: string, is: (status: StudentStatus) => boolean) =>
    eventually(async () => {
      const status = await student(id);
      if (!status || !is(status)) throw new Error(JSON.stringify(status));
      return status;
    });
  const isFor = (reason: string) => (status: StudentStatus) => conditionOf(status, 'Ready')?.reason === reason;
  const named = (email: string) => ({ UserPoolId: world.test.ground.userPoolId, Username: email });
  const mailsTo = (email: string) => world.test.aws.cognito.outbox.list().filter(({ to }) => to === email);

  test('to an address that refuses mail says so', async () => {
    world.wrong('AdminCreateUser', {
      before() {
        throw new AwsError('CodeDeliveryFailureException', 'Message could not be sent.');
      },
    });
    const { person } = await world.api.person('Bounced Mail');
    const status = await told(person.id, isFor('AddressRefused'));
    expect(status.invitation).toBe('refused');
    expect(conditionOf(status, 'Stalled')).toMatchObject({
      status: 'True',
      message: expect.stringContaining(person.spec.email),
    });
  }, 60_000);

  test('of somebody who has a foreign account is told, the account left alone, and adopted once its owner says so', async () => {
    const { cognito } = world.test.clients;
    const email = 'here.before@school.edu';
    await cognito.send(new AdminCreateUserCommand({ ...named(email), MessageAction: 'SUPPRESS' }));
    const before = await cognito.send(new AdminGetUserCommand(named(email)));
    const { person } = await world.api.person('Here Before');
    expect(person.spec.email).toBe(email);
    const status = await told(person.id, isFor('NameTaken'));
    expect(conditionOf(status, 'Stalled')).toMatchObject({ status: 'True', message: expect.stringContaining(email) });
    const { $metadata: _, ...after } = await cognito.send(new AdminGetUserCommand(named(email)));
    expect(before).toMatchObject(after);
    await cognito.send(new AdminAddUserToGroupCommand({ ...named(email), GroupName: 'student' }));
    expect(await told(person.id, isFor('Settled'))).toMatchObject({ username: before.Username });
    expect(mailsTo(email)).toEqual([]);
  }, 60_000);

  test('waits for tomorrow when the day’s mails are used up, and goes then, once', async () => {
    for (let mail = 0; mail < 50; mail += 1) {
      world.test.aws.cognito.outbox.send({ to: `other${mail}@school.edu`, subject: 'Hello', text: 'Hello' });
    }
    const { person } = await world.api.person('Late Comer');
    const { email } = person.spec;
    const waiting = await told(person.id, isFor('InviteWaits'));
    expect(waiting).toMatchObject({ invitation: 'waiting', invitedAt: null });
    expect(conditionOf(waiting, 'Stalled')?.status).toBe('False');
    // The account is there for a handed link.
    await world.test.clients.cognito.send(new AdminGetUserCommand(named(email)));
    expect(mailsTo(email)).toEqual([]);
    world.clock.jump(24 * 3_600_000);
    expect((await told(person.id, isFor('Settled'))).invitation).toBe('sent');
    expect(mailsTo(email)).toHaveLength(1);
  }, 60_000);
});

test('F40 a course that is deleted while a class of thirty runs stops, whoever dies meanwhile, and keeps the homes until a date', async () => {
  const ids = await running('ends', 30);
  const homes = await Promise.all(ids.map(async id => (await world.get(id)).home.id));
  const kept = 'select id from workspaces where id = any($1)';
  const left = async () => (await pool().query(kept, [ids])).rowCount ?? 0;
  expect((await world.api.send('DELETE', '/v1/courses/ends', 'operator')).status).toBeLessThan(300);
  // Dies three times on the way, and goes on each time where the one before was.
  for (const at of [30, 20, 10]) {
    await eventually(async () => ids.some(id => thingsOf(world, id).services.length === 0) && (await left()) <= at);
    await world.crash();
  }
  await eventually(async () => (await left()) === 0);
  for (const id of ids) {
    const { services, groups, rules, tasks } = thingsOf(world, id);
    expect([services, groups, rules]).toEqual([[], [], []]);
    expect(tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED')).toEqual([]);
    expect(world.mostTasks(id)).toBe(1);
  }
  const { rowCount } = await pool().query('select from homes where id = any($1) and kept_until > now()', [homes]);
  expect(rowCount).toBe(30);
}, 90_000);
