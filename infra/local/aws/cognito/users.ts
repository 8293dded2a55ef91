import { randomUUID } from 'node:crypto';
import type * as cognito from '@aws-sdk/client-cognito-identity-provider';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { State } from '../state.ts';
import { type Directory, folding, isEmail, readAttributes } from './directory.ts';
import { invalidParameter, userNotFound } from './errors.ts';
import { matches, parseFilter } from './filter.ts';
import { checkMailQuota, sendInvitation } from './mails.ts';
import type { Outbox } from './outbox.ts';
import { checkPassword, generatePassword, hashPassword } from './passwords.ts';
import { cutList, type Pools } from './pools.ts';
import { attributesOf, describeUser, type PoolRecord, type UserRecord, userKey } from './records.ts';
import type { Tokens } from './tokens.ts';

const dayMilliseconds = 86_400_000;
const usernamePattern = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u;

/** What the parts of Cognito that deal with users are given. */
export interface UserParts {
  readonly state: State;
  readonly pools: Pools;
  readonly directory: Directory;
  readonly outbox: Outbox;
  readonly tokens: Tokens;
}

/** What an administrator does with users: the signed operations. */
export class Users {
  readonly operations: Operations;
  readonly #parts: UserParts;

  constructor(parts: UserParts) {
    this.#parts = parts;
    const { directory, tokens } = parts;
    const find = (input: { UserPoolId?: string; Username?: string }) =>
      directory.user(input.UserPoolId, input.Username);
    this.operations = {
      AdminCreateUser: (input: cognito.AdminCreateUserRequest) => this.#create(input),
      AdminGetUser: (input: cognito.AdminGetUserRequest) => {
        const user = find(input);
        const { Attributes: _, ...described } = describeUser(user);
        return { ...described, UserAttributes: attributesOf(user) };
      },
      AdminDeleteUser: (input: cognito.AdminDeleteUserRequest) => {
        const user = find(input);
        directory.delete(user);
        tokens.revokeAll(userKey(user));
        return {};
      },
      AdminDisableUser: (input: cognito.AdminDisableUserRequest) => {
        const user = directory.put({ ...find(input), enabled: false });
        tokens.revokeAll(userKey(user));
        return {};
      },
      AdminEnableUser: (input: cognito.AdminEnableUserRequest) => {
        directory.put({ ...find(input), enabled: true });
        return {};
      },
      AdminUserGlobalSignOut: (input: cognito.AdminUserGlobalSignOutRequest) => {
        tokens.revokeAll(userKey(find(input)));
        return {};
      },
      AdminSetUserPassword: (input: cognito.AdminSetUserPasswordRequest) => this.#setPassword(input),
      AdminUpdateUserAttributes: (input: cognito.AdminUpdateUserAttributesRequest) => this.#updateAttributes(input),
      ListUsers: (input: cognito.ListUsersRequest) => this.#list(input),
    };
  }

  async #create(input: cognito.AdminCreateUserRequest): Promise<cognito.AdminCreateUserResponse> {
    const { outbox, directory } = this.#parts;
    const pool = this.#parts.pools.pool(input.UserPoolId);
    const password = input.TemporaryPassword || generatePassword(pool.policy);
    checkPassword(password, pool.policy);
    const asked = input.MessageAction === 'RESEND' ? undefined : newUser(pool, input, this.#parts.state.clock.now());
    const hash = await hashPassword(password);
    // From here to the end nothing is waited for: two calls for one name can't both get it.
    const user = asked ? this.#free(pool, asked, input.Username ?? '') : this.#resendable(pool, input.Username);
    const mailed = input.MessageAction !== 'SUPPRESS' && mediumsOf(input, user).includes('EMAIL');
    if (mailed) checkMailQuota(outbox, pool);
    const temporaryUntil = this.#temporaryUntil(pool);
    return this.#parts.state.atomically(() => {
      const made = directory.put({ ...user, password: hash, temporaryUntil });
      if (mailed) sendInvitation(outbox, pool, made, password);
      return { User: describeUser(made) };
    });
  }

  #temporaryUntil(pool: PoolRecord): number {
    return this.#parts.state.clock.now() + pool.policy.TemporaryPasswordValidityDays * dayMilliseconds;
  }

  /** The new user, or UsernameExistsException where the name or the address is someone's. */
  #free(pool: PoolRecord, user: UserRecord, name: string): UserRecord {
    const taken = this.#parts.directory.find(pool, name) ?? this.#parts.directory.get(userKey(user));
    if (taken) {
      const byAddress = pool.settings.UsernameAttributes?.length;
      const message = byAddress ? 'An account with the given email already exists.' : 'User account already exists';
      throw new AwsError('UsernameExistsException', message);
    }
    this.#parts.directory.checkAddress(pool, user);
    return user;
  }

  #resendable(pool: PoolRecord, name: string | undefined): UserRecord {
    const user = this.#parts.directory.find(pool, name);
    if (!user) throw userNotFound();
    if (user.status === 'FORCE_CHANGE_PASSWORD') return user;
    throw new AwsError('UnsupportedUserStateException', `Resend not possible. ${name} is ${user.status}`);
  }

  async #setPassword(input: cognito.AdminSetUserPasswordRequest): Promise<object> {
    const pool = this.#parts.pools.pool(input.UserPoolId);
    const key = userKey(this.#parts.directory.user(pool.id, input.Username));
    checkPassword(input.Password ?? '', pool.policy);
    const password = await hashPassword(input.Password ?? '');
    const permanent = input.Permanent ?? false;
    this.#parts.directory.change(key, user => ({
      ...user,
      password,
      status: permanent ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD',
      temporaryUntil: permanent ? undefined : this.#temporaryUntil(pool),
      resetCode: undefined,
    }));
    return {};
  }

  #updateAttributes(input: cognito.AdminUpdateUserAttributesRequest): object {
    const { directory, pools } = this.#parts;
    const pool = pools.pool(input.UserPoolId);
    const user = directory.user(pool.id, input.Username);
    const given = readAttributes(pool, input.UserAttributes);
    const attributes: Record<string, string> = { ...user.attributes, ...given };
    // A new address has not been verified unless the caller says so in the same breath.
    const moved = given['email'] !== undefined && given['email'] !== user.attributes['email'];
    if (moved && given['email_verified'] === undefined) attributes['email_verified'] = 'false';
    const changed = { ...user, attributes };
    directory.checkAddress(pool, changed);
    directory.put(changed);
    return {};
  }

  #list(input: cognito.ListUsersRequest): cognito.ListUsersResponse {
    const pool = this.#parts.pools.pool(input.UserPoolId);
    const filter = parseFilter(input.Filter);
    const found = this.#parts.directory.seenUsers(pool.id).filter(user => matches(user, filter));
    const { items, token } = cutList(found, user => user.username, input.Limit, input.PaginationToken);
    return { Users: items.map(user => describeUser(user, input.AttributesToGet)), PaginationToken: token };
  }
}

function newUser(pool: PoolRecord, input: cognito.AdminCreateUserRequest, now: number): UserRecord {
  const name = input.Username ?? '';
  const attributes = readAttributes(pool, input.UserAttributes);
  const sub = randomUUID();
  const byEmail = pool.settings.UsernameAttributes?.includes('email') ?? false;
  if (byEmail && !isEmail(name)) throw invalidParameter('Username should be an email.');
  if (!byEmail && !usernamePattern.test(name)) throw invalidParameter(`invalid Username '${name}'`);
  if (!byEmail && pool.settings.AliasAttributes?.includes('email') && isEmail(name))
    throw invalidParameter('Username cannot be of email format, since user pool is configured for email alias.');
  const fold = folding(pool);
  if (byEmail && attributes['email'] !== undefined && fold(attributes['email']) !== fold(name))
    throw invalidParameter('Username and the email attribute must be the same.');
  if (byEmail) attributes['email'] = name;
  return {
    poolId: pool.id,
    username: byEmail ? sub : fold(name),
    attributes: { sub, ...attributes },
    status: 'FORCE_CHANGE_PASSWORD',
    enabled: true,
    createdAt: now,
    modifiedAt: now,
    password: undefined,
    groups: [],
  };
}

/** Where the invitation goes; refuses a medium that the user has no address for. SMS when nothing is said, as on AWS. */
function mediumsOf(input: cognito.AdminCreateUserRequest, user: UserRecord): readonly cognito.DeliveryMediumType[] {
  const mediums = input.DesiredDeliveryMediums?.length ? input.DesiredDeliveryMediums : ['SMS' as const];
  if (mediums.includes('EMAIL') && !user.attributes['email'])
    throw invalidParameter('User attributes must contain email to send the invitation by EMAIL.');
  if (mediums.includes('SMS') && !user.attributes['phone_number'])
    throw invalidParameter('User attributes must contain phone_number to send the invitation by SMS.');
  return mediums;
}
