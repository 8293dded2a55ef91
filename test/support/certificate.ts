import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A certificate authority of a test, and what it signs: PEM texts. */
export interface Authority {
  /** What clients are told to trust. */
  readonly cert: string;
  /** A certificate that holds for these host names from today on; undefined days: 90. */
  issue(names: readonly string[], days?: number): { readonly cert: string; readonly key: string };
  /** Forgets the authority's key. */
  remove(): void;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes an authority with openssl; undefined where it is missing. */
export function makeAuthority(): Authority | undefined {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-authority-'));
  const file = (name: string) => path.join(folder, name);
  const read = (name: string) => readFileSync(file(name), 'utf8');
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    openssl('req', '-x509', ...curve, '-days', '90', '-subj', '/CN=a test', '-keyout', 'ca.key', '-out', 'ca.pem');
  } catch {
    remove();
    return undefined;
  }
  return {
    cert: read('ca.pem'),
    issue(names, days = 90) {
      writeFileSync(file('names'), `subjectAltName=${names.map(name => `DNS:${name}`).join(',')}\n`);
      openssl('req', ...curve, '-subj', '/CN=a class', '-keyout', 'own.key', '-out', 'own.csr');
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'];
      openssl('x509', '-req', '-in', 'own.csr', ...signed, '-days', String(days), '-out', 'own.pem');
      return { cert: read('own.pem'), key: read('own.key') };
    },
    remove,
  };
}
