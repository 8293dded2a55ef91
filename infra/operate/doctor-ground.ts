import { DescribeClustersCommand, ListTaskDefinitionsCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { DescribeFileSystemsCommand, paginateDescribeAccessPoints } from '@aws-sdk/client-efs';
import { type DoctorOptions, type Finding, ok, quota, wrong } from './finding.ts';

/** Source: Amazon ECS and EFS quotas. */
const servicesPerCluster = 5000;
const accessPointsPerFileSystem = 10_000;
const portalMilliseconds = 10_000;

/** The cluster, its capacity provider and how many services it has. */
export async function checkCluster({ clients, deployment }: DoctorOptions): Promise<readonly Finding[]> {
  const { capacityProvider, cluster } = deployment;
  const { clusters } = await clients.ecs.send(new DescribeClustersCommand({ clusters: [cluster] }));
  const found = clusters?.[0];
  if (found?.status !== 'ACTIVE')
    return [wrong(`cluster: ${cluster} is ${found?.status ?? 'not there'}. Check the region and ARMADA_CLUSTER.`)];
  await clients.ecs.send(new ListTasksCommand({ cluster, maxResults: 1 }));
  const findings = [
    ok(
      `cluster: ${cluster}, ${found.registeredContainerInstancesCount ?? 0} hosts, ${found.runningTasksCount ?? 0} tasks`,
    ),
    quota(
      'cluster: services',
      found.activeServicesCount ?? 0,
      servicesPerCluster,
      'Ask for more: https://console.aws.amazon.com/servicequotas (Amazon ECS).',
    ),
  ];
  if (capacityProvider && !found.capacityProviders?.includes(capacityProvider))
    findings.push(wrong(`cluster: has no capacity provider ${capacityProvider}, so no host starts. Update the stack.`));
  return findings;
}

/** Whether task definitions can be read at all: the controller compares them. */
export async function checkTaskDefinitions({ clients }: DoctorOptions): Promise<readonly Finding[]> {
  await clients.ecs.send(new ListTaskDefinitionsCommand({ maxResults: 1 }));
  return [ok('task definitions: can be read')];
}

/** The file system of the homes and its access points. */
export async function checkFiles({ clients, deployment, local }: DoctorOptions): Promise<readonly Finding[]> {
  const { fileSystemId: FileSystemId } = deployment;
  const { FileSystems } = await clients.efs.send(new DescribeFileSystemsCommand({ FileSystemId }));
  const found = FileSystems?.[0];
  const findings = [
    found?.LifeCycleState === 'available'
      ? ok(`file system: ${FileSystemId} is available`)
      : wrong(`file system: ${FileSystemId} is ${found?.LifeCycleState ?? 'not there'}. Wait, or see the EFS console.`),
    found?.Encrypted
      ? ok('file system: encrypted')
      : wrong('file system: not encrypted, which can’t be changed later. Move the homes to an encrypted one.'),
  ];
  if (!local && !found?.NumberOfMountTargets)
    findings.push(wrong('file system: no mount targets, so no home can be reached. Update the stack.'));
  let points = 0;
  for await (const page of paginateDescribeAccessPoints({ client: clients.efs }, { FileSystemId }))
    points += page.AccessPoints?.length ?? 0;
  const then = 'Remove classes that are over, or ask for more: https://console.aws.amazon.com/servicequotas (EFS).';
  findings.push(quota('file system: homes (access points)', points, accessPointsPerFileSystem, then));
  return findings;
}

/** The portal's name, its certificate as any browser judges it, and whether the app answers there. */
export async function checkPortal({ deployment, signal }: DoctorOptions): Promise<readonly Finding[]> {
  const { portalUrl } = deployment;
  if (!URL.canParse(portalUrl)) return [wrong('portal: no address in the settings. Set ARMADA_PORTAL_URL.')];
  const { hostname, protocol } = new URL(portalUrl);
  const findings: Finding[] = [];
  if (protocol !== 'https:' && hostname !== 'localhost' && hostname !== '127.0.0.1')
    findings.push(
      wrong(`portal: ${portalUrl} is not HTTPS: passwords can be read on the way. Give the stack a domain.`),
    );
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(portalMilliseconds)]);
  const answer = await fetch(`${portalUrl}/healthz`, { signal: timeout }).catch((error: unknown) => reasonOf(error));
  if (typeof answer === 'string')
    findings.push(
      wrong(
        `portal: ${portalUrl} can't be reached (${answer}). Check the domain's records and certificate (ACM console).`,
      ),
    );
  else if (!answer.ok)
    findings.push(wrong(`portal: ${portalUrl}/healthz answers ${answer.status}. See the Api service's log.`));
  else findings.push(ok(`portal: ${portalUrl} answers`));
  return findings;
}

/** The code that Node gives beside fetch's own error: ENOTFOUND, CERT_HAS_EXPIRED, ECONNREFUSED… */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}
