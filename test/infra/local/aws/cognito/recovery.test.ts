import {
  AdminDisableUserCommand,
  AdminGetUserCommand,
  AdminResetUserPasswordCommand,
  AdminUpdateUserAttributesCommand,
  ConfirmForgotPasswordCommand,
  ForgotPasswordCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goodPassword, TestPool } from './pool.ts';

let test: TestPool;
const alice = 'alice@example.edu';
const newPassword = 'Better-horse-8';
const names = (Username = alice) => ({ UserPoolId: test.poolId, Username });

beforeEach(async () => {
  test = await TestPool.start();
});
afterEach(() => test.stop());

const forget = (Username = alice) => test.client.send(new ForgotPasswordCommand({ ClientId: test.clientId, Username }));

function confirm(ConfirmationCode: string, Password = newPassword, Username = alice) {
  return test.client.send(
    new ConfirmForgotPasswordCommand({ ClientId: test.clientId, Username, ConfirmationCode, Password }),
  );
}

const wrong = (code: string) => (code === '000000' ? '000001' : '000000');

describe('a forgotten password', () => {
  it('is replaced with the code that is mailed, once', async () => {
    await test.confirmed(alice);
    expect((await forget()).CodeDeliveryDetails).toEqual({
      Destination: 'a***@e***',
      DeliveryMedium: 'EMAIL',
      AttributeName: 'email',
    });
    expect(test.mails).toMatchObject([{ to: alice, subject: 'Your verification code' }]);
    expect(await test.signIn(alice, goodPassword)).toHaveProperty('AuthenticationResult');
    const code = test.mailedCode;
    await confirm(code);
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject({ name: 'NotAuthorizedException' });
    expect(await test.signIn(alice, newPassword)).toHaveProperty('AuthenticationResult');
    await expect(confirm(code)).rejects.toMatchObject({ name: 'ExpiredCodeException' });
  });

  it('keeps the code through a weak password and through the end of the process', async () => {
    await test.confirmed(alice);
    await forget();
    await expect(confirm(test.mailedCode, 'weak')).rejects.toMatchObject({ name: 'InvalidPasswordException' });
    await test.shut();
    await test.open();
    await confirm(test.mailedCode);
  });

  it('goes by the newest code only', async () => {
    await test.confirmed(alice);
    await forget();
    const first = test.mailedCode;
    do await forget();
    while (test.mailedCode === first);
    await expect(confirm(first)).rejects.toMatchObject({ name: 'CodeMismatchException' });
    await confirm(test.mailedCode);
  });

  it('has an hour', async () => {
    await test.confirmed(alice);
    await forget();
    await test.clock.advance(3_600_000 - 1);
    await expect(confirm(wrong(test.mailedCode))).rejects.toMatchObject({ name: 'CodeMismatchException' });
    await test.clock.advance(1);
    await expect(confirm(test.mailedCode)).rejects.toMatchObject({ name: 'ExpiredCodeException' });
  });

  it('is not guessed: after five wrong codes the right one is refused too', async () => {
    await test.confirmed(alice);
    await forget();
    for (let time = 0; time < 5; time++)
      await expect(confirm(wrong(test.mailedCode))).rejects.toMatchObject({ name: 'CodeMismatchException' });
    await expect(confirm(test.mailedCode)).rejects.toMatchObject({ name: 'LimitExceededException' });
  });

  it('is asked for five times an hour', async () => {
    await test.confirmed(alice);
    for (let time = 0; time < 5; time++) await forget();
    await expect(forget()).rejects.toMatchObject({ name: 'LimitExceededException' });
    await test.clock.advance(3_600_000);
    await forget();
    expect(test.mails).toHaveLength(6);
  });

  it('is not mailed when the mails of the day are used', async () => {
    await test.stop();
    test = await TestPool.start({ mailsPerDay: 1 });
    await test.confirmed(alice);
    await forget();
    await expect(forget()).rejects.toMatchObject({ name: 'LimitExceededException' });
  });
});

describe('who there is', () => {
  it('is not told where the client hides it: nobody, a disabled user and one without a verified address look alike', async () => {
    await test.confirmed('disabled@example.edu');
    await test.client.send(new AdminDisableUserCommand(names('disabled@example.edu')));
    await test.confirmed('unverified@example.edu');
    const UserAttributes = [{ Name: 'email_verified', Value: 'false' }];
    const update = { ...names('unverified@example.edu'), UserAttributes };
    await test.client.send(new AdminUpdateUserAttributesCommand(update));
    for (const name of ['nobody@example.edu', 'disabled@example.edu', 'unverified@example.edu'])
      expect((await forget(name)).CodeDeliveryDetails).toMatchObject({ Destination: `${name[0]}***@e***` });
    expect(test.mails).toEqual([]);
    for (const name of ['nobody@example.edu', 'disabled@example.edu'])
      await expect(confirm('123456', newPassword, name)).rejects.toMatchObject({ name: 'CodeMismatchException' });
  });

  it('is told where the client does not hide it', async () => {
    test.clientId = await test.createClient({ PreventUserExistenceErrors: 'LEGACY' });
    await expect(forget()).rejects.toMatchObject({ name: 'UserNotFoundException' });
    await expect(confirm('123456')).rejects.toMatchObject({ name: 'UserNotFoundException' });
    await test.confirmed(alice);
    await test.client.send(new AdminDisableUserCommand(names()));
    await expect(forget()).rejects.toMatchObject({ message: 'User is disabled.' });
  });
});

describe('a reset by an administrator', () => {
  it('mails a code, and demands it before the next sign-in', async () => {
    await test.confirmed(alice);
    await test.client.send(new AdminResetUserPasswordCommand(names()));
    const { UserStatus } = await test.client.send(new AdminGetUserCommand(names()));
    expect(UserStatus).toBe('RESET_REQUIRED');
    await confirm(test.mailedCode);
    expect(await test.signIn(alice, newPassword)).toHaveProperty('AuthenticationResult');
  });

  it('is refused for a user who has not chosen a password yet, as is forgetting it', async () => {
    await test.invite(alice);
    const message = 'User password cannot be reset in the current state.';
    await expect(test.client.send(new AdminResetUserPasswordCommand(names()))).rejects.toMatchObject({ message });
    await expect(forget()).rejects.toMatchObject({ message });
  });

  it('is refused without a verified address', async () => {
    await test.confirmed(alice);
    const UserAttributes = [{ Name: 'email_verified', Value: 'false' }];
    await test.client.send(new AdminUpdateUserAttributesCommand({ ...names(), UserAttributes }));
    const reset = test.client.send(new AdminResetUserPasswordCommand(names()));
    await expect(reset).rejects.toMatchObject({ name: 'InvalidParameterException' });
    expect(test.mails).toEqual([]);
  });
});
