import os from 'node:os';
import { type Certificate, dayOf, faultOf, loadCertificate, warningOf, watchCertificate } from './certificate.ts';
import { type Classroom, StartFault, type StartOptions } from './options.ts';
import { originsOf } from './origins.ts';
import { everyAddress, isFree } from './ports.ts';
import type { ServedClassroom } from './services.ts';

const [httpPort, httpsPort] = [80, 443];
const millisecondsPerDay = 86_400_000;

/** A class that is about to be served to other computers. */
export interface OpenedClassroom {
  readonly served: ServedClassroom;
  /** What the person should know, but need not mend now. */
  readonly warnings: readonly string[];
  /** What must lead to this machine, as lines for the terminal. */
  readonly directions: string;
  /** Tells when the certificate is renewed, is not, and when its end comes near; until this process ends. */
  watch(tell: (line: string) => void): void;
}

/** Looks at the certificate and at the port for http. Throws StartFault where browsers would not come in. */
export async function openClassroom(classroom: Classroom, options: StartOptions): Promise<OpenedClassroom> {
  const { names } = originsOf({ ...options, domain: classroom.domain });
  const certificate = loadCertificate(classroom);
  const fault = faultOf(certificate, names, new Date());
  if (fault !== undefined) throw new StartFault(`${fault} (${classroom.cert})`);
  const soon = warningOf(certificate, new Date());
  // On another port than https's own nobody comes by http's.
  const redirects = options.port === httpsPort;
  const canRedirect = redirects && (await isFree(httpPort, everyAddress));
  return {
    served: { ...classroom, redirectPort: canRedirect ? httpPort : undefined },
    warnings: [
      ...(soon === undefined ? [] : [soon]),
      ...(redirects && !canRedirect
        ? [`Port ${httpPort} is taken: who types http://${classroom.domain} is not sent on to https`]
        : []),
    ],
    directions: `  Other computers   ${names.join(' and ')} must lead to ${addresses().join(' or ') || 'this machine'}\n`,
    watch: tell => watch(certificate, classroom, names, tell),
  };
}

function watch(
  certificate: Certificate,
  files: Classroom,
  names: readonly string[],
  tell: (line: string) => void,
): void {
  let current = certificate;
  watchCertificate(certificate, {
    files,
    names,
    renewed(found) {
      current = found;
      tell(`The certificate is renewed, until ${dayOf(found.leaf.validToDate)}`);
    },
    refused: why => tell(`The certificate’s files have changed and are not used: ${why}`),
  });
  const daily = () => {
    const warning = warningOf(current, new Date());
    if (warning !== undefined) tell(warning);
  };
  setInterval(daily, millisecondsPerDay).unref();
}

/** This machine's own addresses, but for links of ours and others' bridges that nobody else reaches. */
function addresses(): string[] {
  return Object.entries(os.networkInterfaces())
    .filter(([name]) => !/^(ar[0-9a-f]{6}-|docker|br-|veth|virbr)/.test(name))
    .flatMap(([, list]) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
