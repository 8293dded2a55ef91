import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { faultOf, loadCertificate, warningOf, watchCertificate } from '../../../infra/local/certificate.ts';
import { makeAuthority } from '../../support/certificate.ts';
import { eventually } from '../../support/eventually.ts';

const authority = makeAuthority();
if (!authority) console.log('no openssl found: the tests of certificates are skipped');
const names = ['class.example.edu', '*.s1.class.example.edu'];
const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-certificate-'));
const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
const daysLater = (days: number) => new Date(Date.now() + days * 86_400_000);

describe.skipIf(!authority)('a certificate', () => {
  const nothing = { cert: '', key: '' };
  const { issue, cert: authorityCert } = authority ?? { issue: () => nothing, cert: '' };
  const good = issue(names);
  const write = (cert: string, key: string) => {
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
  };
  beforeEach(() => write(good.cert, good.key));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    authority?.remove();
  });

  it('that holds for the portal and every workspace has no fault, its chain behind it or not', () => {
    expect(faultOf(loadCertificate(files), names, new Date())).toBeUndefined();
    write(good.cert + authorityCert, good.key);
    expect(faultOf(loadCertificate(files), names, new Date())).toBeUndefined();
  });

  it.each([
    [['class.example.edu'], 'does not hold for *.s1.class.example.edu.'],
    [['class.example.edu', '*.class.example.edu'], 'does not hold for *.s1.class.example.edu.'],
    [['*.s1.class.example.edu'], 'does not hold for class.example.edu.'],
    [['other.example.edu'], 'does not hold for class.example.edu and *.s1.class.example.edu.'],
  ])('for %s alone is refused with the names to ask for', (held, why) => {
    const { cert, key } = issue(held);
    write(cert, key);
    const fault = faultOf(loadCertificate(files), names, new Date());
    expect(fault).toContain(why);
    expect(fault).toContain('Get one for class.example.edu and *.s1.class.example.edu.');
  });

  it('is refused before its first and after its last day', () => {
    const certificate = loadCertificate(files);
    expect(faultOf(certificate, names, daysLater(91))).toMatch(
      /^The certificate expired on \d+ \w+ \d{4}\. Renew it\.$/,
    );
    expect(faultOf(certificate, names, daysLater(-2))).toMatch(
      /^The certificate is valid from .* this machine’s clock/,
    );
  });

  it('is warned of in its last two weeks', () => {
    const certificate = loadCertificate(files);
    expect(warningOf(certificate, daysLater(75))).toBeUndefined();
    expect(warningOf(certificate, daysLater(77))).toMatch(/ends in 12 days, on .*taken up without a restart/);
    expect(warningOf(certificate, daysLater(89.5))).toContain('less than a day');
  });

  it.each([
    ['no certificate file', () => rmSync(files.cert), /There is no file .*cert\.pem\. --cert takes/],
    ['no key file', () => rmSync(files.key), /There is no file .*key\.pem\. --key takes/],
    [
      'a folder',
      () => {
        rmSync(files.cert);
        mkdirSync(files.cert);
      },
      /can't be read \(EISDIR\)/,
    ],
    ['something else', () => write('words', good.key), /cert\.pem holds no certificate\. --cert takes/],
    ['the key in both', () => write(good.key, good.key), /cert\.pem holds no certificate/],
    ['the certificate in both', () => write(good.cert, good.cert), /key\.pem holds no private key\. --key takes/],
    ['another’s key', () => write(good.cert, issue(names).key), /is not that of the certificate.*made together/],
    ['the chain first', () => write(authorityCert + good.cert, good.key), /does not come first in .*cert\.pem/],
    [
      'a locked key',
      () => {
        const args = ['pkey', '-aes256', '-passout', 'pass:secret', '-in', files.key, '-out', `${files.key}.locked`];
        execFileSync('openssl', args);
        execFileSync('mv', [`${files.key}.locked`, files.key]);
      },
      /locked by a passphrase.*openssl pkey/,
    ],
  ])('with %s says what to do', (_, spoil, sentence) => {
    spoil();
    expect(() => loadCertificate(files)).toThrow(sentence);
    rmSync(files.cert, { recursive: true, force: true });
  });

  it.skipIf(process.getuid?.() !== 0)('that its user may not read says so', () => {
    chmodSync(folder, 0o755);
    chmodSync(files.key, 0o600);
    const program = `import { loadCertificate } from ${JSON.stringify(path.resolve('infra/local/certificate.ts'))};
      try { process.setuid(65534); loadCertificate(${JSON.stringify(files)}); } catch (error) { console.log(error.message); }`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(said).toMatch(/This user may not read .*key\.pem\. Let it/);
  });

  it('that is renewed is taken up once it is whole, and a wrong one is not', async () => {
    const renewed: string[] = [];
    const refused: string[] = [];
    const end = watchCertificate(loadCertificate(files), {
      files,
      names,
      everyMilliseconds: 5,
      renewed: ({ cert }) => renewed.push(cert),
      refused: why => refused.push(why),
    });
    const next = issue(names);
    writeFileSync(files.cert, next.cert);
    await eventually(() => refused.at(-1)?.includes('is not that of the certificate') ?? false);
    expect(renewed).toEqual([]);
    writeFileSync(files.key, next.key);
    await eventually(() => renewed.at(-1) === next.cert);
    const wrong = issue(['other.example.edu']);
    writeFileSync(files.key, wrong.key);
    writeFileSync(files.cert, wrong.cert);
    await eventually(() => refused.at(-1)?.includes('does not hold for') ?? false);
    expect(renewed).toEqual([next.cert]);
    end();
  });
});
