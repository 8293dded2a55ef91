import { createHmac } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminDisableUserCommand,
  AdminInitiateAuthCommand,
  AdminResetUserPasswordCommand,
  AdminRespondToAuthChallengeCommand,
  AdminUserGlobalSignOutCommand,
  CreateGroupCommand,
  DescribeUserPoolClientCommand,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goodPassword, TestPool } from './pool.ts';

let test: TestPool;
const alice = 'alice@example.edu';
const incorrect = { name: 'NotAuthorizedException', message: 'Incorrect username or password.' };
const names = () => ({ UserPoolId: test.poolId, Username: alice });

beforeEach(async () => {
  test = await TestPool.start();
});
afterEach(() => test.stop());

function respond(Session: string | undefined, responses: Record<string, string> = {}) {
  return test.client.send(
    new AdminRespondToAuthChallengeCommand({
      UserPoolId: test.poolId,
      ClientId: test.clientId,
      ChallengeName: 'NEW_PASSWORD_REQUIRED',
      ChallengeResponses: { USERNAME: alice, NEW_PASSWORD: goodPassword, ...responses },
      Session,
    }),
  );
}

function refresh(REFRESH_TOKEN: string, more: Record<string, string> = {}) {
  const { poolId: UserPoolId, clientId: ClientId } = test;
  const AuthParameters = { REFRESH_TOKEN, ...more };
  const input = { UserPoolId, ClientId, AuthFlow: 'REFRESH_TOKEN_AUTH' as const, AuthParameters };
  return test.client.send(new AdminInitiateAuthCommand(input));
}

function verify(token: string, audience?: string) {
  const keys = createRemoteJWKSet(new URL(`${test.url}/${test.poolId}/.well-known/jwks.json`));
  const currentDate = new Date(test.clock.now());
  return jwtVerify(token, keys, { issuer: `${test.url}/${test.poolId}`, audience, currentDate });
}

describe('tokens', () => {
  it('say who it is, and are verified with the keys that the pool publishes', async () => {
    const user = await test.confirmed(alice);
    await test.client.send(new CreateGroupCommand({ UserPoolId: test.poolId, GroupName: 'instructor' }));
    await test.client.send(new AdminAddUserToGroupCommand({ ...names(), GroupName: 'instructor' }));
    const { AuthenticationResult: result, ChallengeName } = await test.signIn(alice, goodPassword);
    expect(ChallengeName).toBeUndefined();
    expect(result).toMatchObject({ TokenType: 'Bearer', ExpiresIn: 3600 });
    const { payload: id } = await verify(result!.IdToken!, test.clientId);
    expect(id).toMatchObject({
      sub: user.Username,
      email: alice,
      email_verified: true,
      'cognito:username': user.Username,
      'cognito:groups': ['instructor'],
      token_use: 'id',
      auth_time: test.clock.now() / 1000,
      exp: test.clock.now() / 1000 + 3600,
    });
    const { payload: access } = await verify(result!.AccessToken!);
    expect(access).toMatchObject({ sub: user.Username, client_id: test.clientId, token_use: 'access' });
    expect(access).not.toHaveProperty('email');
    expect(access).not.toHaveProperty('aud');
  });

  it('publish no secret part of the key', () => {
    const [key] = (test.cognito.documents(`/${test.poolId}/.well-known/jwks.json`) as { keys: object[] }).keys;
    expect(Object.keys(key!).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    const configuration = test.cognito.documents(`/${test.poolId}/.well-known/openid-configuration`);
    expect(configuration).toMatchObject({ issuer: `${test.url}/${test.poolId}` });
    expect(test.cognito.documents('/us-east-1_nothing/.well-known/jwks.json')).toBeUndefined();
    expect(test.cognito.documents('/')).toBeUndefined();
  });

  it('are still good, and refreshed, after the process ended', async () => {
    await test.confirmed(alice);
    const { AuthenticationResult: result } = await test.signIn(alice, goodPassword);
    const before = test.cognito.documents(`/${test.poolId}/.well-known/jwks.json`);
    await test.shut();
    await test.open();
    expect(test.cognito.documents(`/${test.poolId}/.well-known/jwks.json`)).toEqual(before);
    const again = await refresh(result!.RefreshToken!);
    await verify(again.AuthenticationResult!.IdToken!, test.clientId);
    expect(await test.signIn(alice, goodPassword)).toHaveProperty('AuthenticationResult');
  });
});

describe('a refresh token', () => {
  it('gives new tokens that keep the time of signing in, and no new refresh token', async () => {
    await test.confirmed(alice);
    const { AuthenticationResult: first } = await test.signIn(alice, goodPassword);
    await test.clock.advance(2 * 3_600_000);
    const { AuthenticationResult: second } = await refresh(first!.RefreshToken!);
    expect(second!.RefreshToken).toBeUndefined();
    const [before, after] = [decodeJwt(first!.IdToken!), decodeJwt(second!.IdToken!)];
    expect(after['auth_time']).toBe(before['auth_time']);
    expect(after['origin_jti']).toBe(before['origin_jti']);
    expect(after.exp).toBe(before.exp! + 7200);
  });

  it.each([
    ['signed out everywhere', () => test.client.send(new AdminUserGlobalSignOutCommand(names()))],
    ['disabled', () => test.client.send(new AdminDisableUserCommand(names()))],
    ['away for 31 days', () => test.clock.advance(31 * 86_400_000)],
  ])('ends when the user is %s', async (_when, happens) => {
    await test.confirmed(alice);
    const { AuthenticationResult: result } = await test.signIn(alice, goodPassword);
    await refresh(result!.RefreshToken!);
    await happens();
    await expect(refresh(result!.RefreshToken!)).rejects.toMatchObject({ name: 'NotAuthorizedException' });
  });

  it('is of no use to another client', async () => {
    await test.confirmed(alice);
    const { AuthenticationResult: result } = await test.signIn(alice, goodPassword);
    test.clientId = await test.createClient();
    await expect(refresh(result!.RefreshToken!)).rejects.toMatchObject({ name: 'NotAuthorizedException' });
  });
});

describe('a first sign-in', () => {
  it('demands a new password, and takes it once', async () => {
    const user = await test.invite(alice);
    const temporary = test.mailedPassword;
    const { Session, ChallengeParameters, AuthenticationResult } = await test.signIn(alice, temporary);
    expect(AuthenticationResult).toBeUndefined();
    expect(ChallengeParameters).toMatchObject({ USER_ID_FOR_SRP: user.Username, requiredAttributes: '[]' });
    expect(JSON.parse(ChallengeParameters!['userAttributes']!)).toEqual({ email: alice, email_verified: 'true' });
    const answered = await respond(Session);
    await verify(answered.AuthenticationResult!.IdToken!, test.clientId);
    await expect(respond(Session)).rejects.toMatchObject({ name: 'NotAuthorizedException' });
    await expect(test.signIn(alice, temporary)).rejects.toMatchObject(incorrect);
    expect(await test.signIn(alice, goodPassword)).toHaveProperty('AuthenticationResult.IdToken');
  });

  it('can be answered again after a password that was too weak', async () => {
    await test.invite(alice);
    const { Session } = await test.signIn(alice, test.mailedPassword);
    const weak = {
      'Ab1!': 'not long enough',
      'abcdefg1!': 'uppercase',
      'ABCDEFG1!': 'lowercase',
      'Abcdefgh!': 'numeric',
      Abcdefgh1: 'symbol',
    };
    for (const [NEW_PASSWORD, reason] of Object.entries(weak)) {
      const refused = { name: 'InvalidPasswordException', message: expect.stringContaining(reason) };
      await expect(respond(Session, { NEW_PASSWORD })).rejects.toMatchObject(refused);
    }
    expect(await respond(Session)).toHaveProperty('AuthenticationResult');
  });

  it('answered twice at once succeeds once', async () => {
    await test.invite(alice);
    const { Session } = await test.signIn(alice, test.mailedPassword);
    const answers = await Promise.allSettled([respond(Session), respond(Session, { NEW_PASSWORD: 'Another-one-8' })]);
    expect(answers.map(answer => answer.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('waits three minutes for the answer', async () => {
    await test.invite(alice);
    const { Session } = await test.signIn(alice, test.mailedPassword);
    await test.clock.advance(3 * 60_000 - 1);
    await expect(respond(Session, { NEW_PASSWORD: 'x' })).rejects.toMatchObject({ name: 'InvalidPasswordException' });
    await test.clock.advance(1);
    await expect(respond(Session)).rejects.toMatchObject({ message: expect.stringContaining('expired') });
  });

  it('is not answered for somebody else, nor with a session made up', async () => {
    await test.invite('bob@example.edu');
    await test.invite(alice);
    const { Session } = await test.signIn(alice, test.mailedPassword);
    for (const attempt of [
      () => respond(Session, { USERNAME: 'bob@example.edu' }),
      () => respond(Session, { USERNAME: 'nobody@example.edu' }),
      () => respond('made-up-made-up-made-up'),
      () => respond(undefined),
    ])
      await expect(attempt()).rejects.toMatchObject({ name: 'NotAuthorizedException' });
    const missing = respond(Session, { NEW_PASSWORD: '' });
    await expect(missing).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('is too late after seven days', async () => {
    await test.invite(alice);
    await test.clock.advance(7 * 86_400_000 - 1);
    expect(await test.signIn(alice, test.mailedPassword)).toHaveProperty('Session');
    await test.clock.advance(1);
    await expect(test.signIn(alice, test.mailedPassword)).rejects.toMatchObject({
      name: 'NotAuthorizedException',
      message: 'Temporary password has expired and must be reset by an administrator.',
    });
  });

  it('goes on after the process ended', async () => {
    await test.invite(alice);
    const { Session } = await test.signIn(alice, test.mailedPassword);
    await test.shut();
    await test.open();
    expect(await respond(Session)).toHaveProperty('AuthenticationResult');
  });
});

describe('signing in is refused', () => {
  it('alike for a wrong password and for nobody, where the client hides who there is', async () => {
    await test.confirmed(alice);
    await expect(test.signIn(alice, 'wrong')).rejects.toMatchObject(incorrect);
    await expect(test.signIn('nobody@example.edu', 'wrong')).rejects.toMatchObject(incorrect);
    test.clientId = await test.createClient({ PreventUserExistenceErrors: 'LEGACY' });
    await expect(test.signIn('nobody@example.edu', 'x')).rejects.toMatchObject({ name: 'UserNotFoundException' });
  });

  it('once the password was reset', async () => {
    await test.confirmed(alice);
    await test.client.send(new AdminResetUserPasswordCommand(names()));
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject({ name: 'PasswordResetRequiredException' });
    await expect(test.signIn(alice, 'wrong')).rejects.toMatchObject(incorrect);
  });

  it('for a second after five wrong passwords, then twice as long each time', async () => {
    await test.confirmed(alice);
    for (let time = 0; time < 5; time++) await expect(test.signIn(alice, 'wrong')).rejects.toMatchObject(incorrect);
    const locked = { name: 'NotAuthorizedException', message: 'Password attempts exceeded' };
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject(locked);
    await test.clock.advance(1_000);
    await expect(test.signIn(alice, 'wrong')).rejects.toMatchObject(incorrect);
    await test.clock.advance(1_999);
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject(locked);
    await test.clock.advance(1);
    expect(await test.signIn(alice, goodPassword)).toHaveProperty('AuthenticationResult');
  });

  it('in a flow that the client does not allow', async () => {
    const AuthParameters = { USERNAME: alice, PASSWORD: goodPassword };
    await test.confirmed(alice);
    const direct = () =>
      test.client.send(
        new InitiateAuthCommand({ ClientId: test.clientId, AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters }),
      );
    const notEnabled = { name: 'InvalidParameterException', message: 'Auth flow not enabled for this client' };
    await expect(direct()).rejects.toMatchObject(notEnabled);
    test.clientId = await test.createClient({ ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'] });
    expect(await direct()).toHaveProperty('AuthenticationResult.IdToken');
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject(notEnabled);
    await expect(refresh('x')).rejects.toMatchObject(notEnabled);
  });

  it('without the secret hash where the client has a secret', async () => {
    await test.confirmed(alice);
    test.clientId = await test.createClient({ GenerateSecret: true });
    const describe = new DescribeUserPoolClientCommand({ UserPoolId: test.poolId, ClientId: test.clientId });
    const secret = (await test.client.send(describe)).UserPoolClient!.ClientSecret!;
    const SECRET_HASH = createHmac('sha256', secret).update(`${alice}${test.clientId}`).digest('base64');
    const refused = { name: 'NotAuthorizedException', message: expect.stringContaining(test.clientId) };
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject(refused);
    await expect(test.signIn(alice, goodPassword, { SECRET_HASH: 'AAAA' })).rejects.toMatchObject(refused);
    expect(await test.signIn(alice, goodPassword, { SECRET_HASH })).toHaveProperty('AuthenticationResult');
  });

  it('when unsigned calls come too often', async () => {
    const attempt = () => test.client.send(new InitiateAuthCommand({ ClientId: 'x', AuthFlow: 'USER_PASSWORD_AUTH' }));
    for (let time = 0; time < 120; time++)
      await expect(attempt()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(attempt()).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    await test.clock.advance(10);
    await expect(attempt()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('by a client of another pool, or for want of a name', async () => {
    await expect(test.signIn('', goodPassword)).rejects.toMatchObject({ name: 'InvalidParameterException' });
    test.poolId = await test.createPool();
    await expect(test.signIn(alice, goodPassword)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
