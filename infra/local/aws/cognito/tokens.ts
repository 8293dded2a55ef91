import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { AuthenticationResultType, TimeUnitsType } from '@aws-sdk/client-cognito-identity-provider';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { State, Table } from '../state.ts';
import { notAuthorized } from './errors.ts';
import { type ClientRecord, type PoolRecord, type UserRecord, userKey } from './records.ts';

const algorithm = 'RS256';
const secondsOfUnit: Readonly<Record<TimeUnitsType, number>> = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 };
/** An ID or access token's life where the client names none: one hour. Source: Cognito guide. */
const defaultTokenHours = 1;
const defaultRefreshDays = 30;

/** One sign-in, for as long as its refresh token holds; the token itself is kept only as its digest. */
interface SignInRecord {
  readonly id: string;
  readonly user: string;
  readonly clientId: string;
  readonly signedInAt: number;
  readonly expiresAt: number;
  readonly origin: string;
}

/** Makes a pool's signing key: a private JWK with its `kid`. */
export async function generateSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg: algorithm, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

/** Signs the tokens of the pools, and remembers which refresh tokens hold. */
export class Tokens {
  readonly #state: State;
  readonly #issuerBase: () => string;
  readonly #signIns: Table<SignInRecord>;
  readonly #keys = new Map<string, ReturnType<typeof importJWK>>();

  constructor(state: State, issuerBase: () => string) {
    this.#state = state;
    this.#issuerBase = issuerBase;
    this.#signIns = state.table('cognito-sign-in');
  }

  /** What the tokens of a pool name as their issuer. */
  issuer(poolId: string): string {
    return `${this.#issuerBase()}/${poolId}`;
  }

  /** The public half of a pool's key, in the form that verifiers fetch. */
  jwks(pool: PoolRecord): { readonly keys: readonly JWK[] } {
    const { kty, n, e, kid, alg, use } = pool.signingKey;
    return { keys: [{ kty, n, e, kid, alg, use }] };
  }

  /** ID, access and refresh token for who has just signed in. */
  async signIn(pool: PoolRecord, client: ClientRecord, user: UserRecord): Promise<AuthenticationResultType> {
    const now = this.#state.clock.now();
    const refreshToken = randomBytes(48).toString('base64url');
    const { RefreshTokenValidity, TokenValidityUnits } = client.settings;
    const seconds =
      (RefreshTokenValidity || defaultRefreshDays) * secondsOfUnit[TokenValidityUnits?.RefreshToken ?? 'days'];
    const record: SignInRecord = {
      id: digest(refreshToken),
      user: userKey(user),
      clientId: client.id,
      signedInAt: now,
      expiresAt: now + seconds * 1000,
      origin: randomUUID(),
    };
    this.#forget(old => old.expiresAt <= now);
    this.#signIns.put(record.id, record);
    return { ...(await this.#issue(pool, client, user, record)), RefreshToken: refreshToken };
  }

  /** New ID and access tokens for a refresh token; `find` answers the user if that one may still have them. */
  async refresh(
    pool: PoolRecord,
    client: ClientRecord,
    token: string,
    find: (key: string) => UserRecord | undefined,
  ): Promise<AuthenticationResultType> {
    const record = this.#signIns.get(digest(token));
    const user = record && find(record.user);
    if (!record || !user || record.clientId !== client.id) throw notAuthorized('Invalid Refresh Token');
    if (record.expiresAt <= this.#state.clock.now()) throw notAuthorized('Refresh Token has expired');
    return this.#issue(pool, client, user, record);
  }

  /** Ends every refresh token of a user. */
  revokeAll(key: string): void {
    this.#forget(record => record.user === key);
  }

  #forget(which: (record: SignInRecord) => boolean): void {
    for (const record of this.#signIns.all()) if (which(record)) this.#signIns.delete(record.id);
  }

  async #issue(
    pool: PoolRecord,
    client: ClientRecord,
    user: UserRecord,
    signIn: SignInRecord,
  ): Promise<AuthenticationResultType> {
    const { IdTokenValidity, AccessTokenValidity, TokenValidityUnits: units } = client.settings;
    const idSeconds = (IdTokenValidity || defaultTokenHours) * secondsOfUnit[units?.IdToken ?? 'hours'];
    const accessSeconds = (AccessTokenValidity || defaultTokenHours) * secondsOfUnit[units?.AccessToken ?? 'hours'];
    const groups = user.groups.length ? { 'cognito:groups': [...user.groups] } : {};
    const both = {
      sub: user.attributes['sub'],
      ...groups,
      iss: this.issuer(pool.id),
      origin_jti: signIn.origin,
      event_id: randomUUID(),
      auth_time: Math.floor(signIn.signedInAt / 1000),
    };
    const attributes: Record<string, unknown> = { ...user.attributes };
    for (const name of ['email_verified', 'phone_number_verified'])
      if (name in attributes) attributes[name] = attributes[name] === 'true';
    const id = { ...attributes, ...both, 'cognito:username': user.username, aud: client.id, token_use: 'id' };
    const access = {
      ...both,
      client_id: client.id,
      username: user.username,
      scope: 'aws.cognito.signin.user.admin',
      token_use: 'access',
    };
    return {
      IdToken: await this.#sign(pool, id, idSeconds),
      AccessToken: await this.#sign(pool, access, accessSeconds),
      ExpiresIn: accessSeconds,
      TokenType: 'Bearer',
    };
  }

  async #sign(pool: PoolRecord, claims: Record<string, unknown>, seconds: number): Promise<string> {
    const now = Math.floor(this.#state.clock.now() / 1000);
    const key = this.#keys.get(pool.id) ?? importJWK(pool.signingKey, algorithm);
    this.#keys.set(pool.id, key);
    return new SignJWT({ ...claims, iat: now, exp: now + seconds, jti: randomUUID() })
      .setProtectedHeader({ alg: algorithm, kid: pool.signingKey.kid })
      .sign(await key);
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
