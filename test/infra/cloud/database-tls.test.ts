import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * What the template's DATABASE_URL and NODE_EXTRA_CA_CERTS come to, in API and controller's own way to the database: a
 * server that says it is the database is believed if an authority of the image's file vouches for its name.
 */

const folder = mkdtempSync(path.join(os.tmpdir(), 'armada-database-tls-'));
const at = (name: string) => path.join(folder, name);
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

const hasOpenssl = (() => {
  try {
    const run = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
    run('req', '-x509', ...curve, '-subj', '/CN=An authority', '-keyout', 'ca.key', '-out', 'ca.pem');
    for (const name of ['localhost', 'elsewhere.example']) {
      run(
        'req',
        ...curve.slice(0, 5),
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=DNS:${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        'request',
      );
      run(
        'x509',
        '-req',
        '-in',
        'request',
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-copy_extensions',
        'copy',
        '-days',
        '2',
        '-out',
        `${name}.pem`,
      );
    }
    return true;
  } catch {
    return false;
  }
})();
if (!hasOpenssl) console.log('openssl is missing here: the database’s TLS is not tried.');
afterAll(() => rmSync(folder, { recursive: true }));

/** Speaks PostgreSQL as far as its TLS; counts whom it got a startup message from. */
async function startServer(name: string) {
  const server = net.createServer(socket => {
    socket.on('error', () => {});
    // SSLRequest: 8 bytes. Source: PostgreSQL, message formats.
    socket.once('data', () => {
      socket.write('S');
      const key = readFileSync(at(`${name}.key`));
      const cert = readFileSync(at(`${name}.pem`));
      const secure = new tls.TLSSocket(socket, { isServer: true, key, cert });
      secure.on('error', () => {});
      secure.once('data', () => {
        state.believed += 1;
        secure.destroy();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const state = { believed: 0, port: (server.address() as AddressInfo).port, close: () => server.close() };
  return state;
}

const connecting = `
import { createPool } from './api/store/pool.ts';
const pool = createPool(process.env.DATABASE_URL);
await pool.query('select 1').catch(error => console.log(error.code ?? error.message));
await pool.end();
`;

async function connect(port: number, extra: Record<string, string>, mode = 'verify-full'): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', connecting], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: `postgres://armada@localhost:${port}/armada?sslmode=${mode}`,
      PGPASSWORD: 'secret',
      ...extra,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.on('data', chunk => {
    said += chunk;
  });
  await once(child, 'close');
  return said.trim();
}

describe.skipIf(!hasOpenssl)('the way to the database', () => {
  let right: Awaited<ReturnType<typeof startServer>>;
  let other: Awaited<ReturnType<typeof startServer>>;
  beforeAll(async () => {
    [right, other] = await Promise.all([startServer('localhost'), startServer('elsewhere.example')]);
  });
  afterAll(() => {
    right.close();
    other.close();
  });

  it('is not gone with a server that no authority vouches for', async () => {
    expect(await connect(right.port, {})).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT/);
    expect(right.believed).toBe(0);
  });

  it('is gone with one that an authority of the file vouches for, by its name alone', async () => {
    await connect(right.port, { NODE_EXTRA_CA_CERTS: at('ca.pem') });
    expect(right.believed).toBe(1);
    expect(await connect(other.port, { NODE_EXTRA_CA_CERTS: at('ca.pem') })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(other.believed).toBe(0);
    // The control: without the demand an impostor is believed.
    await connect(other.port, {}, 'no-verify');
    expect(other.believed).toBe(1);
  });
});
