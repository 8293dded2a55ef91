import type { TemplateJson, TemplateResource } from './intrinsics.ts';

/**
 * Properties whose change makes CloudFormation replace a resource, for the kinds that hold what people made or that
 * others point at. Source: AWS resource and property types reference, "Update requires: Replacement".
 */
const immutable: Readonly<Record<string, readonly string[]>> = {
  'AWS::EFS::FileSystem': ['AvailabilityZoneName', 'Encrypted', 'KmsKeyId', 'PerformanceMode'],
  'AWS::RDS::DBInstance': [
    'CharacterSetName',
    'DBInstanceIdentifier',
    'DBName',
    'DBSnapshotIdentifier',
    'DBSubnetGroupName',
    'Engine',
    'KmsKeyId',
    'MasterUsername',
    'SourceDBInstanceIdentifier',
    'StorageEncrypted',
  ],
  'AWS::RDS::DBSubnetGroup': ['DBSubnetGroupName'],
  'AWS::Cognito::UserPool': ['AliasAttributes', 'UsernameAttributes', 'UsernameConfiguration'],
  'AWS::Cognito::UserPoolClient': ['GenerateSecret', 'UserPoolId'],
  'AWS::Cognito::UserPoolUser': ['UserPoolId', 'Username', 'UserAttributes', 'DesiredDeliveryMediums'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::EC2::VPC': ['CidrBlock', 'InstanceTenancy'],
  'AWS::EC2::Subnet': ['AvailabilityZone', 'CidrBlock', 'VpcId'],
  'AWS::ECS::Cluster': ['ClusterName'],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 'Scheme', 'Type'],
  'AWS::CloudFront::Distribution': [],
};

/** A resource that an upgrade must keep, with the properties that must not change. */
export interface Kept {
  readonly type: string;
  readonly immutable: Readonly<Record<string, unknown>>;
}

/** The resources of a template that an upgrade must keep, by logical id. */
export function keptOf(template: TemplateJson): Readonly<Record<string, Kept>> {
  return Object.fromEntries(
    Object.entries(template.Resources).flatMap(([logicalId, { Type, Properties = {} }]: [string, TemplateResource]) => {
      const names = immutable[Type];
      if (!names) return [];
      const values = names.flatMap(name => (name in Properties ? [[name, Properties[name]]] : []));
      return [[logicalId, { type: Type, immutable: Object.fromEntries(values) }]];
    }),
  );
}

/** What would be lost or made anew if `now` were deployed over `before`: `Database: DBName`, or `Database: gone`. */
export function replaced(before: Readonly<Record<string, Kept>>, now: Readonly<Record<string, Kept>>): string[] {
  return Object.entries(before).flatMap(([logicalId, old]) => {
    const kept = now[logicalId];
    if (!kept || kept.type !== old.type) return [`${logicalId}: gone`];
    const names = new Set([...Object.keys(old.immutable), ...Object.keys(kept.immutable)]);
    return [...names]
      .filter(name => JSON.stringify(old.immutable[name]) !== JSON.stringify(kept.immutable[name]))
      .map(name => `${logicalId}: ${name}`);
  });
}
