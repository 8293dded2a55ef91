import { randomBytes } from 'node:crypto';
import type * as cognito from '@aws-sdk/client-cognito-identity-provider';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { Table } from '../state.ts';
import { checkFlow, checkSecret, hidesUsers, required } from './clients.ts';
import { readAttributes } from './directory.ts';
import { incorrectPassword, invalidParameter, notAuthorized, userNotFound } from './errors.ts';
import { Lockout, TokenBucket } from './limits.ts';
import { checkPassword, hashPassword, isPassword } from './passwords.ts';
import { type ClientRecord, type PoolRecord, type UserRecord, userKey } from './records.ts';
import type { UserParts } from './users.ts';

/** Calls a second that each unsigned operation of signing in takes. Source: Cognito quotas, UserAuthentication. */
const authenticationsPerSecond = 120;
const minuteMilliseconds = 60_000;
const challenge = 'NEW_PASSWORD_REQUIRED';
const attributePrefix = 'userAttributes.';

/** A first sign-in that waits for the new password. */
interface SessionRecord {
  readonly id: string;
  readonly user: string;
  readonly clientId: string;
  readonly expiresAt: number;
}

type Parameters = Readonly<Record<string, string>> | undefined;

/** Signing in: with a password, with the new one that a temporary one demands, with a refresh token. */
export class SignIn {
  readonly operations: Operations;
  readonly #parts: UserParts;
  readonly #sessions: Table<SessionRecord>;
  readonly #lockout: Lockout;

  constructor(parts: UserParts) {
    this.#parts = parts;
    const { state, pools } = parts;
    this.#sessions = state.table('cognito-session');
    this.#lockout = new Lockout(state.clock);
    const initiations = new TokenBucket(state.clock, authenticationsPerSecond);
    const responses = new TokenBucket(state.clock, authenticationsPerSecond);
    this.operations = {
      AdminInitiateAuth: (input: cognito.AdminInitiateAuthRequest) => {
        const pool = pools.pool(input.UserPoolId);
        return this.#initiate(pool, pools.client(input.ClientId, pool.id), input);
      },
      AdminRespondToAuthChallenge: (input: cognito.AdminRespondToAuthChallengeRequest) => {
        const pool = pools.pool(input.UserPoolId);
        return this.#respond(pool, pools.client(input.ClientId, pool.id), input);
      },
      InitiateAuth: (input: cognito.InitiateAuthRequest) => {
        initiations.take();
        if (input.AuthFlow?.startsWith('ADMIN_')) throw invalidParameter('Initiate Auth method not supported.');
        const client = pools.client(input.ClientId);
        return this.#initiate(pools.pool(client.poolId), client, input);
      },
      RespondToAuthChallenge: (input: cognito.RespondToAuthChallengeRequest) => {
        responses.take();
        const client = pools.client(input.ClientId);
        return this.#respond(pools.pool(client.poolId), client, input);
      },
    };
  }

  async #initiate(
    pool: PoolRecord,
    client: ClientRecord,
    input: { readonly AuthFlow?: cognito.AuthFlowType | undefined; readonly AuthParameters?: Parameters },
  ): Promise<cognito.AdminInitiateAuthResponse> {
    switch (input.AuthFlow) {
      case 'ADMIN_NO_SRP_AUTH':
      case 'ADMIN_USER_PASSWORD_AUTH':
        checkFlow(client, 'ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ADMIN_NO_SRP_AUTH');
        return this.#withPassword(pool, client, input.AuthParameters);
      case 'USER_PASSWORD_AUTH':
        checkFlow(client, 'ALLOW_USER_PASSWORD_AUTH', 'USER_PASSWORD_AUTH');
        return this.#withPassword(pool, client, input.AuthParameters);
      case 'REFRESH_TOKEN':
      case 'REFRESH_TOKEN_AUTH':
        checkFlow(client, 'ALLOW_REFRESH_TOKEN_AUTH');
        return this.#withRefreshToken(pool, client, input.AuthParameters);
      default:
        throw invalidParameter(`${input.AuthFlow} is not available here`);
    }
  }

  async #withPassword(
    pool: PoolRecord,
    client: ClientRecord,
    parameters: Parameters,
  ): Promise<cognito.AdminInitiateAuthResponse> {
    const name = required(parameters, 'USERNAME');
    const password = required(parameters, 'PASSWORD');
    checkSecret(client, name, parameters?.['SECRET_HASH']);
    const found = this.#parts.directory.find(pool, name);
    if (!found && !hidesUsers(client)) throw userNotFound();
    const key = found ? userKey(found) : '';
    if (found) this.#lockout.check(key);
    // Asked even when there is nobody, so that the time taken tells nothing.
    const right = await isPassword(password, found?.password);
    const user = this.#parts.directory.get(key);
    if (!user || !right) {
      if (user) this.#lockout.failed(key);
      throw incorrectPassword();
    }
    this.#lockout.succeeded(key);
    return this.#admit(pool, client, user);
  }

  /** What somebody with the right password gets: tokens, a challenge or the reason why not. */
  async #admit(pool: PoolRecord, client: ClientRecord, user: UserRecord): Promise<cognito.AdminInitiateAuthResponse> {
    if (!user.enabled) throw notAuthorized('User is disabled.');
    if (user.status === 'UNCONFIRMED') throw new AwsError('UserNotConfirmedException', 'User is not confirmed.');
    if (user.status === 'RESET_REQUIRED')
      throw new AwsError('PasswordResetRequiredException', 'Password reset required for the user');
    if (user.status !== 'FORCE_CHANGE_PASSWORD')
      return { ChallengeParameters: {}, AuthenticationResult: await this.#parts.tokens.signIn(pool, client, user) };
    if ((user.temporaryUntil ?? 0) <= this.#now())
      throw notAuthorized('Temporary password has expired and must be reset by an administrator.');
    const { sub: _, ...attributes } = user.attributes;
    return {
      ChallengeName: challenge,
      Session: this.#openSession(client, user),
      ChallengeParameters: {
        USER_ID_FOR_SRP: user.username,
        requiredAttributes: '[]',
        userAttributes: JSON.stringify(attributes),
      },
    };
  }

  #openSession(client: ClientRecord, user: UserRecord): string {
    const now = this.#now();
    for (const session of this.#sessions.all()) if (session.expiresAt <= now) this.#sessions.delete(session.id);
    const id = randomBytes(96).toString('base64url');
    const expiresAt = now + (client.settings.AuthSessionValidity ?? 3) * minuteMilliseconds;
    this.#sessions.put(id, { id, user: userKey(user), clientId: client.id, expiresAt });
    return id;
  }

  async #withRefreshToken(
    pool: PoolRecord,
    client: ClientRecord,
    parameters: Parameters,
  ): Promise<cognito.AdminInitiateAuthResponse> {
    const token = required(parameters, 'REFRESH_TOKEN');
    const hash = parameters?.['SECRET_HASH'];
    const { directory, tokens } = this.#parts;
    const AuthenticationResult = await tokens.refresh(pool, client, token, key => {
      const user = directory.get(key);
      // Made with the user name here, for no name is sent along.
      if (user) checkSecret(client, user.username, hash);
      return user?.enabled ? user : undefined;
    });
    return { ChallengeParameters: {}, AuthenticationResult };
  }

  async #respond(
    pool: PoolRecord,
    client: ClientRecord,
    input: {
      readonly ChallengeName?: cognito.ChallengeNameType | undefined;
      readonly ChallengeResponses?: Parameters;
      readonly Session?: string | undefined;
    },
  ): Promise<cognito.AdminRespondToAuthChallengeResponse> {
    if (input.ChallengeName !== challenge) throw invalidParameter(`${input.ChallengeName} is not available here`);
    const name = required(input.ChallengeResponses, 'USERNAME');
    const newPassword = required(input.ChallengeResponses, 'NEW_PASSWORD');
    checkSecret(client, name, input.ChallengeResponses?.['SECRET_HASH']);
    const { key } = this.#session(pool, client, name, input.Session);
    checkPassword(newPassword, pool.policy);
    const attributes = readAttributes(pool, attributesIn(input.ChallengeResponses));
    const password = await hashPassword(newPassword);
    // Looked up again: of two answers to one challenge, the second finds it used.
    const { id } = this.#session(pool, client, name, input.Session);
    const user = this.#parts.state.atomically(() => {
      this.#sessions.delete(id);
      return this.#parts.directory.change(key, before => ({
        ...before,
        attributes: { ...before.attributes, ...attributes },
        password,
        status: 'CONFIRMED',
        temporaryUntil: undefined,
      }));
    });
    return { ChallengeParameters: {}, AuthenticationResult: await this.#parts.tokens.signIn(pool, client, user) };
  }

  #session(pool: PoolRecord, client: ClientRecord, name: string, id: string | undefined) {
    const session = this.#sessions.get(id ?? '');
    const user = this.#parts.directory.find(pool, name);
    if (!session || !user || session.user !== userKey(user) || session.clientId !== client.id)
      throw notAuthorized('Invalid session for the user.');
    if (session.expiresAt <= this.#now()) throw notAuthorized('Invalid session for the user, session is expired.');
    if (!user.enabled) throw notAuthorized('User is disabled.');
    if (user.status !== 'FORCE_CHANGE_PASSWORD') throw notAuthorized('Invalid session for the user.');
    return { id: session.id, key: userKey(user) };
  }

  #now(): number {
    return this.#parts.state.clock.now();
  }
}

function attributesIn(responses: Parameters): { Name: string; Value: string }[] {
  return Object.entries(responses ?? {})
    .filter(([name]) => name.startsWith(attributePrefix))
    .map(([name, Value]) => ({ Name: name.slice(attributePrefix.length), Value }));
}
