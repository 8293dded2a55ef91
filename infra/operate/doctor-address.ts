import tls from 'node:tls';
import { workspaceUrl } from '../../api/resources/host.ts';
import type { Deployment } from './deployment.ts';
import { type DoctorOptions, type Finding, note, ok, wrong } from './finding.ts';

/** AWS renews its certificates 60 days ahead; with less than this left something keeps it from that. */
const fewDays = 21;
const handshakeMilliseconds = 10_000;
const dayMilliseconds = 86_400_000;
/** Any name below a balancer's domain: its wildcard must hold for all. */
const anyWorkspace = 'doctor';

/**
 * Whether workspaces' names at a balancer lead somewhere, by a certificate that a browser takes and that lasts; and,
 * where they share one name, what that gives up.
 */
export async function checkAddress(
  { deployment: { portalUrl }, local, signal }: Pick<DoctorOptions, 'deployment' | 'local' | 'signal'>,
  balancer: Deployment['balancers'][number],
): Promise<readonly Finding[]> {
  const { domain, path } = balancer;
  const shared = path
    ? [note('workspaces: without a domain they share one origin, so students’ pages are not kept from each other.')]
    : [];
  if (local || !URL.canParse(portalUrl)) return shared;
  const { hostname, port, protocol } = new URL(workspaceUrl(anyWorkspace, balancer, portalUrl));
  if (protocol !== 'https:') return shared;
  const days = await certificateDays(hostname, Number(port || '443'), signal);
  if (typeof days === 'string')
    return [
      ...shared,
      wrong(
        `workspaces: ${hostname} can't be reached by TLS (${days}). Make the record *.${domain} and a certificate for it: Route 53 and ACM consoles.`,
      ),
    ];
  return [
    ...shared,
    days < fewDays
      ? wrong(
          `workspaces: the certificate of ${hostname} ends in ${days} days and is not renewed. See whether its validation record still stands: ACM console.`,
        )
      : ok(`workspaces: ${hostname} answers by TLS; its certificate lasts ${days} days`),
  ];
}

/** Whole days that a server's certificate still holds; or why it can't be had. */
function certificateDays(host: string, port: number, signal: AbortSignal): Promise<number | string> {
  return new Promise(resolve => {
    const socket = tls.connect({ host, port, servername: host });
    const end = (answer: number | string) => {
      signal.removeEventListener('abort', aborted);
      socket.destroy();
      resolve(answer);
    };
    const aborted = () => end('stopped');
    signal.addEventListener('abort', aborted, { once: true });
    socket.setTimeout(handshakeMilliseconds, () => end('no answer'));
    socket.once('error', error => end('code' in error ? String(error.code) : error.message));
    socket.once('secureConnect', () => {
      const until = Date.parse(socket.getPeerCertificate().valid_to);
      end(Math.floor((until - Date.now()) / dayMilliseconds));
    });
  });
}
