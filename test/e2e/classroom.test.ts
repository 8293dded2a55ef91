import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../support/certificate.ts';
import { chromiumIsThere, openChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { type OtherComputer, otherComputer } from '../support/other-computer.ts';
import { anyPort, type Product, startProduct, temporaryDataFolder } from '../support/product.ts';
import { openTerminal, serverProgram, type } from './editor.ts';
import { makeClassOfAda, openEditorOfAda, signInAsInstructor } from './instructor.ts';

const root = process.platform === 'linux' && process.getuid?.() === 0;
const authority = makeAuthority();
if (!root || !authority) console.log('not root on Linux, or no openssl: the test of a classroom is skipped');

const domain = 'class.example.edu';
const names = [domain, `*.s1.${domain}`];

/** A class that other computers reach over TLS, seen from one: a network namespace of its own. */
describe.skipIf(!root || !authority || !chromiumIsThere)('a classroom', () => {
  let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
  let product: Product;
  let outside: OtherComputer;
  let browser: Browser;
  let page: Page;
  let port: number;
  let slug: string;
  const files = { cert: '', key: '' };

  const renew = (held: readonly string[]) => {
    const { cert, key } = authority!.issue(held);
    writeFileSync(files.key, key, { mode: 0o600 });
    writeFileSync(files.cert, cert);
    return new X509Certificate(cert);
  };
  const portal = () => `https://${domain}:${port}`;
  const workspace = () => `https://${slug}.s1.${domain}:${port}`;

  beforeAll(async () => {
    folder = await temporaryDataFolder();
    files.cert = path.join(folder.path, 'cert.pem');
    files.key = path.join(folder.path, 'key.pem');
    const certificate = renew(names);
    port = await anyPort();
    outside = otherComputer();
    const args = ['--domain', domain, '--cert', files.cert, '--key', files.key];
    product = await startProduct({ data: path.join(folder.path, 'data'), port, args, sharesEditor: true });
    const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
    browser = await openChromium(
      [
        `--host-resolver-rules=MAP ${domain} ${outside.here}, MAP *.${domain} ${outside.here}`,
        // Chromium has no option for an authority; the clients below check the whole chain.
        `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`,
      ],
      executable => outside.wrapped(executable),
    );
    page = await (await browser.newContext()).newPage();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await product?.end('SIGINT');
    outside?.remove();
    authority?.remove();
    await folder?.remove();
  });

  /** Asks from the other computer, trusting the authority alone; answers with status, and the certificate's number. */
  async function ask(
    name: string,
    host = `${name}:${port}`,
  ): Promise<{ status?: number; serial?: string; error?: string }> {
    const program = `import https from 'node:https';
      const options = { host: '${outside.here}', port: ${port}, path: '/sign-in', servername: '${name}', headers: { host: '${host}', accept: 'application/json' }, ca: process.env.CA };
      const request = https.get(options, answer => {
        console.log(JSON.stringify({ status: answer.statusCode, serial: answer.socket.getPeerCertificate().serialNumber }));
        process.exit(0);
      });
      request.on('error', error => { console.log(JSON.stringify({ error: error.code ?? error.message })); });`;
    return JSON.parse(await outside.node(program, { CA: authority!.cert }));
  }

  /** Which of these addresses let a connection in from the other computer. */
  async function open(addresses: readonly (readonly [string, number])[]): Promise<unknown> {
    const program = `import net from 'node:net';
      const tried = ${JSON.stringify(addresses)}.map(([host, port]) => new Promise(resolve => {
        const socket = net.connect(port, host);
        socket.on('connect', () => resolve([[host, port]])).on('error', () => resolve([]));
        setTimeout(() => resolve([]), 2000).unref();
      }));
      console.log(JSON.stringify((await Promise.all(tried)).flat()));
      process.exit(0);`;
    return JSON.parse(await outside.node(program));
  }

  it('says where it is and what must lead to this machine', () => {
    expect(product.output()).toContain(`Armada is ready:  ${portal()}`);
    expect(product.output()).toContain(`${domain} and *.s1.${domain} must lead to`);
  });

  it('answers another computer over TLS that holds for the portal and every workspace', async () => {
    expect(await ask(domain)).toMatchObject({ status: 200 });
    expect(await ask(`any.s1.${domain}`)).toMatchObject({ status: 503 });
    expect(await ask('other.example.edu')).toMatchObject({ error: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('refuses a host that is not its own', async () => {
    expect(await ask(domain, 'other.example.edu')).toMatchObject({ status: 421 });
    expect(await ask(domain, `any.localhost:${port}`)).toMatchObject({ status: 421 });
  });

  it('signs the instructor in, with cookies for TLS alone', async () => {
    await signInAsInstructor(page, { ...product, url: portal() });
    const cookies = await page.context().cookies();
    expect(cookies.length).toBeGreaterThan(0);
    expect(cookies.every(({ secure, httpOnly, name }) => secure && httpOnly && name.startsWith('__Host-'))).toBe(true);
  });

  it('wakes a workspace by its address and opens the editor there', async () => {
    slug = await makeClassOfAda(page);
    await page.goto(`${workspace()}/`);
    expect(page.url()).toBe(`${portal()}/wake/${slug}`);
    await openEditorOfAda(page);
    expect(new URL(page.url()).origin).toBe(workspace());
  });

  it('carries the editor’s terminal and a program’s own WebSocket', async () => {
    await openTerminal(page);
    const encoded = Buffer.from(serverProgram).toString('base64');
    await type(page, `echo ${encoded} | base64 -d > server.cjs; node server.cjs &`);
    const preview = await page.context().newPage();
    await eventually(
      async () => {
        await preview.goto(`${workspace()}/proxy/4321/`);
        return (await preview.innerText('body')) === 'own page';
      },
      { every: 200 },
    );
    const echoed = await preview.evaluate(
      address =>
        new Promise(resolve => {
          const socket = new WebSocket(address);
          socket.onmessage = event => resolve(event.data);
          socket.onclose = () => resolve('closed');
        }),
      `${workspace().replace('https', 'wss')}/proxy/4321/`,
    );
    expect(echoed).toBe('hello');
    await preview.close();
  });

  it('invites students by the address that they can reach', async () => {
    await page.goto(`${portal()}/outbox`);
    await page.getByText('ada@school.example').first().waitFor();
    expect(await page.innerText('body')).toContain(`${portal()}\n`);
  });

  it('lets the other computer reach nothing else of this machine', async () => {
    const data = path.join(folder.path, 'data');
    const { aws, api } = JSON.parse(readFileSync(path.join(data, 'ports.json'), 'utf8'));
    // PostgreSQL's own note: its fourth line is the port.
    const note = readdirSync(path.join(data, 'postgres'), { recursive: true, encoding: 'utf8' }).find(name =>
      name.endsWith('postmaster.pid'),
    );
    const database = Number(readFileSync(path.join(data, 'postgres', note!), 'utf8').split('\n')[3]);
    const { gate, address } = publishedGate(path.join(data, 'tasks'));
    const inner = [aws, api, database, gate];
    expect(await Promise.all(inner.map(each => connects(each)))).toEqual([true, true, true, true]);
    expect(await open(inner.map(each => [outside.here, each]))).toEqual([]);
    // Nor does a neighbour who sends here what is meant for tasks.
    outside.route('10.208.0.0/12');
    expect(await open([...inner, 4321].map(each => [address, each]))).toEqual([]);
    expect(await open([[outside.here, port]])).toEqual([[outside.here, port]]);
  });

  it('takes a renewed certificate up without a restart, and not one for other names', async () => {
    renew(['other.example.edu']);
    await eventually(() => product.output().includes('are not used: The certificate does not hold for'));
    const { serialNumber } = renew(names);
    await eventually(async () => (await ask(domain)).serial === serialNumber, { every: 500 });
    await eventually(() => product.output().includes('The certificate is renewed'));
  });
});

/** The one task's gate, as the rules of the network name it: its port on this machine, and its task's address. */
function publishedGate(tasks: string): { gate: number; address: string } {
  const mark = createHash('sha256').update(tasks).digest('hex').slice(0, 6);
  const map = execFileSync('nft', ['list', 'map', 'inet', `armada_ar${mark}`, 'ports'], { encoding: 'utf8' });
  const [, gate = '', address = ''] = /(\d+) : (10\.[\d.]+)/.exec(map) ?? [];
  return { gate: Number(gate), address };
}

/** Whether this machine itself gets in. */
function connects(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
