import { checkAddress } from './doctor-address.ts';
import { checkBalancer, checkRegion } from './doctor-balancers.ts';
import { checkCluster, checkFiles, checkPortal, checkTaskDefinitions } from './doctor-ground.ts';
import { checkClient, checkGroups, checkPool } from './doctor-people.ts';
import { checkHosts } from './doctor-quotas.ts';
import { checkRights } from './doctor-rights.ts';
import { type DoctorOptions, denied, type Finding, wrong } from './finding.ts';

/**
 * Looks, by calls that change nothing, whether a deployment's resources are there and fit, how far its quotas are used
 * and whether this identity may write; one line each. Answers whether nothing must be mended.
 */
export async function doctor(options: DoctorOptions): Promise<boolean> {
  const { deployment, signal } = options;
  const checks: [about: string, check: () => Promise<readonly Finding[]>][] = [
    ['cluster', () => checkCluster(options)],
    ['task definitions', () => checkTaskDefinitions(options)],
    ...deployment.balancers.map(({ listenerArn, domain }): [string, () => Promise<readonly Finding[]>] => [
      `balancer of ${domain}`,
      () => checkBalancer(options, listenerArn, domain),
    ]),
    ...deployment.balancers.map((balancer): [string, () => Promise<readonly Finding[]>] => [
      `workspaces of ${balancer.domain}`,
      () => checkAddress(options, balancer),
    ]),
    ['balancers', () => checkRegion(options)],
    ['file system', () => checkFiles(options)],
    ['user pool', () => checkPool(options)],
    ['sign-in client', () => checkClient(options)],
    ['groups', () => checkGroups(options)],
    ['portal', () => checkPortal(options)],
    ['hosts', () => checkHosts(options)],
    ['rights', () => checkRights(options)],
  ];
  let healthy = true;
  for (const [about, check] of checks) {
    signal.throwIfAborted();
    const findings = await check().catch((error: unknown) => [failureOf(about, error)]);
    for (const { tone, text } of findings) {
      options.report(`${{ ok: 'ok   ', note: 'note ', wrong: 'WRONG' }[tone]}  ${text}`);
      if (tone === 'wrong') healthy = false;
    }
  }
  options.report(
    'note   Rights that hang on a thing being there (to delete it, to make it) can’t be tried without one: they are in the stack’s roles (infra/cloud/roles.ts).',
  );
  return healthy;
}

const credentialsRefused =
  /UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|ExpiredToken/;

/** What an AWS error means for who runs this. */
function failureOf(about: string, error: unknown): Finding {
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : String(error);
  if (denied.test(name))
    return wrong(`${about}: not allowed to look (${message}). Give this identity the right to read it.`);
  if (credentialsRefused.test(name))
    return wrong(`${about}: AWS refuses these credentials (${name}). Sign in again, e.g. aws sso login.`);
  if (/NotFound/.test(name))
    return wrong(`${about}: not there (${message}). Check the settings and the region, or update the stack.`);
  return wrong(`${about}: could not be read (${name}: ${message}). Check region and network, then run doctor again.`);
}
