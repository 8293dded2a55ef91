import { type Static, type TProperties, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Balancer, readBalancers } from '../resources/host.ts';
import { mailsPerDay } from '../store/mails.ts';

const origin = '^https?://[^/?#@\\s]+/?$';

/** The API's part of the settings. Names and meanings: ARCHITECTURE.md. */
const variables = {
  DATABASE_URL: Type.String({ pattern: '^postgres(ql)?://' }),
  AWS_REGION: Type.String({ minLength: 1 }),
  AWS_ENDPOINT_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  ARMADA_DEPLOYMENT: Type.Optional(Type.String({ pattern: '^[a-z0-9]{1,12}$' })),
  ARMADA_BALANCERS: Type.String({ minLength: 2 }),
  ARMADA_USER_POOL_ID: Type.String({ minLength: 1 }),
  ARMADA_USER_POOL_CLIENT_ID: Type.String({ minLength: 1 }),
  ARMADA_PORTAL_URL: Type.String({ pattern: origin }),
  ARMADA_SECRET: Type.String({ minLength: 32 }),
  ARMADA_OPERATOR_TOKEN: Type.Optional(Type.String({ minLength: 32 })),
  ARMADA_OUTBOX_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  /** `1`: tasks share one user, so nothing keeps students apart; pages say so. */
  ARMADA_UNWALLED: Type.Optional(Type.Literal('1')),
  /** How many proxies are in front, each appending an address: the balancer, and perhaps a CDN before it. */
  ARMADA_PROXIES: Type.Optional(Type.String({ pattern: '^[1-9]$' })),
  /** Where Prometheus finds the API's metrics, on loopback; left out: nowhere. */
  ARMADA_API_METRICS_PORT: Type.Optional(Type.String({ pattern: '^[0-9]{1,5}$' })),
  /** How many mails the user pool's sender takes in a day; 50, as Cognito's own, unless told. */
  ARMADA_MAILS_PER_DAY: Type.Optional(Type.String({ pattern: '^[0-9]{1,7}$' })),
  PORT: Type.String({ pattern: '^[0-9]{1,5}$' }),
  /** The address to listen at; loopback unless the deployment's network is the wall (a container). */
  HOST: Type.Optional(Type.String({ minLength: 1 })),
} satisfies TProperties;

const Environment = Type.Object(variables);

/** What the API is told at its start. Secrets are in it: it is never logged. */
export interface Settings {
  readonly databaseUrl: string;
  readonly deployment: string;
  readonly balancers: readonly Balancer[];
  readonly userPoolId: string;
  readonly userPoolClientId: string;
  /** The `iss` of the user pool's tokens; its keys are below it. */
  readonly issuer: string;
  /** The portal's origin, without a slash at the end. */
  readonly portalUrl: string;
  readonly secret: string;
  readonly operatorToken: string | undefined;
  readonly outboxUrl: string | undefined;
  readonly unwalled: boolean;
  readonly proxies: number;
  readonly mailsPerDay: number;
  readonly metricsPort: number | undefined;
  readonly port: number;
  readonly host: string;
}

/** Reads the settings; throws one error that names every fault, without any value. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.fromEntries(
    Object.keys(variables).flatMap(name => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const faults = Value.Errors(Environment, given).map(wordsOf);
  const balancers = readBalancers(environment['ARMADA_BALANCERS'], environment['ARMADA_PORTAL_URL']);
  if (typeof balancers === 'string') faults.push(balancers);
  if (Number(environment['PORT']) > 65_535) faults.push('PORT is above 65535');
  if (faults.length > 0 || typeof balancers === 'string' || !Value.Check(Environment, given)) {
    throw new Error(`these settings are wrong: ${[...new Set(faults)].join('; ')}`);
  }
  return settingsOf(given, balancers);
}

function settingsOf(given: Static<typeof Environment>, balancers: readonly Balancer[]): Settings {
  const cognito = given.AWS_ENDPOINT_URL ?? `https://cognito-idp.${given.AWS_REGION}.amazonaws.com`;
  return {
    databaseUrl: given.DATABASE_URL,
    deployment: given.ARMADA_DEPLOYMENT ?? 'armada',
    balancers,
    userPoolId: given.ARMADA_USER_POOL_ID,
    userPoolClientId: given.ARMADA_USER_POOL_CLIENT_ID,
    issuer: `${cognito.replace(/\/+$/, '')}/${given.ARMADA_USER_POOL_ID}`,
    portalUrl: new URL(given.ARMADA_PORTAL_URL).origin,
    secret: given.ARMADA_SECRET,
    operatorToken: given.ARMADA_OPERATOR_TOKEN,
    outboxUrl: given.ARMADA_OUTBOX_URL,
    unwalled: given.ARMADA_UNWALLED === '1',
    proxies: Number(given.ARMADA_PROXIES ?? 1),
    mailsPerDay: Number(given.ARMADA_MAILS_PER_DAY ?? mailsPerDay),
    metricsPort: given['ARMADA_API_METRICS_PORT'] === undefined ? undefined : Number(given['ARMADA_API_METRICS_PORT']),
    port: Number(given.PORT),
    host: given.HOST ?? '127.0.0.1',
  };
}

function wordsOf(fault: {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}): string {
  const name = fault.instancePath.slice(1);
  if ('requiredProperties' in fault.params && Array.isArray(fault.params.requiredProperties)) {
    return `${fault.params.requiredProperties.join(', ')} missing`;
  }
  if (fault.keyword === 'pattern') return `${name} does not look like one`;
  return `${name} ${fault.message}`;
}
