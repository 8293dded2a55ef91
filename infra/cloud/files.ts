import { aws_efs as efs, aws_iam as iam, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { Network } from './network.ts';

/** The file system of all homes: encrypted, backed up daily, kept when the stack goes. */
export interface Files {
  readonly fileSystem: efs.CfnFileSystem;
}

/**
 * Creates the file system with a mount target in each zone; its policy demands TLS and an access point. Throughput
 * bursts: to 100 MiB/s (reads count a third) on a credit of 2.1 TiB that 1 MiB/s or more fills again, where a class of
 * 300 moves less than 1 MiB/s on average; and no student can run up a bill by copying. An alarm tells before it is used up.
 */
export function createFiles(stack: Stack, network: Network): Files {
  const fileSystem = new efs.CfnFileSystem(stack, 'Homes', {
    encrypted: true,
    throughputMode: 'bursting',
    backupPolicy: { status: 'ENABLED' },
    lifecyclePolicies: [{ transitionToIa: 'AFTER_30_DAYS' }, { transitionToPrimaryStorageClass: 'AFTER_1_ACCESS' }],
    fileSystemTags: [{ key: 'Name', value: 'armada-homes' }],
    fileSystemPolicy: new iam.PolicyDocument({
      statements: [
        new iam.PolicyStatement({
          sid: 'Clients',
          principals: [new iam.AnyPrincipal()],
          actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
          conditions: { Bool: { 'elasticfilesystem:AccessedViaMountTarget': 'true' } },
        }),
        new iam.PolicyStatement({
          sid: 'OnlyWithTls',
          effect: iam.Effect.DENY,
          principals: [new iam.AnyPrincipal()],
          actions: ['*'],
          conditions: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
        new iam.PolicyStatement({
          sid: 'OnlyThroughAnAccessPoint',
          effect: iam.Effect.DENY,
          principals: [new iam.AnyPrincipal()],
          actions: [
            'elasticfilesystem:ClientMount',
            'elasticfilesystem:ClientWrite',
            'elasticfilesystem:ClientRootAccess',
          ],
          conditions: { Null: { 'elasticfilesystem:AccessPointArn': 'true' } },
        }),
      ],
    }),
  });
  fileSystem.applyRemovalPolicy(RemovalPolicy.RETAIN);
  for (const [index, subnet] of network.vpc.publicSubnets.entries())
    new efs.CfnMountTarget(stack, `HomesIn${index + 1}`, {
      fileSystemId: fileSystem.ref,
      subnetId: subnet.subnetId,
      securityGroups: [network.filesGroup.securityGroupId],
    });
  return { fileSystem };
}
