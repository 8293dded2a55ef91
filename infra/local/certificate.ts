import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { StartFault } from './options.ts';

/** Where a certificate and its key are kept, as PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate with its chain and key, which belong together. */
export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly leaf: X509Certificate;
}

const millisecondsPerDay = 86_400_000;
/** Renewal by ACME comes 30 days before the end; whoever is that near to it has not been renewed. */
const nearDays = 14;

/** Reads both files; throws StartFault, saying what to do, where they can't be read or don't belong together. */
export function loadCertificate(files: CertificateFiles): Certificate {
  const cert = readPem(files.cert, '--cert', 'the certificate and its chain');
  const key = readPem(files.key, '--key', 'the certificate’s private key');
  const leaf = readLeaf(cert, files.cert);
  const own = readKey(key, files.key);
  if (!leaf.checkPrivateKey(own)) {
    const isLater = chainOf(cert).some(each => each.checkPrivateKey(own));
    throw new StartFault(
      isLater
        ? `The certificate’s own part does not come first in ${files.cert}. Put it before the rest of its chain.`
        : `The key in ${files.key} is not that of the certificate in ${files.cert}. Give the pair that was made together.`,
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartFault(`The certificate in ${files.cert} can't be used: ${why}.`, { cause: error });
  }
  return { cert, key, leaf };
}

/**
 * What keeps browsers from accepting a certificate at `names`, as a sentence that says what to do; undefined: nothing.
 * A name may begin with `*.`. Who has signed it is not looked at: that is between browsers and their authorities.
 */
export function faultOf({ leaf }: Certificate, names: readonly string[], now: Date): string | undefined {
  if (leaf.validToDate < now) return `The certificate expired on ${dayOf(leaf.validToDate)}. Renew it.`;
  if (leaf.validFromDate > now)
    return `The certificate is valid from ${dayOf(leaf.validFromDate)} on only. Look at this machine’s clock, or wait.`;
  // Browsers no longer look at the subject.
  const holdsFor = (name: string) =>
    leaf.checkHost(name.replace(/^\*/, 'any'), { subject: 'never', partialWildcards: false }) !== undefined;
  const missing = names.filter(name => !holdsFor(name));
  if (missing.length === 0) return undefined;
  return `The certificate does not hold for ${missing.join(' and ')}. Get one for ${names.join(' and ')}.`;
}

/** A sentence on a certificate that ends soon; undefined while it does not. */
export function warningOf({ leaf }: Certificate, now: Date): string | undefined {
  const days = Math.floor((leaf.validToDate.getTime() - now.getTime()) / millisecondsPerDay);
  if (days >= nearDays) return undefined;
  const left = days < 1 ? 'less than a day' : days === 1 ? 'a day' : `${days} days`;
  return `The certificate ends in ${left}, on ${dayOf(leaf.validToDate)}. Renew it: new files are taken up without a restart.`;
}

/** What a watcher of certificate files is told. */
export interface WatchOptions {
  readonly files: CertificateFiles;
  readonly names: readonly string[];
  readonly everyMilliseconds?: number;
  readonly now?: () => Date;
  /** Called once the files hold another certificate, without fault. */
  readonly renewed: (certificate: Certificate) => void;
  /** Called once for each state of the files that is not taken, with why. */
  readonly refused?: (why: string) => void;
}

/** Half a minute at most is waited for a renewal to be served; reading two small files costs nothing. */
const lookMilliseconds = 5_000;

/** Looks at the files from time to time, whatever way they are replaced; the answer ends it. */
export function watchCertificate(current: Certificate, options: WatchOptions): () => void {
  const { files, names, now = () => new Date() } = options;
  let taken = current;
  let refusal: string | undefined;
  const look = () => {
    let why: string | undefined;
    try {
      const found = loadCertificate(files);
      if (found.cert === taken.cert && found.key === taken.key) {
        refusal = undefined;
        return;
      }
      why = faultOf(found, names, now());
      if (why === undefined) {
        taken = found;
        options.renewed(found);
      }
    } catch (error) {
      // Half written, or cert and key of different times: the next look finds them whole.
      why = error instanceof Error ? error.message : String(error);
    }
    if (why !== undefined && why !== refusal) options.refused?.(why);
    refusal = why;
  };
  const timer = setInterval(look, options.everyMilliseconds ?? lookMilliseconds).unref();
  return () => clearInterval(timer);
}

/** A day as people write it, in UTC: `3 March 2027`. */
export function dayOf(date: Date): string {
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
}

function readPem(file: string, option: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `There is no file ${file}.`
        : code === 'EACCES' || code === 'EPERM'
          ? `This user may not read ${file}. Let it, or start as another.`
          : `${file} can't be read (${String(code)}).`;
    throw new StartFault(`${why} ${option} takes the path of a PEM file with ${what}.`, { cause: error });
  }
}

function readLeaf(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new StartFault(
      `${file} holds no certificate. --cert takes a PEM file that begins with -----BEGIN CERTIFICATE-----.`,
      { cause: error },
    );
  }
}

function readKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new StartFault(
      pem.includes('ENCRYPTED')
        ? `The key in ${file} is locked by a passphrase. Unlock a copy: openssl pkey -in ${file} -out unlocked.pem`
        : `${file} holds no private key. --key takes a PEM file that begins with -----BEGIN PRIVATE KEY-----.`,
      { cause: error },
    );
  }
}

function chainOf(pem: string): X509Certificate[] {
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return parts.flatMap(part => {
    try {
      return [new X509Certificate(part)];
    } catch {
      return [];
    }
  });
}
