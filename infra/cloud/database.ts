import { Duration, aws_ec2 as ec2, RemovalPolicy, aws_rds as rds, type Stack } from 'aws-cdk-lib';
import type { Size } from '../../api/resources/sizes.ts';
import { accept } from './accepted.ts';
import type { Network } from './network.ts';

/** The database of what was asked. */
export interface Database {
  readonly instance: rds.DatabaseInstance;
  readonly secret: NonNullable<rds.DatabaseInstance['secret']>;
  /** Without a password: that comes as PGPASSWORD from the secret. The server must prove its name. */
  readonly url: string;
}

const name = 'armada';
const backupDays = 7;

/** PostgreSQL, encrypted, reachable from the app alone, backed up for a week; ends as a snapshot with the stack. */
export function createDatabase(stack: Stack, network: Network, size: Size): Database {
  const instance = new rds.DatabaseInstance(stack, 'Database', {
    engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
    instanceType: new ec2.InstanceType(size.databaseInstance.replace(/^db\./, '')),
    vpc: network.vpc,
    vpcSubnets: { subnetGroupName: 'data' },
    securityGroups: [network.databaseGroup],
    databaseName: name,
    credentials: rds.Credentials.fromGeneratedSecret(name),
    allocatedStorage: 20,
    maxAllocatedStorage: 100,
    storageType: rds.StorageType.GP3,
    storageEncrypted: true,
    backupRetention: Duration.days(backupDays),
    copyTagsToSnapshot: true,
    deletionProtection: true,
    removalPolicy: RemovalPolicy.SNAPSHOT,
    autoMinorVersionUpgrade: true,
    publiclyAccessible: false,
  });
  accept(instance, {
    RDS3: 'A second zone doubles the price; homes and workspaces run on while the database is restored.',
    RDS11: 'The security group is the wall, not a hidden port.',
    SMG4: 'Rotation would need a function beside the stack; the secret is read at start, by the app alone.',
  });
  const { secret } = instance;
  if (!secret) throw new Error('the database was made without a secret');
  const url = `postgres://${name}@${instance.dbInstanceEndpointAddress}:${instance.dbInstanceEndpointPort}/${name}?sslmode=verify-full`;
  return { instance, secret, url };
}
