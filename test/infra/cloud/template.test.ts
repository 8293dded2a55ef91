import { readFileSync } from 'node:fs';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultArmHost, defaultHost, laidOut } from '../../../api/resources/forecast.ts';
import { sizes } from '../../../api/resources/sizes.ts';
import { createStack, stackName } from '../../../infra/cloud/app.ts';
import { hostCommands } from '../../../infra/cloud/host-firewall.ts';

/** The template as CloudFormation gets it, as plain objects. */
interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly DeletionPolicy?: string;
}

describe('the template', () => {
  let template: Template;
  let json: { Resources: Record<string, Resource>; Parameters: Record<string, { Default?: unknown }>; Outputs: object };

  beforeAll(() => {
    const { stack } = createStack(sizes.small);
    template = Template.fromStack(stack);
    json = template.toJSON() as typeof json;
  });

  const of = (type: string) => Object.entries(json.Resources).filter(([, resource]) => resource.Type === type);

  it('is the same byte for byte each time, under 1 MB, without assets or bootstrap', () => {
    const text = () => JSON.stringify(createStack(sizes.small).app.synth().getStackByName(stackName).template);
    const first = text();
    expect(text()).toBe(first);
    expect(first.length).toBeLessThan(1_000_000);
    expect(first).not.toMatch(/cdk-hnb659fds|AssetParameters|BootstrapVersion|AWS::CDK::Metadata|Custom::/);
  });

  it('asks for one thing: the instructor’s e-mail', () => {
    const asked = Object.entries(json.Parameters).filter(([, parameter]) => parameter.Default === undefined);
    expect(asked.map(([name]) => name)).toEqual(['InstructorEmail']);
  });

  it('tells where the portal is, where the first password comes from, and where to look', () => {
    expect(Object.keys(json.Outputs)).toEqual(
      expect.arrayContaining(['Portal', 'FirstPassword', 'ClusterConsole', 'UserPoolConsole']),
    );
  });

  it('has two zones and no NAT gateway', () => {
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    const zones = new Set(
      of('AWS::EC2::Subnet').map(([, subnet]) => JSON.stringify(subnet.Properties?.['AvailabilityZone'])),
    );
    expect(zones.size).toBe(2);
  });

  it('follows memory with hosts that never go while a session is on them', () => {
    template.hasResourceProperties('AWS::ECS::CapacityProvider', {
      AutoScalingGroupProvider: {
        ManagedScaling: { Status: 'ENABLED', TargetCapacity: 100 },
        ManagedTerminationProtection: 'ENABLED',
      },
    });
    template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '0',
      NewInstancesProtectedFromScaleIn: true,
    });
  });

  it('keeps instance credentials out of containers’ reach', () => {
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 } },
    });
  });

  it('drops metadata, NFS, other containers and the network’s own addresses on the host, but for DNS', () => {
    const commands = hostCommands('armada').join('\n');
    const position = (rule: string) => {
      const at = commands.indexOf(rule);
      expect(at, rule).toBeGreaterThan(-1);
      return at;
    };
    const dns = position('-p udp -d "$resolver" --dport 53 -j RETURN');
    expect(dns).toBeLessThan(position('-i docker0 -d "$vpc" -j DROP'));
    position('-i docker0 -d 169.254.0.0/16 -j DROP');
    position('-p tcp --dport 2049 -j DROP');
    position('-i docker0 -o docker0 -j DROP');
    position('"icc": false');
    position('ECS_TASK_PIDS_LIMIT=');
    position('INPUT -i docker0');
    expect(JSON.stringify(of('AWS::EC2::LaunchTemplate'))).toContain('armada-firewall');
  });

  it('serves HTTPS with a domain, sends HTTP on to it, and keeps WebSockets for over an hour', () => {
    template.hasResource('AWS::ElasticLoadBalancingV2::Listener', {
      Condition: 'HasDomain',
      Properties: { Protocol: 'HTTPS', Port: 443, SslPolicy: Match.stringLikeRegexp('TLS13') },
    });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 80,
      DefaultActions: [
        { 'Fn::If': ['HasDomain', Match.objectLike({ Type: 'redirect' }), Match.objectLike({ Type: 'forward' })] },
      ],
    });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      LoadBalancerAttributes: Match.arrayWith([{ Key: 'idle_timeout.timeout_seconds', Value: '4000' }]),
    });
  });

  it('validates a wildcard certificate by DNS', () => {
    template.hasResource('AWS::CertificateManager::Certificate', {
      Condition: 'MakesCertificate',
      Properties: { ValidationMethod: 'DNS', SubjectAlternativeNames: [Match.anyValue()] },
    });
  });

  it('tells which records to make where somebody else keeps the domain', () => {
    template.hasOutput('Record1', { Condition: 'TellsRecords' });
    template.hasResource('AWS::Route53::RecordSet', { Condition: 'MakesRecords' });
  });

  it('gives each balancer a target group of the app’s own, as AWS wants it, and the service all of them', () => {
    const large = Template.fromStack(createStack(sizes.large).stack).toJSON() as typeof json;
    const services = Object.values(large.Resources).filter(({ Type }) => Type === 'AWS::ECS::Service');
    const targets = services.flatMap(({ Properties }) => (Properties?.['LoadBalancers'] ?? []) as object[]);
    expect(new Set(targets.map(target => JSON.stringify(target))).size).toBe(sizes.large.balancers);
  });

  it('has TLS without a domain too, portal and workspaces on different hosts', () => {
    expect(of('AWS::CloudFront::Distribution')).toHaveLength(2);
    template.allResources('AWS::CloudFront::Distribution', {
      Condition: 'NoDomain',
      Properties: { DistributionConfig: { DefaultCacheBehavior: { ViewerProtocolPolicy: 'redirect-to-https' } } },
    });
  });

  it('routes by path behind the CDN, which passes hosts on, and only the app’s own CDN host is the portal’s', () => {
    const text = JSON.stringify(of('AWS::ECS::TaskDefinition'));
    expect(text).toContain('\\",\\"path\\":true}');
    for (const [, { Properties }] of of('AWS::CloudFront::Distribution'))
      expect(Properties?.['DistributionConfig']).toMatchObject({
        DefaultCacheBehavior: { OriginRequestPolicyId: '216adef6-5c7f-47e4-b989-5492eafa07d3' },
      });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: { 'Fn::If': ['HasDomain', 'internet-facing', 'internal'] },
    });
  });

  it('takes images from the account’s own registry unless told another, and may pull them', () => {
    const [, task] = of('AWS::ECS::TaskDefinition')[0]!;
    const [container] = task.Properties!['ContainerDefinitions'] as [{ Image: unknown }];
    expect(JSON.stringify(container.Image)).toMatch(/"Fn::If":\["HasImagePrefix",.*\.dkr\.ecr\./);
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Action: 'ecr:GetAuthorizationToken' })]) },
    });
  });

  it('has the images that whoever hosts it published as its default', () => {
    const { stack } = createStack(sizes.small, { prefix: 'registry.example/class', tag: '1.2.3' });
    expect(Template.fromStack(stack).toJSON()['Parameters']).toMatchObject({
      ImagePrefix: { Default: 'registry.example/class' },
      ImageTag: { Default: '1.2.3' },
    });
  });

  it('runs app and hosts on ARM where the images are made for it', () => {
    template.allResourcesProperties('AWS::ECS::TaskDefinition', {
      RuntimePlatform: { CpuArchitecture: { 'Fn::If': ['OnArm', 'ARM64', 'X86_64'] } },
    });
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        ImageId: { 'Fn::If': ['OnArm', Match.anyValue(), Match.anyValue()] },
        InstanceType: {
          'Fn::If': [
            'HasInstanceType',
            { Ref: 'HostInstanceType' },
            { 'Fn::If': ['OnArm', defaultArmHost, defaultHost] },
          ],
        },
      },
    });
    const paths = Object.values(json.Parameters).map(({ Default }) => String(Default));
    expect(paths.filter(each => each.includes('/ecs/optimized-ami/')).toSorted()).toEqual([
      '/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id',
      '/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id',
    ]);
  });

  it('has the database prove its name, by authorities that the app’s image holds', () => {
    const text = JSON.stringify(of('AWS::ECS::TaskDefinition'));
    expect(text).toContain('?sslmode=verify-full');
    expect(text).toContain('{"Name":"NODE_EXTRA_CA_CERTS","Value":"/app/rds-authorities.pem"}');
    const dockerfile = readFileSync('infra/images/app/Dockerfile', 'utf8');
    expect(dockerfile).toMatch(/^WORKDIR \/app$/m);
    expect(dockerfile).toMatch(/^ADD .*\.\/rds-authorities\.pem$/m);
  });

  it('is what the forecast counts: disk, alarms, secrets, balancers', () => {
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { BlockDeviceMappings: [{ Ebs: { VolumeSize: laidOut.hostDisk, VolumeType: 'gp3' } }] },
    });
    for (const size of [sizes.small, sizes.large]) {
      const laid = Template.fromStack(createStack(size).stack);
      const { each, perBalancer } = laidOut.alarms;
      laid.resourceCountIs('AWS::CloudWatch::Alarm', each + perBalancer * size.balancers);
      laid.resourceCountIs('AWS::SecretsManager::Secret', laidOut.secrets);
      laid.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', size.balancers);
    }
    template.hasResourceProperties('AWS::RDS::DBInstance', { AllocatedStorage: String(laidOut.databaseDisk) });
  });

  it('keeps homes: encrypted, backed up daily, only by TLS and access point, retained', () => {
    template.hasResource('AWS::EFS::FileSystem', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        Encrypted: true,
        BackupPolicy: { Status: 'ENABLED' },
        // What the forecast counts: nothing for reading and writing.
        ThroughputMode: 'bursting',
        FileSystemPolicy: {
          Statement: Match.arrayWith([
            Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
            Match.objectLike({ Effect: 'Deny', Condition: { Null: { 'elasticfilesystem:AccessPointArn': 'true' } } }),
          ]),
        },
      },
    });
  });

  it('keeps the database: encrypted, private, a week of backups, protected, a snapshot at the end', () => {
    template.hasResource('AWS::RDS::DBInstance', {
      DeletionPolicy: 'Snapshot',
      Properties: {
        StorageEncrypted: true,
        PubliclyAccessible: false,
        BackupRetentionPeriod: 7,
        DeletionProtection: true,
      },
    });
  });

  it('lets only the app reach the database', () => {
    const [group] = of('AWS::EC2::SecurityGroup').find(([id]) => id.startsWith('DatabaseGroup'))!;
    const [app] = of('AWS::EC2::SecurityGroup').find(([id]) => id.startsWith('AppGroup'))!;
    const into = of('AWS::EC2::SecurityGroupIngress')
      .map(([, rule]) => rule.Properties ?? {})
      .filter(rule => JSON.stringify(rule['GroupId']).includes(group));
    expect(into).toHaveLength(1);
    expect(JSON.stringify(into[0]?.['SourceSecurityGroupId'])).toContain(app);
    expect(json.Resources[group]?.Properties?.['SecurityGroupIngress']).toBeUndefined();
  });

  it('knows the first instructor, says nothing about who exists, and keeps people', () => {
    template.hasResourceProperties('AWS::Cognito::UserPoolUser', { Username: { Ref: 'InstructorEmail' } });
    template.hasResourceProperties('AWS::Cognito::UserPoolClient', {
      PreventUserExistenceErrors: 'ENABLED',
      GenerateSecret: false,
    });
    template.hasResource('AWS::Cognito::UserPool', { DeletionPolicy: 'Retain' });
    const groups = of('AWS::Cognito::UserPoolGroup').map(([, group]) => group.Properties?.['GroupName']);
    expect(groups.toSorted()).toEqual(['instructor', 'student']);
  });

  it('runs API and controller on the smallest Fargate tasks, secrets from Secrets Manager', () => {
    const tasks = of('AWS::ECS::TaskDefinition').map(([, task]) => task.Properties ?? {});
    expect(tasks).toHaveLength(2);
    for (const task of tasks)
      expect(task).toMatchObject({
        ...{ Cpu: '256', Memory: '512' },
        ContainerDefinitions: [{ HealthCheck: { Command: expect.arrayContaining(['infra/images/app/healthy.mjs']) } }],
      });
    const text = JSON.stringify(tasks);
    expect(text).toContain('"Name":"ARMADA_SECRET","ValueFrom"');
    expect(text).toContain('"Name":"PGPASSWORD","ValueFrom"');
    template.allResourcesProperties('AWS::ECS::Service', {
      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true } },
      EnableExecuteCommand: false,
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: Match.anyValue() });
  });

  it('runs two of each, over four balancers, for a large class', () => {
    const large = Template.fromStack(createStack(sizes.large).stack);
    large.allResourcesProperties('AWS::ECS::Service', { DesiredCount: 2 });
    large.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 4);
  });

  it('grants no service-wide action but to read', () => {
    const statements = [...of('AWS::IAM::Policy'), ...of('AWS::IAM::Role')].flatMap(
      ([, resource]) => JSON.stringify(resource.Properties).match(/"[a-z-]+:\*"/g) ?? [],
    );
    expect(statements).toEqual([]);
    const wide = JSON.stringify(of('AWS::IAM::Policy')).match(/"[a-z-]+:[A-Za-z]*\*"/g) ?? [];
    // Submit*: what the ECS agent of a host reports with; AWS's own policy for agents.
    for (const action of wide) expect(action).toMatch(/:(Describe|List)\*"$|"ecs:Submit\*"/);
  });

  it('mails the instructor about what a person must act on, and about money', () => {
    expect(of('AWS::CloudWatch::Alarm').length).toBeGreaterThanOrEqual(5);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [Match.anyValue()] });
    const missed = of('AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) => Properties?.['TreatMissingData'] === 'breaching',
    );
    expect(missed.map(([id]) => id.replace(/[0-9A-F]{8}$/, '')).toSorted()).toEqual(['AppFull', 'ControllerFull']);
    template.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: { Ref: 'InstructorEmail' },
    });
    template.hasResourceProperties('AWS::Budgets::Budget', { Budget: { TimeUnit: 'MONTHLY' } });
  });
});
