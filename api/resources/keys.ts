import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';

/**
 * Everything that is derived from ARMADA_SECRET: the Ed25519 key that tickets are signed with, and each workspace's
 * heartbeat token. While the secret is being changed it holds two values, new first: the first signs, both check.
 */
export interface Keys {
  /** Signs tickets; never leaves the API. */
  readonly ticketKey: KeyObject;
  readonly ticketKeyId: string;
  /** What a gate checks tickets with: holds nothing secret. */
  readonly publicKeys: { readonly keys: readonly JsonWebKey[] };
  /** The token with which one workspace's gate reports. `<workspace id>.<HMAC>`. */
  heartbeatToken(workspaceId: string): string;
  /** The workspace that a heartbeat token is of, or undefined. */
  workspaceOf(heartbeatToken: string): string | undefined;
}

/** PKCS #8 header of an Ed25519 private key, before its 32 bytes of seed. Source: RFC 8410 §7. */
const ed25519Header = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Derives the keys of ARMADA_SECRET (one value, or two with a comma). */
export function keysOf(secret: string): Keys {
  const secrets = secret.split(',').filter(value => value !== '');
  const [newest] = secrets;
  if (newest === undefined) throw new Error('ARMADA_SECRET is empty');
  const privateKeys = secrets.map(ticketKeyOf);
  const publicKeys = privateKeys.map(key => {
    const jwk = createPublicKey(key).export({ format: 'jwk' });
    return { ...jwk, kid: keyId(jwk), alg: 'EdDSA', use: 'sig' };
  });
  const [ticketKey] = privateKeys;
  const [publicKey] = publicKeys;
  if (!ticketKey || !publicKey) throw new Error('ARMADA_SECRET holds no key');
  return {
    ticketKey,
    ticketKeyId: publicKey.kid,
    publicKeys: { keys: publicKeys },
    heartbeatToken: id => `${id}.${mac(newest, id)}`,
    workspaceOf(token) {
      const [id = '', given = ''] = token.split('.');
      return secrets.some(value => equal(mac(value, id), given)) ? id : undefined;
    },
  };
}

function ticketKeyOf(secret: string): KeyObject {
  const seed = createHmac('sha256', secret).update('armada ticket key').digest();
  return createPrivateKey({ key: Buffer.concat([ed25519Header, seed]), format: 'der', type: 'pkcs8' });
}

function keyId(jwk: JsonWebKey): string {
  return String(jwk['x']).slice(0, 8);
}

function mac(secret: string, workspaceId: string): string {
  return createHmac('sha256', secret).update(`armada heartbeat ${workspaceId}`).digest('base64url');
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
