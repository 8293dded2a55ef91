import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { getCanonicalHeaders, SignatureV4Base } from '@smithy/signature-v4';
import { AwsError, type ServiceName, type WireRequest } from './protocol.ts';

/** Refuses a request that is not signed with the endpoint's credentials for that service: throws AwsError with AWS's code. */
export type Authenticate = (wire: WireRequest, service: ServiceName) => void;

/** What the endpoint's callers sign with; the same shape as the SDK clients' `credentials`. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** AWS's own tolerance between a request's date and its clock. */
const toleratedSkewMilliseconds = 5 * 60 * 1000;

/** Scopes differ by day and service only, so few keys are ever alive; the bound keeps made-up regions from piling up. */
const signingKeysKept = 16;

const algorithm = 'AWS4-HMAC-SHA256';
const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;
const datePattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** What Cognito serves without a signature. Source: the SDK client's own table of operations without authentication. */
const unsignedOperations: ReadonlySet<string> = new Set([
  'ChangePassword',
  'ConfirmForgotPassword',
  'ConfirmSignUp',
  'ForgotPassword',
  'GetTokensFromRefreshToken',
  'GetUser',
  'GlobalSignOut',
  'InitiateAuth',
  'ResendConfirmationCode',
  'RespondToAuthChallenge',
  'RevokeToken',
  'SignUp',
  'UpdateUserAttributes',
]);

/** Whether AWS takes the operation unsigned; the service itself must then limit how often it is called. */
export function unsignedAllowed(service: ServiceName, operation: string): boolean {
  return service === 'cognito-idp' && unsignedOperations.has(operation);
}

/** The SDK's own canonical request, without its asynchronous hashing. */
class Canonical extends SignatureV4Base {
  constructor(credentials: Credentials) {
    // The constructors are never called: only the canonical form is asked of this class.
    super({ credentials, region: '', service: '', sha256: unusedHash });
  }

  of(wire: WireRequest, headers: Record<string, string>, payloadHash: string): string {
    const query: Record<string, string[]> = {};
    for (const name of new Set(wire.query.keys())) query[name] = wire.query.getAll(name);
    const request = { method: wire.method, path: wire.path, protocol: 'http:', hostname: '', headers, query };
    const canonical = getCanonicalHeaders(request, undefined, new Set(Object.keys(headers)));
    return this.createCanonicalRequest(request, canonical, payloadHash);
  }
}

class unusedHash {
  update(): void {}
  reset(): void {}
  async digest(): Promise<Uint8Array> {
    throw new Error('not used for hashing');
  }
}

/**
 * Verifies Signature Version 4 with one pair of credentials. Signatures older or newer than five minutes by `now`
 * (milliseconds since 1970) are refused, as are requests that leave the host, the date or an x-amz header unsigned.
 */
export function createAuthenticate(credentials: Credentials, now: () => number = Date.now): Authenticate {
  const canonical = new Canonical(credentials);
  const signingKeys = new Map<string, Buffer>();

  function signingKey(date: string, region: string, service: string): Buffer {
    const scope = `${date}/${region}/${service}`;
    const known = signingKeys.get(scope);
    if (known) return known;
    let key = hmac(`AWS4${credentials.secretAccessKey}`, date);
    for (const part of [region, service, 'aws4_request']) key = hmac(key, part);
    if (signingKeys.size >= signingKeysKept) signingKeys.clear();
    signingKeys.set(scope, key);
    return key;
  }

  return (wire, service) => {
    const authorization = wire.headers['authorization'];
    if (authorization === undefined) throw missing(service);
    const [, accessKeyId, day = '', region = '', scopeService, names = '', signature = ''] =
      authorizationPattern.exec(String(authorization)) ?? [];
    if (accessKeyId === undefined) throw incomplete(service, 'Authorization header is not a Signature Version 4.');
    if (accessKeyId !== credentials.accessKeyId) throw unknownKey(service);
    if (scopeService !== service)
      throw mismatch(service, `Credential should be scoped to correct service: '${service}'.`);
    const date = String(wire.headers['x-amz-date'] ?? '');
    if (!date.startsWith(`${day}T`))
      throw mismatch(service, 'Date in Credential scope does not match the request date.');
    const headers = signedHeaders(wire, names, service);
    const hash = createHash('sha256').update(wire.body).digest('hex');
    const request = createHash('sha256')
      .update(canonical.of(wire, headers, hash))
      .digest('hex');
    const text = [algorithm, date, `${day}/${region}/${service}/aws4_request`, request].join('\n');
    const expected = hmac(signingKey(day, region, service), text);
    if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) throw mismatch(service, mismatchMessage);
    // Checked last, so that only who holds the credentials learns what this clock says.
    const skew = Math.abs(timeOf(date) - now());
    if (!(skew <= toleratedSkewMilliseconds)) throw mismatch(service, `Signature expired or not yet current: ${date}`);
  };
}

/** The headers that the signature names, as they came; refuses where one that AWS wants signed is not among them. */
function signedHeaders(wire: WireRequest, names: string, service: ServiceName): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of names.split(';')) {
    const value = wire.headers[name];
    if (typeof value !== 'string') throw mismatch(service, mismatchMessage);
    headers[name] = value;
  }
  for (const name of Object.keys(wire.headers)) {
    const mustBeSigned = name === 'host' || name.startsWith('x-amz-');
    if (mustBeSigned && !(name in headers)) throw incomplete(service, `'${name}' must be a signed header.`);
  }
  return headers;
}

function timeOf(date: string): number {
  const [, year, month, day, hour, minute, second] = datePattern.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

const mismatchMessage =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.';

// The three protocols spell the same refusals differently; JSON 1.1 services answer them with 400, the others with 403.

function refusal(service: ServiceName, codes: { json: string; query: string }, message: string): AwsError {
  if (service === 'elasticloadbalancing') return new AwsError(codes.query, message, 403);
  return new AwsError(codes.json, message, service === 'elasticfilesystem' ? 403 : 400);
}

function missing(service: ServiceName): AwsError {
  const codes = { json: 'MissingAuthenticationTokenException', query: 'MissingAuthenticationToken' };
  return refusal(service, codes, 'Missing Authentication Token');
}

function unknownKey(service: ServiceName): AwsError {
  const codes = { json: 'UnrecognizedClientException', query: 'InvalidClientTokenId' };
  return refusal(service, codes, 'The security token included in the request is invalid.');
}

function incomplete(service: ServiceName, message: string): AwsError {
  return refusal(service, { json: 'IncompleteSignatureException', query: 'IncompleteSignature' }, message);
}

function mismatch(service: ServiceName, message: string): AwsError {
  return refusal(service, { json: 'InvalidSignatureException', query: 'SignatureDoesNotMatch' }, message);
}
