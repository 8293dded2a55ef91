import { readFileSync } from 'node:fs';
import { chmod, copyFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { openDataFolder } from '../../infra/local/data-folder.ts';
import { type Services, startServices } from '../../infra/local/services.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, temporaryDataFolder } from '../support/product.ts';
import { cpuSecondsOf } from './cpu.ts';

/** Everything but IDEs: PostgreSQL, local AWS, API and controller as real processes, with trivial servers as images. */
export interface Deployment {
  readonly services: Services;
  readonly port: number;
  /** A request to the API as the operator; answers with the parsed JSON, throws above 299. */
  call(method: string, path: string, body?: object): Promise<unknown>;
  /** AWS calls since the last time this was asked, by operation. */
  calls(): Promise<Readonly<Record<string, number>>>;
  readonly token: string;
  /** CPU seconds of API, controller and local AWS so far; tasks are not in it. */
  cpuSeconds(): number;
  close(): Promise<void>;
}

export type StubImage = 'bench/gate:now' | 'bench/gate:late';

/** Starts one; `gate` is the image that every workspace gets. */
export async function startDeployment(gate: StubImage): Promise<Deployment> {
  const folder = await temporaryDataFolder();
  const data = openDataFolder(folder.path);
  const stub = path.join(data.stage, 'stub.pl');
  await copyFile(path.join(import.meta.dirname, 'stub.pl'), stub);
  await chmod(stub, 0o644);
  const port = await anyPort();
  const services = await startServices(
    {
      data,
      port,
      email: 'instructor@armada.localhost',
      databaseUrl: undefined,
      awsScript: path.join(import.meta.dirname, 'aws.ts'),
      images: { gate, ide: 'bench/ide:none' },
      report: () => {},
    },
    new AbortController().signal,
  );
  let asked = 0;
  const api = `http://localhost:${port}/v1`;
  return {
    services,
    port,
    async call(method, route, body) {
      const response = await fetch(`${api}${route}`, {
        method,
        headers: {
          authorization: `Bearer ${data.secrets.operatorToken}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        body: body ? JSON.stringify(body) : undefined,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
      return text ? JSON.parse(text) : undefined;
    },
    async calls() {
      const file = path.join(folder.path, `calls-${++asked}.json`);
      services.tell({ type: 'calls', file });
      return JSON.parse(await eventually(() => readFile(file, 'utf8')));
    },
    token: data.secrets.operatorToken,
    cpuSeconds: () =>
      cpuSecondsOf(
        ['aws', 'api', 'controller'].map(
          name => JSON.parse(readFileSync(path.join(data.logs, `${name}.pid`), 'utf8')).pid,
        ),
      ),
    async close() {
      await services.stop();
      data.release();
      await folder.remove();
    },
  };
}
