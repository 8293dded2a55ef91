import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Balancer, readBalancers } from '../api/resources/host.ts';

/** The controller's part of the settings, by the names of its environment. Meanings: ARCHITECTURE.md. */
const Environment = Type.Object({
  DATABASE_URL: Type.String({ pattern: '^postgres(ql)?://' }),
  AWS_REGION: Type.Optional(Type.String({ minLength: 1 })),
  ARMADA_DEPLOYMENT: Type.Optional(Type.String({ pattern: '^[a-z0-9]{1,12}$' })),
  ARMADA_CLUSTER: Type.String({ minLength: 1 }),
  ARMADA_CAPACITY_PROVIDER: Type.Optional(Type.String({ minLength: 1 })),
  ARMADA_VPC_ID: Type.String({ minLength: 1 }),
  ARMADA_BALANCERS: Type.String({ minLength: 2 }),
  ARMADA_FILE_SYSTEM_ID: Type.String({ minLength: 1 }),
  ARMADA_USER_POOL_ID: Type.String({ minLength: 1 }),
  ARMADA_PORTAL_URL: Type.String({ pattern: '^https?://[^/?#@\\s]+$' }),
  ARMADA_HEARTBEAT_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  ARMADA_GATE_IMAGE: Type.String({ minLength: 1 }),
  ARMADA_IDE_IMAGE: Type.String({ minLength: 1 }),
  ARMADA_SECRET: Type.String({ minLength: 32 }),
  ARMADA_EXECUTION_ROLE_ARN: Type.Optional(Type.String({ pattern: '^arn:' })),
  ARMADA_LOG_GROUP: Type.Optional(Type.String({ minLength: 1 })),
  /** How many mails the user pool's sender takes in a day; 50, as Cognito's own, unless told. */
  ARMADA_MAILS_PER_DAY: Type.Optional(Type.String({ pattern: '^[0-9]{1,7}$' })),
  /** The SQS queue with ECS's events; left out: what is on its way is polled alone. */
  ARMADA_EVENTS_QUEUE_URL: Type.Optional(Type.String({ pattern: '^https?://' })),
  /** `debug` tells each call to AWS with the pass that made it. */
  ARMADA_LOG_LEVEL: Type.Optional(Type.Enum(['debug', 'info', 'warn', 'error'])),
  /** Where Prometheus finds metrics and health, on loopback; left out: nowhere. */
  ARMADA_METRICS_PORT: Type.Optional(Type.String({ pattern: '^[0-9]{1,5}$' })),
  /** For how long what is in AWS and belongs to nobody is kept, in hours; 24 where left out. */
  ARMADA_QUARANTINE_HOURS: Type.Optional(Type.String({ pattern: '^[0-9]{1,4}$' })),
  /** `aws` (the default): calls keep to AWS's token buckets. `off`: for an endpoint that has none. */
  ARMADA_RATES: Type.Optional(Type.Union([Type.Literal('aws'), Type.Literal('off')])),
});

/** A day: whoever restored a backup or lost a row notices before anything goes. */
const defaultQuarantineHours = 24;

/** What the controller is told at its start. Secrets are in it: it is never logged. */
export type Settings = Omit<
  Static<typeof Environment>,
  'ARMADA_BALANCERS' | 'ARMADA_DEPLOYMENT' | 'ARMADA_LOG_GROUP' | 'AWS_REGION'
> & {
  readonly ARMADA_DEPLOYMENT: string;
  readonly balancers: readonly Balancer[];
  readonly quarantineHours: number;
  readonly logs?: { readonly group: string; readonly region: string };
};

/** Reads the settings; throws one error that names every fault, without any value. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.fromEntries(
    Object.keys(Environment.properties).flatMap(name => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const balancers = readBalancers(environment['ARMADA_BALANCERS'], environment['ARMADA_PORTAL_URL']);
  const faults = Value.Errors(Environment, given).map(fault =>
    `${fault.instancePath.slice(1)} ${fault.message}`.trim(),
  );
  if (typeof balancers === 'string') faults.push(balancers);
  if (given['ARMADA_LOG_GROUP'] && !given['AWS_REGION']) faults.push('AWS_REGION is missing: where the log group is');
  if (faults.length > 0 || typeof balancers === 'string' || !Value.Check(Environment, given))
    throw new Error(`these settings are wrong: ${faults.join('; ')}`);
  const { ARMADA_BALANCERS: _, ARMADA_LOG_GROUP: group, AWS_REGION: region, ...settings } = given;
  return {
    ...settings,
    ARMADA_DEPLOYMENT: given.ARMADA_DEPLOYMENT ?? 'armada',
    balancers,
    quarantineHours: Number(given.ARMADA_QUARANTINE_HOURS ?? defaultQuarantineHours),
    ...(group === undefined || region === undefined ? {} : { logs: { group, region } }),
  };
}
