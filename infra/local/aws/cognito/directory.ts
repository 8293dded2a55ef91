import type { AttributeType } from '@aws-sdk/client-cognito-identity-provider';
import { AwsError } from '../protocol.ts';
import type { State, Table } from '../state.ts';
import { invalidParameter, userNotFound } from './errors.ts';
import type { Pools } from './pools.ts';
import { type PoolRecord, type UserRecord, userKey } from './records.ts';

/** Cognito's standard attributes (OpenID Connect's claims); others must be in the pool's schema. */
const standardAttributes: ReadonlySet<string> = new Set(
  (
    'address birthdate email email_verified family_name gender given_name locale middle_name name nickname ' +
    'phone_number phone_number_verified picture preferred_username profile updated_at website zoneinfo'
  ).split(' '),
);
const longestAttribute = 2_048;
const emailPattern = /^[^\s@]+@[^\s@]+$/;

/** The users of all pools: who is meant by a name, and who may not have one because another has it. */
export class Directory {
  readonly #state: State;
  readonly #pools: Pools;
  readonly #users: Table<UserRecord>;

  constructor(state: State, pools: Pools) {
    this.#state = state;
    this.#pools = pools;
    this.#users = state.table('cognito-user');
  }

  /** How many users a pool has. */
  count(poolId: string): number {
    return this.#users.all().filter(user => user.poolId === poolId).length;
  }

  /** The user by user name, `sub` or alias, as it is; UserNotFoundException where there is none. */
  user(poolId: string | undefined, name: string | undefined): UserRecord {
    const user = this.find(this.#pools.pool(poolId), name);
    if (!user) throw userNotFound();
    return user;
  }

  /** The user by user name or by an alias that the pool accepts. */
  find(pool: PoolRecord, name: string | undefined): UserRecord | undefined {
    const fold = folding(pool);
    const wanted = fold(name ?? '');
    const byName = this.#users.get(`${pool.id}/${wanted}`);
    if (byName) return byName;
    const { UsernameAttributes, AliasAttributes } = pool.settings;
    // An alias has to be verified; an address that is itself the user name does not.
    const bears = (user: UserRecord) =>
      UsernameAttributes?.some(attribute => fold(user.attributes[attribute] ?? '') === wanted) ||
      AliasAttributes?.some(
        attribute =>
          fold(user.attributes[attribute] ?? '') === wanted &&
          (attribute === 'preferred_username' || user.attributes[`${attribute}_verified`] === 'true'),
      );
    return wanted === '' ? undefined : this.#users.all().find(user => user.poolId === pool.id && bears(user));
  }

  /** The user by the key under which it is kept. */
  get(key: string): UserRecord | undefined {
    return this.#users.get(key);
  }

  /** The users of a pool as an eventually consistent list finds them. */
  seenUsers(poolId: string): UserRecord[] {
    return this.#users.seenAll().filter(user => user.poolId === poolId);
  }

  /** Keeps a user as given, changed now. */
  put(user: UserRecord): UserRecord {
    return this.#users.put(userKey(user), { ...user, modifiedAt: this.#state.clock.now() });
  }

  /** Changes a user if it is still there after something was waited for; UserNotFoundException where not. */
  change(key: string, changes: (user: UserRecord) => UserRecord): UserRecord {
    const user = this.#users.get(key);
    if (!user) throw userNotFound();
    return this.put(changes(user));
  }

  /** Forgets a user. */
  delete(user: UserRecord): void {
    this.#users.delete(userKey(user));
  }

  /** Refuses with AliasExistsException where someone else of the pool signs in with that e-mail address. */
  checkAddress(pool: PoolRecord, user: UserRecord): void {
    const aliases = [...(pool.settings.UsernameAttributes ?? []), ...(pool.settings.AliasAttributes ?? [])];
    const email = user.attributes['email'];
    if (!email || !aliases.includes('email')) return;
    const other = this.find(pool, email);
    if (other && other.username !== user.username)
      throw new AwsError('AliasExistsException', 'An account with the given email already exists.');
  }
}

/** What makes two names the same one; pools tell upper from lower case unless they say otherwise. */
export function folding(pool: PoolRecord): (name: string) => string {
  const sensitive = pool.settings.UsernameConfiguration?.CaseSensitive ?? true;
  return sensitive ? name => name : name => name.toLowerCase();
}

/** Reads and checks attributes that a caller wants to give a user of the pool; `sub` is never the caller's to give. */
export function readAttributes(pool: PoolRecord, given: readonly AttributeType[] | undefined): Record<string, string> {
  const custom =
    pool.settings.Schema?.map(({ Name = '' }) => (Name.startsWith('custom:') ? Name : `custom:${Name}`)) ?? [];
  const result: Record<string, string> = {};
  for (const { Name = '', Value = '' } of given ?? []) {
    if (Name === 'sub') throw invalidParameter('Cannot modify the non-mutable attribute sub');
    if (!standardAttributes.has(Name) && !custom.includes(Name))
      throw invalidParameter(
        `Attributes did not conform to the schema: ${Name}: Attribute does not exist in the schema.`,
      );
    if (Value.length > longestAttribute)
      throw invalidParameter(`${Name} is longer than ${longestAttribute} characters`);
    if (Name === 'email' && !isEmail(Value)) throw invalidParameter('Invalid email address format.');
    result[Name] = Value;
  }
  return result;
}

/** As loose as Cognito's own check of an e-mail address. */
export function isEmail(text: string): boolean {
  return emailPattern.test(text);
}
