import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminSetUserPasswordCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conditionOf } from '../../../api/resources/resource.ts';
import { answerLost } from '../../../infra/local/aws/faults.ts';
import { AwsError } from '../../../infra/local/aws/protocol.ts';
import { studentRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const { id, spec } = studentRow();
const { email } = spec;
let world: World;
let rows: ReturnType<World['studentRows']>;

beforeEach(async () => {
  world = await startWorld({ retries: false });
  rows = world.studentRows();
  rows.rows.set(id, studentRow());
});
afterEach(() => world.close());

const named = (name = email) => ({ UserPoolId: world.ground.userPoolId, Username: name });
const user = (name = email) => world.clients.cognito.send(new AdminGetUserCommand(named(name)));
const mails = () => world.aws.cognito.outbox.list().filter(({ to }) => to === email);
const ready = () => conditionOf(rows.get(id).status, 'Ready');

async function groups() {
  const answer = await world.clients.cognito.send(new AdminListGroupsForUserCommand(named()));
  return answer.Groups?.map(({ GroupName }) => GroupName).toSorted();
}

/** Looked at as if something had changed, whoever's turn it is. */
async function lookedAt() {
  rows.ask(id, {});
  return rows.settle(id);
}

describe('a student', () => {
  test('gets an account in their group, one mail, and is left alone from then on', async () => {
    expect((await rows.settle(id)).verdict).toBe('settled');
    expect(await groups()).toEqual(['student']);
    expect(mails()).toHaveLength(1);
    expect(rows.get(id).status).toMatchObject({ invitation: 'sent', username: (await user()).Username });
    expect(rows.get(id).status.invitedAt).not.toBeNull();
    await lookedAt();
    expect(mails()).toHaveLength(1);
  });

  test('an answer that is lost is never a second mail, at any of the writes', async () => {
    const met = new Set<string>();
    world.aws.endpoint.faults.add((_, operation) => {
      if (/^AdminGet|^AdminList/.test(operation) || met.has(operation)) return undefined;
      met.add(operation);
      return answerLost;
    });
    await rows.settle(id);
    expect(met).toContain('AdminCreateUser');
    expect(mails()).toHaveLength(1);
    expect(await groups()).toEqual(['student']);
  });

  test('is invited later when that was put off, once', async () => {
    rows.rows.set(id, studentRow({ spec: { ...spec, invited: false } }));
    await rows.settle(id);
    expect([mails().length, rows.get(id).status.invitation]).toEqual([0, 'none']);
    rows.ask(id, { spec });
    await rows.settle(id);
    expect([mails().length, rows.get(id).status.invitation]).toEqual([1, 'sent']);
    await lookedAt();
    expect(mails()).toHaveLength(1);
  });

  test('who has chosen a password has accepted', async () => {
    await rows.settle(id);
    const input = { ...named(), Password: 'correct horse Battery 9!', Permanent: true };
    await world.clients.cognito.send(new AdminSetUserPasswordCommand(input));
    await lookedAt();
    expect(rows.get(id).status.invitation).toBe('accepted');
  });

  test('is kept out and let in again as asked', async () => {
    await rows.settle(id);
    rows.ask(id, { spec: { ...spec, disabled: true } });
    await rows.settle(id);
    expect((await user()).Enabled).toBe(false);
    rows.ask(id, { spec });
    await rows.settle(id);
    expect((await user()).Enabled).toBe(true);
  });

  test('keeps the account when the address changes', async () => {
    await rows.settle(id);
    const before = (await user()).Username;
    rows.ask(id, { spec: { ...spec, email: 'lovelace@school.example' } });
    await rows.settle(id);
    expect((await user('lovelace@school.example')).Username).toBe(before);
    expect(rows.get(id).status.username).toBe(before);
  });

  test('is an instructor no longer once the role has changed', async () => {
    rows.rows.set(id, studentRow({ role: 'instructor' }));
    await rows.settle(id);
    expect(await groups()).toEqual(['instructor']);
    rows.ask(id, { role: 'student' });
    await rows.settle(id);
    expect(await groups()).toEqual(['student']);
  });

  test('an account that was deleted by hand comes back', async () => {
    await rows.settle(id);
    await world.clients.cognito.send(new AdminDeleteUserCommand(named()));
    await lookedAt();
    expect(await groups()).toEqual(['student']);
  });

  test('leaves no account behind once deleted', async () => {
    await rows.settle(id);
    rows.ask(id, { deletedAt: new Date().toISOString() });
    expect((await rows.settle(id)).verdict).toBe('gone');
    await expect(user()).rejects.toThrow('User does not exist');
  });
});

describe('an account that Armada did not make', () => {
  beforeEach(async () => {
    await world.clients.cognito.send(new AdminCreateUserCommand({ ...named(), MessageAction: 'SUPPRESS' }));
  });

  test('is never touched, and a person is told', async () => {
    expect((await rows.settle(id)).verdict).toBe('stuck');
    expect(ready()?.reason).toBe('NameTaken');
    rows.ask(id, { deletedAt: new Date().toISOString() });
    expect((await rows.settle(id)).verdict).toBe('gone');
    expect((await user()).Enabled).toBe(true);
  });
});

test('the account that the first instructor has from the ground is taken as it is, and nothing is mailed', async () => {
  rows.rows.set(id, studentRow({ role: 'instructor', spec: { ...spec, email: 'grace@school.example' } }));
  expect((await rows.settle(id)).verdict).toBe('settled');
  expect(world.aws.cognito.outbox.list()).toHaveLength(0);
});

test('when the day’s mails are used up the invitation waits, and says so', async () => {
  const remove = world.aws.endpoint.faults.add((_, operation) =>
    operation === 'AdminCreateUser'
      ? {
          before: () => {
            throw new AwsError('LimitExceededException', 'Exceeded daily email limit');
          },
        }
      : undefined,
  );
  const passed = await rows.pass(id);
  expect(passed).toMatchObject({ verdict: 'wait', againSeconds: 3600 });
  expect(ready()?.reason).toBe('InviteWaits');
  expect(rows.get(id).status.invitation).toBe('waiting');
  world.calls.reset();
  await rows.pass(id);
  expect(world.calls.counts()['AdminCreateUser']).toBeUndefined();
  remove();
  const tomorrow = world.studentRows();
  tomorrow.rows.set(id, rows.get(id));
  await tomorrow.settle(id);
  expect(mails()).toHaveLength(1);
});

test('an address that cannot be mailed is told, and a corrected one is invited', async () => {
  const remove = world.aws.endpoint.faults.add((_, operation) =>
    operation === 'AdminCreateUser'
      ? {
          before: () => {
            throw new AwsError('CodeDeliveryFailureException', 'address is on the suppression list');
          },
        }
      : undefined,
  );
  await rows.settle(id);
  expect(ready()).toMatchObject({ status: 'False', reason: 'AddressRefused' });
  expect(rows.get(id).status.invitation).toBe('refused');
  remove();
  rows.ask(id, { spec });
  await rows.settle(id);
  expect(rows.get(id).status.invitation).toBe('sent');
});

test('settled students are read at one look in four while their invitation is open, and nothing is written', async () => {
  await rows.settle(id);
  world.calls.reset();
  for (let look = 0; look < 40; look += 1) {
    rows.now = () => new Date(Date.UTC(2027, 0, 4, 9) + look * 30_000);
    await rows.pass(id);
  }
  expect(world.calls.counts()['AdminGetUser']).toBe(10);
  expect(world.writes()).toBe(0);
});
