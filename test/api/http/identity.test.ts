import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIdentity, type Identity } from '../../../api/http/identity.ts';
import { startTestAws, type TestAws } from '../../support/local-aws.ts';

let aws: TestAws;
let identity: Identity;
let issuer: string;
const email = 'grace@school.example';
beforeAll(async () => {
  aws = await startTestAws({ instructor: { email, password: 'Temporary-1' } });
  issuer = `${aws.aws.url}/${aws.ground.userPoolId}`;
  identity = createIdentity({ ...aws.ground, issuer }, aws.clients.cognito);
});
afterAll(() => aws.close());

/** The last mail's text. */
const mailed = () => aws.aws.cognito.outbox.list().find(mail => mail.to === email)!.text;

test('a mailed password is replaced, and then proves who one is, with groups', async () => {
  const first = await identity.signIn(email, 'Temporary-1');
  expect(first.outcome).toBe('new-password');
  const challenge = first.outcome === 'new-password' ? first.challenge : '';
  expect(await identity.setNewPassword(email, challenge, 'short')).toEqual({ outcome: 'weak-password' });
  const again = await identity.signIn(email, 'Temporary-1');
  const fresh = again.outcome === 'new-password' ? again.challenge : '';
  const done = await identity.setNewPassword(email, fresh, 'Correct-horse-7');
  expect(done).toEqual({ outcome: 'proved', proved: { email, name: undefined, groups: ['instructor'] } });
  expect((await identity.signIn(email, 'Correct-horse-7')).outcome).toBe('proved');
});

test('a wrong password and an unknown address are refused alike', async () => {
  expect(await identity.signIn(email, 'wrong')).toEqual({ outcome: 'refused' });
  expect(await identity.signIn('nobody@school.example', 'wrong')).toEqual({ outcome: 'refused' });
  expect(await identity.signIn('not an address', 'wrong')).toEqual({ outcome: 'refused' });
  expect(await identity.setNewPassword(email, 'not-a-challenge-of-ours-xxxxxxxx', 'Correct-horse-8')).toEqual({
    outcome: 'expired',
  });
});

test('a code by mail sets a new password; nobody learns whether an address is known', async () => {
  expect(await identity.sendCode(email)).toBe('sent');
  expect(await identity.sendCode('nobody@school.example')).toBe('sent');
  const code = /\b\d{6}\b/.exec(mailed())![0];
  const other = code === '000000' ? '000001' : '000000';
  expect(await identity.resetPassword(email, other, 'Correct-horse-9')).toBe('refused');
  expect(await identity.resetPassword(email, code, 'Correct-horse-9')).toBe('set');
  expect((await identity.signIn(email, 'Correct-horse-9')).outcome).toBe('proved');
});

test('an account whose address is not verified proves nothing', async () => {
  const Username = 'mallory@school.example';
  await aws.clients.cognito.send(
    new AdminCreateUserCommand({
      UserPoolId: aws.ground.userPoolId,
      Username,
      TemporaryPassword: 'Temporary-1',
      MessageAction: 'SUPPRESS',
      UserAttributes: [
        { Name: 'email', Value: Username },
        { Name: 'email_verified', Value: 'false' },
      ],
    }),
  );
  const first = await identity.signIn(Username, 'Temporary-1');
  const challenge = first.outcome === 'new-password' ? first.challenge : '';
  expect(await identity.setNewPassword(Username, challenge, 'Correct-horse-7')).toEqual({ outcome: 'refused' });
});

test('a token of another issuer or for another client is not believed', async () => {
  const elsewhere = createIdentity({ ...aws.ground, issuer: `${issuer}x` }, aws.clients.cognito);
  await expect(elsewhere.signIn(email, 'Correct-horse-9')).rejects.toThrow();
});

test('a pool that can’t be reached is said to be away', async () => {
  const client = new CognitoIdentityProviderClient({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: aws.credentials,
    maxAttempts: 1,
  });
  await expect(createIdentity({ ...aws.ground, issuer }, client).signIn(email, 'x')).rejects.toMatchObject({
    status: 503,
    retryAfter: 5,
  });
});

test('an account that was disabled by hand is refused', async () => {
  await aws.clients.cognito.send(new AdminDisableUserCommand({ UserPoolId: aws.ground.userPoolId, Username: email }));
  expect(await identity.signIn(email, 'Correct-horse-9')).toEqual({ outcome: 'refused' });
});
