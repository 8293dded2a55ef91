import {
  AdminCreateUserCommand,
  type AdminCreateUserCommandInput,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminResetUserPasswordCommand,
  AdminSetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  AdminUserGlobalSignOutCommand,
  ListUsersCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goodPassword, TestPool } from './pool.ts';

let test: TestPool;
const alice = 'alice@example.edu';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

beforeEach(async () => {
  test = await TestPool.start();
});
afterEach(() => test.stop());

const get = (Username: string) => test.client.send(new AdminGetUserCommand({ UserPoolId: test.poolId, Username }));
const attribute = (user: { UserAttributes?: { Name?: string; Value?: string }[] }, name: string) =>
  user.UserAttributes?.find(it => it.Name === name)?.Value;

async function list(Filter?: string, Limit?: number) {
  const found: (string | undefined)[] = [];
  let PaginationToken: string | undefined;
  do {
    const input = { UserPoolId: test.poolId, Filter, Limit, PaginationToken };
    const page = await test.client.send(new ListUsersCommand(input));
    found.push(...page.Users!.map(user => user.Attributes?.find(it => it.Name === 'email')?.Value));
    PaginationToken = page.PaginationToken;
  } while (PaginationToken);
  return found;
}

describe('an invitation', () => {
  it('makes a user under a name of its own, found by address and by name, and mails the password', async () => {
    const made = await test.invite(alice);
    expect(made).toMatchObject({ UserStatus: 'FORCE_CHANGE_PASSWORD', Enabled: true });
    expect(made.Username).toMatch(uuid);
    for (const name of [alice, made.Username!]) {
      const user = await get(name);
      expect(user.Username).toBe(made.Username);
      expect(attribute(user, 'sub')).toBe(made.Username);
      expect(attribute(user, 'email')).toBe(alice);
      expect(attribute(user, 'email_verified')).toBe('true');
    }
    expect(test.mails).toMatchObject([{ to: alice, subject: 'Your temporary password' }]);
    expect(test.mails[0]!.at).toBe(new Date(test.clock.now()).toISOString());
    expect(test.mails[0]!.text.split('\n')).toContain(`Username: ${alice}`);
    expect(await test.signIn(alice, test.mailedPassword)).toMatchObject({ ChallengeName: 'NEW_PASSWORD_REQUIRED' });
  });

  it('is not mailed when that is suppressed', async () => {
    await test.invite(alice, { MessageAction: 'SUPPRESS', DesiredDeliveryMediums: undefined });
    expect(test.mails).toEqual([]);
  });

  it('takes the words of the pool, whatever is in the password', async () => {
    const EmailMessage = 'Dear {username},<br/>yours is {####} & welcome';
    const InviteMessageTemplate = { EmailMessage, EmailSubject: 'Join us' };
    test.poolId = await test.createPool({ AdminCreateUserConfig: { InviteMessageTemplate } });
    await test.invite(alice, { TemporaryPassword: "A$&$1b'`$7x" });
    const text = `Dear ${alice},\nyours is A$&$1b'\`$7x & welcome`;
    expect(test.mails).toMatchObject([{ subject: 'Join us', to: alice, text }]);
  });

  it('can be sent again with a new password while the user has chosen none', async () => {
    const first = await test.invite(alice);
    const before = test.mailedPassword;
    const second = await test.invite(alice, { MessageAction: 'RESEND' });
    expect(second.Username).toBe(first.Username);
    expect(test.mails).toHaveLength(2);
    expect(test.mailedPassword).not.toBe(before);
    await expect(test.signIn(alice, before)).rejects.toMatchObject({ name: 'NotAuthorizedException' });
    expect(await test.signIn(alice, test.mailedPassword)).toHaveProperty('Session');
  });

  it('sent again gives an expired password seven new days', async () => {
    await test.invite(alice);
    await test.clock.advance(8 * 86_400_000);
    await test.invite(alice, { MessageAction: 'RESEND' });
    await test.clock.advance(6 * 86_400_000);
    expect(await test.signIn(alice, test.mailedPassword)).toHaveProperty('Session');
  });

  it('for the same address gets one of two at once', async () => {
    const results = await Promise.allSettled([test.invite(alice), test.invite(alice)]);
    expect(results.map(result => result.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await list()).toEqual([alice]);
    expect(test.mails).toHaveLength(1);
  });

  const refusals: Record<string, [Partial<AdminCreateUserCommandInput>, string]> = {
    'to somebody who is there': [{ Username: 'bob@example.edu' }, 'UsernameExistsException'],
    'by SMS, which is what nothing said means': [{ DesiredDeliveryMediums: undefined }, 'InvalidParameterException'],
    'to a name that is no address': [{ Username: 'alice' }, 'InvalidParameterException'],
    'with another address': [
      { UserAttributes: [{ Name: 'email', Value: 'x@example.edu' }] },
      'InvalidParameterException',
    ],
    'with a sub': [{ UserAttributes: [{ Name: 'sub', Value: 'x' }] }, 'InvalidParameterException'],
    'with an attribute that the pool has not': [
      { UserAttributes: [{ Name: 'custom:x', Value: 'x' }] },
      'InvalidParameterException',
    ],
    'with a password too short': [{ TemporaryPassword: 'Ab1!' }, 'InvalidPasswordException'],
    'with a password without digits': [{ TemporaryPassword: 'Abcdefgh!' }, 'InvalidPasswordException'],
    'again to nobody': [{ MessageAction: 'RESEND' }, 'UserNotFoundException'],
    'again to somebody with a password': [
      { MessageAction: 'RESEND', Username: 'bob@example.edu' },
      'UnsupportedUserStateException',
    ],
    'in a pool that is not there': [{ UserPoolId: 'us-east-1_nothing' }, 'ResourceNotFoundException'],
  };
  it.each(Object.keys(refusals))('%s is refused, and nothing is made or mailed', async what => {
    await test.confirmed('bob@example.edu');
    const [input, name] = refusals[what]!;
    await expect(test.invite(alice, input)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
    expect(await list()).toEqual(['bob@example.edu']);
    expect(test.mails).toEqual([]);
  });

  it('beyond the mails of the day is refused until the next, suppressed ones are not', async () => {
    await test.stop();
    test = await TestPool.start({ mailsPerDay: 2 });
    await test.invite('a@example.edu');
    await test.invite('b@example.edu');
    await expect(test.invite(alice)).rejects.toMatchObject({ name: 'LimitExceededException' });
    await expect(get(alice)).rejects.toMatchObject({ name: 'UserNotFoundException' });
    await test.invite('c@example.edu', { MessageAction: 'SUPPRESS' });
    await test.clock.advance(86_400_000);
    await test.invite(alice);
    expect(test.mails.map(mail => mail.to)).toEqual([alice, 'b@example.edu', 'a@example.edu']);
  });
});

describe("in a pool with names of one's own", () => {
  beforeEach(async () => {
    test.poolId = await test.createPool({ UsernameAttributes: undefined, AliasAttributes: ['email'] });
  });
  const named = (Username: string, email: string) =>
    test.client.send(
      new AdminCreateUserCommand({
        UserPoolId: test.poolId,
        Username,
        MessageAction: 'SUPPRESS',
        UserAttributes: [
          { Name: 'email', Value: email },
          { Name: 'email_verified', Value: 'true' },
        ],
      }),
    );

  it('the name is kept, and the verified address is an alias', async () => {
    const { User } = await named('alice', alice);
    expect(User!.Username).toBe('alice');
    expect((await get(alice)).Username).toBe('alice');
  });

  it('neither name nor address can be taken twice', async () => {
    await named('alice', alice);
    await expect(named('alice', 'x@example.edu')).rejects.toMatchObject({ name: 'UsernameExistsException' });
    await expect(named('alicia', alice)).rejects.toMatchObject({ name: 'AliasExistsException' });
  });

  it('a name that looks like an address is refused', async () => {
    await expect(named('x@example.edu', alice)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });
});

describe('a user', () => {
  const names = () => ({ UserPoolId: test.poolId, Username: alice });

  it('that is deleted is gone, and can be made anew as somebody else', async () => {
    const before = await test.invite(alice);
    await test.client.send(new AdminDeleteUserCommand(names()));
    await expect(get(alice)).rejects.toMatchObject({ name: 'UserNotFoundException' });
    expect((await test.invite(alice)).Username).not.toBe(before.Username);
  });

  it('can be disabled and enabled', async () => {
    await test.confirmed(alice);
    await test.client.send(new AdminDisableUserCommand(names()));
    expect((await get(alice)).Enabled).toBe(false);
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject({ message: 'User is disabled.' });
    await test.client.send(new AdminEnableUserCommand(names()));
    expect(await test.signIn(alice, goodPassword)).toHaveProperty('AuthenticationResult.IdToken');
  });

  it('gets new attributes; a new address is not verified until that is said', async () => {
    await test.invite(alice);
    const update = (...pairs: [string, string][]) => {
      const UserAttributes = pairs.map(([Name, Value]) => ({ Name, Value }));
      return test.client.send(new AdminUpdateUserAttributesCommand({ ...names(), UserAttributes }));
    };
    await update(['name', 'Alice']);
    expect(attribute(await get(alice), 'name')).toBe('Alice');
    expect(attribute(await get(alice), 'email_verified')).toBe('true');
    await test.invite('bob@example.edu');
    await expect(update(['email', 'bob@example.edu'])).rejects.toMatchObject({ name: 'AliasExistsException' });
    await update(['email', 'al@example.edu']);
    expect(attribute(await get('al@example.edu'), 'email_verified')).toBe('false');
  });

  it('set to a temporary password must choose another', async () => {
    await test.confirmed(alice);
    await test.client.send(new AdminSetUserPasswordCommand({ ...names(), Password: 'Temporary-1' }));
    expect((await get(alice)).UserStatus).toBe('FORCE_CHANGE_PASSWORD');
    expect(await test.signIn(alice, 'Temporary-1')).toMatchObject({ ChallengeName: 'NEW_PASSWORD_REQUIRED' });
    const weak = new AdminSetUserPasswordCommand({ ...names(), Password: 'weak', Permanent: true });
    await expect(test.client.send(weak)).rejects.toMatchObject({ name: 'InvalidPasswordException' });
  });

  it('that is nobody is refused by every operation on one', async () => {
    const { client } = test;
    for (const call of [
      () => client.send(new AdminDeleteUserCommand(names())),
      () => client.send(new AdminDisableUserCommand(names())),
      () => client.send(new AdminEnableUserCommand(names())),
      () => client.send(new AdminUserGlobalSignOutCommand(names())),
      () => client.send(new AdminResetUserPasswordCommand(names())),
      () => client.send(new AdminSetUserPasswordCommand({ ...names(), Password: goodPassword })),
      () => client.send(new AdminUpdateUserAttributesCommand({ ...names(), UserAttributes: [] })),
    ])
      await expect(call()).rejects.toMatchObject({ name: 'UserNotFoundException' });
  });
});

describe('a list of users', () => {
  it('finds by address, name and sub', async () => {
    const made = await test.invite(alice);
    await test.invite('bob@example.edu');
    expect(await list(`email = "${alice}"`)).toEqual([alice]);
    expect(await list('email ^= "bob"')).toEqual(['bob@example.edu']);
    expect(await list(`sub = "${made.Username}"`)).toEqual([alice]);
    expect(await list(`username = "${made.Username}"`)).toEqual([alice]);
    expect(await list('cognito:user_status = "CONFIRMED"')).toEqual([]);
    for (const filter of ['email', 'custom:x = "y"', 'email = alice'])
      await expect(list(filter)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('is complete and without repeats over its pages, in any order', async () => {
    const made = Array.from({ length: 25 }, (_, index) => `s${index}@example.edu`);
    for (const email of made) await test.invite(email, { MessageAction: 'SUPPRESS' });
    test.state.consistency.shuffled = true;
    for (const limit of [undefined, 4]) expect((await list(undefined, limit)).toSorted()).toEqual(made.toSorted());
  });

  it('lags behind, while a look at one user does not', async () => {
    test.state.consistency.lagMilliseconds = 2_000;
    await test.invite(alice);
    expect(await list()).toEqual([]);
    expect((await get(alice)).Enabled).toBe(true);
    await expect(test.invite(alice)).rejects.toMatchObject({ name: 'UsernameExistsException' });
    await test.clock.advance(2_000);
    expect(await list()).toEqual([alice]);
    await test.client.send(new AdminDeleteUserCommand({ UserPoolId: test.poolId, Username: alice }));
    expect(await list()).toEqual([alice]);
    await expect(get(alice)).rejects.toMatchObject({ name: 'UserNotFoundException' });
  });
});
