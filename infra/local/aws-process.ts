import os from 'node:os';
import path from 'node:path';
import type { Driver } from './aws/ecs/driver.ts';
import { createProcessDriver, type ImageTable } from './aws/ecs/drivers/process.ts';
import type { ServedCertificate } from './aws/elb/site.ts';
import { type LocalAws, startLocalAws } from './aws/local-aws.ts';
import type { FileSystems } from './aws/ports.ts';
import { loadCertificate, watchCertificate } from './certificate.ts';
import { certificateArn, redirectListenerPort, securePort } from './listeners.ts';

export interface Machine {
  /** MiB that tasks share with the rest of this machine; what it has by default. */
  readonly memory?: number;
  /** The real port of a listener's port; every listener is on the public port by default. */
  readonly listenerPort?: (port: number) => number;
  /** What runs tasks; processes of this machine by default. */
  readonly driver?: (given: { readonly fileSystems: FileSystems; readonly logsDirectory: string }) => Driver;
}

/** What the supervisor says of TLS, in ARMADA_LOCAL_TLS; without it only this machine's browsers are served. */
export interface TlsSettings {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  /** Host names for which the certificate holds, also once it is renewed. */
  readonly names: readonly string[];
  /** Port from which browsers are sent on to TLS. */
  readonly redirectPort?: number | undefined;
}

/** Every address of this machine. */
const everywhere = ['0.0.0.0', '::'];

/**
 * Makes this process the local AWS: endpoint, balancer and tasks, with settings from the environment that the
 * supervisor gave it, until SIGTERM or the supervisor's end.
 */
export async function runLocalAws(images: ImageTable, machine: Machine = {}): Promise<LocalAws> {
  const data = setting('ARMADA_LOCAL_DATA');
  const logsDirectory = path.join(data, 'logs', 'tasks');
  const publicPort = Number(setting('ARMADA_LOCAL_PUBLIC_PORT'));
  const tls: TlsSettings | undefined = JSON.parse(process.env['ARMADA_LOCAL_TLS'] ?? 'null') ?? undefined;
  const certificate = tls && serveCertificate(tls);
  const aws = await startLocalAws({
    stateFile: path.join(data, 'aws.sqlite'),
    homes: path.join(data, 'homes'),
    credentials: { accessKeyId: setting('AWS_ACCESS_KEY_ID'), secretAccessKey: setting('AWS_SECRET_ACCESS_KEY') },
    driver: fileSystems =>
      machine.driver?.({ fileSystems, logsDirectory }) ??
      createProcessDriver({ fileSystems, images, directory: path.join(data, 'tasks'), logsDirectory }),
    instances: instancesOf(machine.memory ?? os.totalmem() / 2 ** 20),
    port: Number(setting('ARMADA_LOCAL_AWS_PORT')),
    listenerPort: machine.listenerPort ?? (port => realPort(port, publicPort, tls)),
    ...(certificate
      ? { addresses: everywhere, certificate: arn => (arn === certificateArn ? certificate : undefined) }
      : {}),
    // On one machine mails only go to the outbox: as with SES set up, not as with Cognito's own 50 a day.
    mailsPerDay: 10_000,
    outboxToken: setting('ARMADA_LOCAL_OUTBOX_TOKEN'),
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    void aws.close().finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  // Without a supervisor there is nobody to end this process.
  process.on('disconnect', stop);
  return aws;
}

/** With TLS nothing else is served: a listener that an earlier start left in plain is on its way to TLS. */
function realPort(listenerPort: number, publicPort: number, tls: TlsSettings | undefined): number | undefined {
  if (listenerPort === redirectListenerPort) return tls?.redirectPort;
  return tls && listenerPort !== securePort ? undefined : publicPort;
}

/** The certificate in the files, read again whenever they change. */
function serveCertificate(files: TlsSettings): ServedCertificate {
  let current = loadCertificate(files);
  const listeners = new Set<() => void>();
  watchCertificate(current, {
    files,
    names: files.names,
    renewed(certificate) {
      current = certificate;
      for (const listener of listeners) listener();
    },
  });
  return {
    current: () => current,
    onRenewal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Container instances of 8 GiB out of four fifths of this machine's memory; one smaller one where it has less. */
function instancesOf(machineMebibytes: number) {
  const usable = Math.floor(machineMebibytes * 0.8);
  const memory = Math.min(8192, usable);
  // CPU is shared on one machine: only memory decides how many fit.
  return { memory, cpu: 1024 * 1024, min: 1, max: Math.max(1, Math.floor(usable / memory)) };
}

/** A setting of this process; throws when it is missing, for only the supervisor starts it. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
