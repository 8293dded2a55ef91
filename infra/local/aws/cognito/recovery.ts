import { randomInt, timingSafeEqual } from 'node:crypto';
import type * as cognito from '@aws-sdk/client-cognito-identity-provider';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import { checkSecret, hidesUsers } from './clients.ts';
import { invalidParameter, limitExceeded, notAuthorized, userNotFound } from './errors.ts';
import { TokenBucket } from './limits.ts';
import { checkMailQuota, maskAddress, sendCode } from './mails.ts';
import { checkPassword, hashPassword } from './passwords.ts';
import { type ClientRecord, type PoolRecord, type UserRecord, userKey } from './records.ts';
import type { UserParts } from './users.ts';

/** Calls a second that each unsigned operation of recovery takes. Source: Cognito quotas, UserAccountRecovery. */
const recoveriesPerSecond = 30;
const hourMilliseconds = 3_600_000;
/** How long a code holds. Source: Cognito quotas, "validity of password reset code". */
const codeMilliseconds = hourMilliseconds;
/** Codes that a user can ask for in an hour, and wrong ones before the code is dead; AWS says 5 to 20, by the risk. */
const attemptsLimit = 5;

/** A password that is forgotten, or that an administrator has made forgotten. */
export class Recovery {
  readonly operations: Operations;
  readonly #parts: UserParts;

  constructor(parts: UserParts) {
    this.#parts = parts;
    const requests = new TokenBucket(parts.state.clock, recoveriesPerSecond);
    const confirmations = new TokenBucket(parts.state.clock, recoveriesPerSecond);
    this.operations = {
      ForgotPassword: (input: cognito.ForgotPasswordRequest) => {
        requests.take();
        return this.#forgot(input);
      },
      ConfirmForgotPassword: (input: cognito.ConfirmForgotPasswordRequest) => {
        confirmations.take();
        return this.#confirm(input);
      },
      AdminResetUserPassword: (input: cognito.AdminResetUserPasswordRequest) => this.#reset(input),
    };
  }

  #forgot(input: cognito.ForgotPasswordRequest): cognito.ForgotPasswordResponse {
    const { client, pool, name } = this.#caller(input);
    const user = this.#parts.directory.find(pool, name);
    // To who may not know the users, one that is missing, disabled or without an address looks like any other.
    if (hidesUsers(client) && (!user?.enabled || !mayBeMailed(user))) return delivery(name);
    if (!user) throw userNotFound('Username/client id combination not found.');
    if (!user.enabled) throw notAuthorized('User is disabled.');
    return delivery(this.#mailCode(pool, user, user.status).attributes['email'] ?? '');
  }

  #reset(input: cognito.AdminResetUserPasswordRequest): object {
    const pool = this.#parts.pools.pool(input.UserPoolId);
    this.#mailCode(pool, this.#parts.directory.user(pool.id, input.Username), 'RESET_REQUIRED');
    return {};
  }

  #mailCode(pool: PoolRecord, user: UserRecord, status: UserRecord['status']): UserRecord {
    const { outbox, state } = this.#parts;
    if (user.status === 'FORCE_CHANGE_PASSWORD')
      throw notAuthorized('User password cannot be reset in the current state.');
    if (!mayBeMailed(user))
      throw invalidParameter(
        'Cannot reset password for the user as there is no registered/verified email or phone_number',
      );
    const now = state.clock.now();
    const recent = (user.codesAskedAt ?? []).filter(at => now - at < hourMilliseconds);
    if (recent.length >= attemptsLimit) throw attemptsExceeded();
    checkMailQuota(outbox, pool);
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    return state.atomically(() => {
      sendCode(outbox, pool, user, code);
      const resetCode = { code, expiresAt: now + codeMilliseconds, failures: 0 };
      return this.#parts.directory.put({ ...user, status, resetCode, codesAskedAt: [...recent, now] });
    });
  }

  async #confirm(input: cognito.ConfirmForgotPasswordRequest): Promise<cognito.ConfirmForgotPasswordResponse> {
    const { client, pool, name } = this.#caller(input);
    const found = this.#parts.directory.find(pool, name);
    if (!found?.enabled && hidesUsers(client)) throw codeMismatch();
    if (!found) throw userNotFound('Username/client id combination not found.');
    if (!found.enabled) throw notAuthorized('User is disabled.');
    const key = userKey(found);
    this.#checkCode(found, input.ConfirmationCode ?? '');
    checkPassword(input.Password ?? '', pool.policy);
    const password = await hashPassword(input.Password ?? '');
    this.#parts.directory.change(key, user => {
      // Compared once more: of two that come at once, only one uses the code up.
      this.#checkCode(user, input.ConfirmationCode ?? '');
      return { ...user, password, status: 'CONFIRMED', resetCode: undefined, codesAskedAt: [] };
    });
    return {};
  }

  #checkCode(user: UserRecord, given: string): void {
    const reset = user.resetCode;
    if (!reset || reset.expiresAt <= this.#parts.state.clock.now())
      throw new AwsError('ExpiredCodeException', 'Invalid code provided, please request a code again.');
    if (reset.failures >= attemptsLimit) throw attemptsExceeded();
    const [expected, actual] = [Buffer.from(reset.code), Buffer.from(given)];
    if (expected.length === actual.length && timingSafeEqual(expected, actual)) return;
    this.#parts.directory.put({ ...user, resetCode: { ...reset, failures: reset.failures + 1 } });
    throw codeMismatch();
  }

  #caller(input: {
    readonly ClientId?: string | undefined;
    readonly Username?: string | undefined;
    readonly SecretHash?: string | undefined;
  }): { readonly client: ClientRecord; readonly pool: PoolRecord; readonly name: string } {
    const client = this.#parts.pools.client(input.ClientId);
    const name = input.Username ?? '';
    if (name === '') throw invalidParameter('Missing required parameter Username');
    checkSecret(client, name, input.SecretHash);
    return { client, pool: this.#parts.pools.pool(client.poolId), name };
  }
}

function mayBeMailed(user: UserRecord): boolean {
  return Boolean(user.attributes['email']) && user.attributes['email_verified'] === 'true';
}

function delivery(address: string): cognito.ForgotPasswordResponse {
  const Destination = maskAddress(address);
  return { CodeDeliveryDetails: { Destination, DeliveryMedium: 'EMAIL', AttributeName: 'email' } };
}

function codeMismatch(): AwsError {
  return new AwsError('CodeMismatchException', 'Invalid verification code provided, please try again.');
}

function attemptsExceeded(): AwsError {
  return limitExceeded('Attempt limit exceeded, please try after some time.');
}
