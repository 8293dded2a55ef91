import {
  AdminAddUserToGroupCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetGroupCommand,
  ListGroupsCommand,
  ListUserPoolClientsCommand,
  ListUserPoolsCommand,
  ListUsersInGroupCommand,
  UpdateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestPool } from './pool.ts';

let test: TestPool;
const notFound = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 400 } };

beforeEach(async () => {
  test = await TestPool.start();
});
afterEach(() => test.stop());

describe('a user pool', () => {
  it('is described with its settings and the policy it did not name', async () => {
    const { UserPool } = await test.client.send(new DescribeUserPoolCommand({ UserPoolId: test.poolId }));
    expect(UserPool).toMatchObject({
      Id: expect.stringMatching(/^us-east-1_[A-Za-z0-9]{9}$/),
      Name: 'armada',
      UsernameAttributes: ['email'],
      Arn: `arn:aws:cognito-idp:us-east-1:000000000000:userpool/${test.poolId}`,
      Policies: { PasswordPolicy: { MinimumLength: 8, RequireSymbols: true, TemporaryPasswordValidityDays: 7 } },
      EstimatedNumberOfUsers: 0,
      CreationDate: new Date(test.clock.now()),
    });
    expect(JSON.stringify(UserPool)).not.toContain('"kty"');
  });

  it('is changed as a whole: what is not given goes back to its default, and its users’ names stay', async () => {
    const { client, poolId: UserPoolId } = test;
    const EmailMessage = 'At https://class.example.edu: {username} {####}';
    const AdminCreateUserConfig = { InviteMessageTemplate: { EmailMessage } };
    await client.send(new UpdateUserPoolCommand({ UserPoolId, AdminCreateUserConfig }));
    const { UserPool } = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
    expect(UserPool).toMatchObject({ Name: 'armada', UsernameAttributes: ['email'], AdminCreateUserConfig });
    await client.send(new UpdateUserPoolCommand({ UserPoolId }));
    const again = await client.send(new DescribeUserPoolCommand({ UserPoolId }));
    expect(again.UserPool?.AdminCreateUserConfig).toBeUndefined();
    const wrong = { InviteMessageTemplate: { EmailMessage: 'no password' } };
    const refused = new UpdateUserPoolCommand({ UserPoolId, AdminCreateUserConfig: wrong });
    await expect(client.send(refused)).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(client.send(new UpdateUserPoolCommand({ UserPoolId: 'us-east-1_none' }))).rejects.toMatchObject(
      notFound,
    );
  });

  it('is listed, page by page', async () => {
    const ids = [test.poolId];
    for (let index = 0; index < 6; index++) ids.push(await test.createPool({ PoolName: `p${index}` }));
    test.state.consistency.shuffled = true;
    const found: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await test.client.send(new ListUserPoolsCommand({ MaxResults: 2, NextToken }));
      found.push(...page.UserPools!.map(pool => pool.Id));
      NextToken = page.NextToken;
    } while (NextToken);
    expect(found.toSorted()).toEqual(ids.toSorted());
  });

  it.each([
    ['without a name', { PoolName: '' }],
    [
      'with an invitation that lacks the password',
      {
        AdminCreateUserConfig: { InviteMessageTemplate: { EmailMessage: 'Hello {username}' } },
      },
    ],
    ['with both usernames and aliases by e-mail', { AliasAttributes: ['email' as const] }],
    ['with too short a password', { Policies: { PasswordPolicy: { MinimumLength: 3 } } }],
  ])('is refused %s', async (_what, settings) => {
    const command = new CreateUserPoolCommand({ PoolName: 'x', UsernameAttributes: ['email'], ...settings });
    await expect(test.client.send(command)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('that is not there is told apart in every operation', async () => {
    const UserPoolId = 'us-east-1_nothing';
    for (const call of [
      () => test.client.send(new DescribeUserPoolCommand({ UserPoolId })),
      () => test.client.send(new CreateUserPoolClientCommand({ UserPoolId, ClientName: 'x' })),
      () => test.client.send(new ListGroupsCommand({ UserPoolId })),
      () => test.client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId: test.clientId })),
    ])
      await expect(call()).rejects.toMatchObject(notFound);
  });
});

describe('a client', () => {
  it('is described, with a secret only if one was asked for', async () => {
    const UserPoolId = test.poolId;
    const secret = await test.createClient({ GenerateSecret: true });
    const described = async (ClientId: string) =>
      (await test.client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }))).UserPoolClient!;
    expect((await described(secret)).ClientSecret).toMatch(/.{40}/);
    expect(await described(test.clientId)).toMatchObject({
      ClientName: 'app',
      UserPoolId,
      PreventUserExistenceErrors: 'ENABLED',
      AuthSessionValidity: 3,
    });
    expect((await described(test.clientId)).ClientSecret).toBeUndefined();
    const { UserPoolClients } = await test.client.send(new ListUserPoolClientsCommand({ UserPoolId, MaxResults: 60 }));
    expect(UserPoolClients!.map(client => client.ClientId).toSorted()).toEqual([secret, test.clientId].toSorted());
  });

  it('belongs to one pool only', async () => {
    const UserPoolId = await test.createPool();
    const other = new DescribeUserPoolClientCommand({ UserPoolId, ClientId: test.clientId });
    await expect(test.client.send(other)).rejects.toMatchObject(notFound);
  });
});

describe('a group', () => {
  const group = () => ({ UserPoolId: test.poolId, GroupName: 'instructor' });

  it('is made once, read and listed', async () => {
    await test.client.send(new CreateGroupCommand({ ...group(), Description: 'They teach' }));
    await expect(test.client.send(new CreateGroupCommand(group()))).rejects.toMatchObject({
      name: 'GroupExistsException',
    });
    const { Group } = await test.client.send(new GetGroupCommand(group()));
    expect(Group).toMatchObject({ ...group(), Description: 'They teach' });
    const { Groups } = await test.client.send(new ListGroupsCommand({ UserPoolId: test.poolId }));
    expect(Groups!.map(it => it.GroupName)).toEqual(['instructor']);
  });

  it('has the users that were added, once, until they are removed', async () => {
    const names = { ...group(), Username: 'eve@example.edu' };
    await test.invite(names.Username);
    await expect(test.client.send(new AdminAddUserToGroupCommand(names))).rejects.toMatchObject(notFound);
    await test.client.send(new CreateGroupCommand(group()));
    const nobody = new AdminAddUserToGroupCommand({ ...names, Username: 'nobody@example.edu' });
    await expect(test.client.send(nobody)).rejects.toMatchObject({ name: 'UserNotFoundException' });
    for (let time = 0; time < 2; time++) await test.client.send(new AdminAddUserToGroupCommand(names));
    const { Groups } = await test.client.send(new AdminListGroupsForUserCommand(names));
    expect(Groups!.map(it => it.GroupName)).toEqual(['instructor']);
    const members = async () => (await test.client.send(new ListUsersInGroupCommand(group()))).Users!.length;
    expect(await members()).toBe(1);
    for (let time = 0; time < 2; time++) await test.client.send(new AdminRemoveUserFromGroupCommand(names));
    expect(await members()).toBe(0);
  });
});
