import { type ChildProcess, spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import type { Pool } from 'pg';
import { createPool } from '../../api/store/pool.ts';

/**
 * The floors of the start benches. F spawns the same servers with the same concurrency and waits for one GET each.
 * F+ also keeps the promises: the wish committed to disk, a route added, the outcome committed, a GET through a proxy.
 */

const stub = path.join(import.meta.dirname, 'stub.pl');
const agent = new http.Agent({ keepAlive: false });

export interface FloorOptions {
  readonly ports: readonly number[];
  /** Seconds before a server listens. */
  readonly delay: number;
  /** Present for F+. */
  readonly pool?: Pool;
}

/** Starts one server a port, all at once; answers with the milliseconds each took and how to end them all. */
export async function startFloor({ ports, delay, pool }: FloorOptions) {
  const children: ChildProcess[] = [];
  const routes = new Map<string, number>();
  const proxy = pool ? await startProxy(routes) : undefined;
  const start = performance.now();
  const took = await Promise.all(
    ports.map(async port => {
      const name = `floor-${port}`;
      await pool?.query('insert into wish values ($1, true)', [name]);
      const env = { PORT: String(port), NAME: name, DELAY: delay ? String(delay) : '' };
      children.push(spawn('perl', [stub], { env, stdio: 'ignore' }));
      await answered(port, name, undefined);
      if (proxy) {
        routes.set(name, port);
        await pool?.query('insert into outcome values ($1, true)', [name]);
        await answered(proxy.port, name, name);
      }
      return performance.now() - start;
    }),
  );
  return {
    took,
    async stop() {
      const stopping = performance.now();
      await Promise.all(
        children.map(async (child, index) => {
          await pool?.query('delete from wish where name = $1', [`floor-${ports[index]}`]);
          const gone = new Promise(resolve => child.once('exit', resolve));
          child.kill('SIGTERM');
          await gone;
          await pool?.query('delete from outcome where name = $1', [`floor-${ports[index]}`]);
        }),
      );
      const milliseconds = performance.now() - stopping;
      proxy?.server.close();
      return milliseconds;
    },
  };
}

/** A database of F+'s own, beside the product's on the same server, so that both pay the same disk. */
export async function openFloorDatabase(url: string): Promise<Pool> {
  const admin = createPool(url);
  await admin.query('create database floor');
  await admin.end();
  const own = new URL(url);
  own.pathname = '/floor';
  const pool = createPool(own.href);
  await pool.query('create table wish (name text, running boolean)');
  await pool.query('create table outcome (name text, running boolean)');
  return pool;
}

const longestStartSeconds = 60;

/** Resolves once a GET answers with `name`; asks again after 2 ms while the server is not there yet, for a minute. */
export async function answered(port: number, name: string, host: string | undefined): Promise<void> {
  const end = performance.now() + longestStartSeconds * 1000;
  for (;;) {
    if ((await get(port, host)) === name) return;
    if (performance.now() > end) throw new Error(`${name} did not answer at port ${port}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

function get(port: number, host: string | undefined): Promise<string | undefined> {
  return new Promise(resolve => {
    const request = http.get({ host: '127.0.0.1', port, agent, headers: host ? { host } : {} }, response => {
      let body = '';
      response.setEncoding('utf8').on('data', chunk => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
      response.on('error', () => resolve(undefined));
    });
    request.on('error', () => resolve(undefined));
  });
}

async function startProxy(routes: ReadonlyMap<string, number>) {
  const server = http.createServer((request, response) => {
    const port = routes.get(request.headers.host ?? '');
    if (!port) return void response.writeHead(404).end();
    const upstream = http.request(
      { host: '127.0.0.1', port, path: request.url, method: request.method, agent },
      answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0 };
}
