import {
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminSetUserPasswordCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conditionOf } from '../../../api/resources/resource.ts';
import { realClock } from '../../../infra/local/aws/clock.ts';
import { answerLost } from '../../../infra/local/aws/faults.ts';
import { AwsError } from '../../../infra/local/aws/protocol.ts';
import { studentRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const { id, spec } = studentRow();
const { email } = spec;
let world: World;
/** How far the local AWS's clock is ahead: at noon, for mails are counted by the day. */
let ahead = 0;
const dayMilliseconds = 86_400_000;
let rows: ReturnType<World['studentRows']>;

beforeEach(async () => {
  ahead = dayMilliseconds / 2 - (Date.now() % dayMilliseconds);
  world = await startWorld({ retries: false, clock: { ...realClock, now: () => Date.now() + ahead } });
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

const chooses = (Password: string) =>
  world.clients.cognito.send(new AdminSetUserPasswordCommand({ ...named(), Password, Permanent: true }));

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
    await chooses('correct horse Battery 9!');
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

/** Somebody else of the same pool has the day's mails. */
function useUpMails() {
  for (let mail = 0; mail < 50; mail += 1)
    world.aws.cognito.outbox.send({ to: `other${mail}@school.example`, subject: 'Hello', text: 'Hello' });
}

test('when the day’s mails are used up the invitation waits, and says so; the account is there for a handed link', async () => {
  useUpMails();
  const passed = await rows.pass(id);
  expect(passed.verdict).toBe('wait');
  expect(passed.againSeconds).toBeLessThanOrEqual(3600);
  expect(ready()?.reason).toBe('InviteWaits');
  expect(rows.get(id).status).toMatchObject({
    invitation: 'waiting',
    invitedAt: null,
    username: (await user()).Username,
  });
  expect([await groups(), mails().length]).toEqual([['student'], 0]);
  world.calls.reset();
  await rows.pass(id);
  expect(world.calls.counts()['AdminCreateUser']).toBeUndefined();
  ahead += dayMilliseconds;
  rows.now = () => new Date(Date.now() + ahead);
  await rows.settle(id);
  expect(mails()).toHaveLength(1);
  expect(rows.get(id).status.invitation).toBe('sent');
});

test('a student who joins by a handed link while the mail waits has accepted, and is mailed nothing', async () => {
  useUpMails();
  await rows.pass(id);
  await chooses('correct horse Battery 9!');
  await lookedAt();
  expect([rows.get(id).status.invitation, mails().length]).toEqual(['accepted', 0]);
});

describe('an invitation that is asked for again', () => {
  const again = (resends: number) => rows.ask(id, { spec: { ...spec, resends } });

  test('is a new mail with a new password, once, whatever is asked while it is on its way', async () => {
    await rows.settle(id);
    again(1);
    again(2);
    await rows.settle(id);
    expect(mails()).toHaveLength(2);
    const [newest, oldest] = mails().map(({ text }) => /Password: (\S+)/.exec(text)?.[1]);
    expect(newest).toMatch(/^[A-Z][a-z2-9]{3}(-[a-z2-9]{4}){3}$/);
    expect(newest).not.toBe(oldest);
    await lookedAt();
    expect(mails()).toHaveLength(2);
  });

  test('is one mail where the answer to it is lost', async () => {
    await rows.settle(id);
    again(1);
    let lost = 0;
    world.aws.endpoint.faults.add((_, operation) => {
      if (operation !== 'AdminCreateUser' || lost > 0) return undefined;
      lost += 1;
      return answerLost;
    });
    await rows.settle(id);
    expect([lost, mails().length]).toEqual([1, 2]);
    expect(rows.get(id).status.invitation).toBe('sent');
  });

  test('is one mail, and not none, where the controller ends before it asks Cognito', async () => {
    await rows.settle(id);
    again(1);
    let refused = 0;
    world.aws.endpoint.faults.add((_, operation) => {
      if (operation !== 'AdminCreateUser' || refused > 0) return undefined;
      refused += 1;
      return {
        before: () => {
          throw new AwsError('InternalErrorException', 'never reached Cognito', 500);
        },
      };
    });
    await rows.settle(id);
    expect([refused, mails().length]).toEqual([1, 2]);
  });

  test('does not go to who has joined', async () => {
    await rows.settle(id);
    await chooses('correct horse Battery 9!');
    again(1);
    await rows.settle(id);
    expect([mails().length, rows.get(id).status.invitation]).toEqual([1, 'accepted']);
  });

  test('goes to the new address where that has changed', async () => {
    await rows.settle(id);
    rows.ask(id, { spec: { ...spec, email: 'lovelace@school.example', resends: 1 } });
    await rows.settle(id);
    const [newest] = world.aws.cognito.outbox.list();
    expect(newest?.to).toBe('lovelace@school.example');
    expect(mails()).toHaveLength(1);
  });
});

test('a mailed password that has stood for 7 days has expired, and one that is mailed anew has not', async () => {
  await rows.settle(id);
  const later = new Date(Date.now() + ahead + 8 * dayMilliseconds);
  rows.now = () => later;
  await rows.settle(id);
  expect(rows.get(id).status.invitation).toBe('expired');
  rows.ask(id, { spec: { ...spec, resends: 1 } });
  await rows.settle(id);
  expect([rows.get(id).status.invitation, mails().length]).toEqual(['sent', 2]);
});

describe('one whom somebody shuts out in Cognito itself', () => {
  test('is seen within fifteen minutes, stays out, and is let in by the same hand', async () => {
    await rows.settle(id);
    await chooses('correct horse Battery 9!');
    await lookedAt();
    await world.clients.cognito.send(new AdminDisableUserCommand(named()));
    world.calls.reset();
    const seen = await withinMinutes(15, () => rows.get(id).status.blocked === true);
    expect(seen).toBe(true);
    expect(world.writes()).toBe(0);
    await lookedAt();
    expect((await user()).Enabled).toBe(false);
    await world.clients.cognito.send(new AdminEnableUserCommand(named()));
    expect(await withinMinutes(15, () => rows.get(id).status.blocked === false)).toBe(true);
  });

  test('is Armada’s to let in once Armada has shut them out too', async () => {
    await rows.settle(id);
    await world.clients.cognito.send(new AdminDisableUserCommand(named()));
    rows.ask(id, { spec: { ...spec, disabled: true } });
    await rows.settle(id);
    rows.ask(id, { spec });
    await rows.settle(id);
    expect((await user()).Enabled).toBe(true);
    expect(rows.get(id).status.blocked).toBe(false);
  });

  /** Looks as often as the loop does, on a clock of its own. */
  async function withinMinutes(minutes: number, holds: () => boolean): Promise<boolean> {
    const start = Math.max(Date.UTC(2027, 0, 4, 9), rows.now().getTime());
    for (let look = 0; look <= minutes * 2; look += 1) {
      rows.now = () => new Date(start + look * 30_000);
      await rows.pass(id);
      if (holds()) return true;
    }
    return false;
  }
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
