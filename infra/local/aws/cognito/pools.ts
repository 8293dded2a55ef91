import { randomBytes, randomInt } from 'node:crypto';
import type * as cognito from '@aws-sdk/client-cognito-identity-provider';
import type { Operations } from '../endpoint.ts';
import { page } from '../paging.ts';
import type { State, Table } from '../state.ts';
import { invalidParameter, resourceNotFound } from './errors.ts';
import { defaultPolicy, type PasswordPolicy } from './passwords.ts';
import { type ClientRecord, describeClient, describePool, type PoolRecord } from './records.ts';
import { generateSigningKey } from './tokens.ts';

/** Cognito's largest page of any list. */
export const largestPage = 60;

const idAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const clientIdAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** What a client may do when it names no flows. Source: CreateUserPoolClient, ExplicitAuthFlows. */
const defaultFlows = ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_CUSTOM_AUTH'] as const;

/** The user pools and their clients. */
export class Pools {
  readonly operations: Operations;
  readonly #state: State;
  readonly #region: string;
  readonly #pools: Table<PoolRecord>;
  readonly #clients: Table<ClientRecord>;
  readonly #countUsers: (poolId: string) => number;

  constructor(options: { state: State; region: string; accountId: string; countUsers: (poolId: string) => number }) {
    this.#state = options.state;
    this.#region = options.region;
    this.#pools = options.state.table('cognito-pool');
    this.#clients = options.state.table('cognito-client');
    this.#countUsers = options.countUsers;
    this.operations = {
      CreateUserPool: (input: cognito.CreateUserPoolRequest) => this.#createPool(input, options.accountId),
      DescribeUserPool: (input: cognito.DescribeUserPoolRequest) => {
        const pool = this.pool(input.UserPoolId);
        return { UserPool: describePool(pool, this.#countUsers(pool.id)) };
      },
      UpdateUserPool: (input: cognito.UpdateUserPoolRequest) => this.#updatePool(input),
      ListUserPools: (input: cognito.ListUserPoolsRequest) => this.#listPools(input),
      CreateUserPoolClient: (input: cognito.CreateUserPoolClientRequest) => this.#createClient(input),
      DescribeUserPoolClient: (input: cognito.DescribeUserPoolClientRequest) => {
        const client = this.client(input.ClientId, this.pool(input.UserPoolId).id);
        return { UserPoolClient: describeClient(client) };
      },
      ListUserPoolClients: (input: cognito.ListUserPoolClientsRequest) => this.#listClients(input),
    };
  }

  /** The pool as it is, or ResourceNotFoundException. */
  pool(id: string | undefined): PoolRecord {
    const pool = this.find(id);
    if (!pool) throw resourceNotFound(`User pool ${id} does not exist.`);
    return pool;
  }

  /** The pool as it is, if it is. */
  find(id: string | undefined): PoolRecord | undefined {
    return this.#pools.get(id ?? '');
  }

  /** The client as it is, of that pool where one is named, or ResourceNotFoundException. */
  client(id: string | undefined, poolId?: string): ClientRecord {
    const client = this.#clients.get(id ?? '');
    if (!client || (poolId !== undefined && client.poolId !== poolId))
      throw resourceNotFound(`User pool client ${id} does not exist.`);
    return client;
  }

  async #createPool(input: cognito.CreateUserPoolRequest, accountId: string): Promise<cognito.CreateUserPoolResponse> {
    if (!input.PoolName || input.PoolName.length > 128)
      throw invalidParameter('PoolName must have 1 to 128 characters');
    checkInvitation(input);
    if (input.UsernameAttributes?.length && input.AliasAttributes?.length)
      throw invalidParameter('Only one of the aliasAttributes or usernameAttributes can be set in a user pool.');
    const policy = settlePolicy(input.Policies?.PasswordPolicy);
    const signingKey = await generateSigningKey();
    const id = `${this.#region}_${randomText(idAlphabet, 9)}`;
    const arn = `arn:aws:cognito-idp:${this.#region}:${accountId}:userpool/${id}`;
    const pool: PoolRecord = { id, arn, createdAt: this.#state.clock.now(), settings: input, policy, signingKey };
    return { UserPool: describePool(this.#pools.put(id, pool), 0) };
  }

  /** What is not given goes back to its default, but for what a pool is made with for good. */
  #updatePool({ UserPoolId, ...input }: cognito.UpdateUserPoolRequest): cognito.UpdateUserPoolResponse {
    const pool = this.pool(UserPoolId);
    checkInvitation(input);
    const policy = settlePolicy(input.Policies?.PasswordPolicy);
    const { PoolName, UsernameAttributes, AliasAttributes, Schema, UsernameConfiguration } = pool.settings;
    const settings = { PoolName, UsernameAttributes, AliasAttributes, Schema, UsernameConfiguration, ...input };
    this.#pools.put(pool.id, { ...pool, settings, policy });
    return {};
  }

  #listPools(input: cognito.ListUserPoolsRequest): cognito.ListUserPoolsResponse {
    const { items, token } = cutList(this.#pools.seenAll(), pool => pool.id, input.MaxResults, input.NextToken);
    const UserPools = items.map(({ id, settings, createdAt }) => {
      const date = new Date(createdAt);
      return { Id: id, Name: settings.PoolName, CreationDate: date, LastModifiedDate: date };
    });
    return { UserPools, NextToken: token };
  }

  #createClient(input: cognito.CreateUserPoolClientRequest): cognito.CreateUserPoolClientResponse {
    const pool = this.pool(input.UserPoolId);
    if (!input.ClientName || input.ClientName.length > 128)
      throw invalidParameter('ClientName must have 1 to 128 characters');
    const session = input.AuthSessionValidity ?? 3;
    if (session < 3 || session > 15) throw invalidParameter('AuthSessionValidity must be 3 to 15 minutes');
    const settings: cognito.CreateUserPoolClientRequest = {
      ...input,
      ExplicitAuthFlows: input.ExplicitAuthFlows ?? [...defaultFlows],
      AuthSessionValidity: session,
      RefreshTokenValidity: input.RefreshTokenValidity || 30,
      EnableTokenRevocation: input.EnableTokenRevocation ?? true,
    };
    const secret = input.ClientSecret ?? (input.GenerateSecret ? randomBytes(39).toString('base64url') : undefined);
    const id = randomText(clientIdAlphabet, 26);
    const client: ClientRecord = { id, poolId: pool.id, secret, createdAt: this.#state.clock.now(), settings };
    return { UserPoolClient: describeClient(this.#clients.put(id, client)) };
  }

  #listClients(input: cognito.ListUserPoolClientsRequest): cognito.ListUserPoolClientsResponse {
    const pool = this.pool(input.UserPoolId);
    const found = this.#clients.seenAll().filter(client => client.poolId === pool.id);
    const { items, token } = cutList(found, client => client.id, input.MaxResults, input.NextToken);
    const UserPoolClients = items.map(({ id, settings }) => ({
      ClientId: id,
      UserPoolId: pool.id,
      ClientName: settings.ClientName,
    }));
    return { UserPoolClients, NextToken: token };
  }
}

/** One page of a list of Cognito's, or InvalidParameterException for a limit or a token that is not one. */
export function cutList<T>(
  found: readonly T[],
  idOf: (item: T) => string,
  limit: number | undefined,
  token: string | undefined,
) {
  if (limit !== undefined && (limit < 0 || limit > largestPage))
    throw invalidParameter(`limit must be 1 to ${largestPage}`);
  const result = page(found, idOf, limit || largestPage, token);
  if (!result) throw invalidParameter('Invalid pagination token.');
  return result;
}

function checkInvitation(input: Pick<cognito.CreateUserPoolRequest, 'AdminCreateUserConfig'>): void {
  const { EmailMessage } = input.AdminCreateUserConfig?.InviteMessageTemplate ?? {};
  if (EmailMessage !== undefined && !(EmailMessage.includes('{username}') && EmailMessage.includes('{####}')))
    throw invalidParameter('EmailMessage of the InviteMessageTemplate must contain {username} and {####}');
}

function settlePolicy(policy: cognito.PasswordPolicyType | undefined): PasswordPolicy {
  if (!policy) return defaultPolicy;
  const { MinimumLength = 8 } = policy;
  if (MinimumLength < 6 || MinimumLength > 99) throw invalidParameter('MinimumLength must be 6 to 99');
  return {
    MinimumLength,
    RequireUppercase: policy.RequireUppercase ?? false,
    RequireLowercase: policy.RequireLowercase ?? false,
    RequireNumbers: policy.RequireNumbers ?? false,
    RequireSymbols: policy.RequireSymbols ?? false,
    TemporaryPasswordValidityDays: policy.TemporaryPasswordValidityDays || defaultPolicy.TemporaryPasswordValidityDays,
  };
}

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}
