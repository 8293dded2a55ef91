import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { Clients } from '../../reconcilers/aws/clients.ts';
import type { Deployment } from './deployment.ts';

/** What `doctor` looks at and with what. */
export interface DoctorOptions {
  readonly clients: Clients;
  readonly quotas: ServiceQuotasClient;
  readonly deployment: Deployment;
  /** Students that are to work at once: what the hosts must hold. */
  readonly students: number;
  readonly memory: number;
  /** A local AWS: it has no mount targets and no certificates. */
  readonly local: boolean;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/** One line of `doctor`: `wrong` must be mended, `note` is worth knowing. The text says what to do. */
export interface Finding {
  readonly tone: 'ok' | 'note' | 'wrong';
  readonly text: string;
}

/** All is as it should be. */
export const ok = (text: string): Finding => ({ tone: 'ok', text });

/** Works, but a person should know. */
export const note = (text: string): Finding => ({ tone: 'note', text });

/** Does not work, or will not; the text ends with what to do. */
export const wrong = (text: string): Finding => ({ tone: 'wrong', text });

/** Names of AWS's refusals for want of a right. */
export const denied = /AccessDenied|UnauthorizedOperation|NotAuthorizedException/;

/** A quota's use: a note from nine tenths on, wrong when nothing is left. */
export function quota(what: string, used: number, of: number, then: string): Finding {
  const text = `${what}: ${used} of ${of}`;
  if (used >= of) return wrong(`${text}, nothing left. ${then}`);
  return used >= of * 0.9 ? note(`${text}. ${then}`) : ok(text);
}
