import fs from 'node:fs';
import net from 'node:net';
import { StartFault } from './options.ts';

/** The loopback ports of the local AWS and the API. */
export interface InnerPorts {
  readonly aws: number;
  readonly api: number;
}

/** The ports of the last start while they are free: running tasks were told where to report. */
export async function rememberedPorts(file: string): Promise<InnerPorts> {
  const last: Partial<InnerPorts> = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const ports = { aws: await freePort(last.aws), api: await freePort(last.api) };
  fs.writeFileSync(file, JSON.stringify(ports), { mode: 0o600 });
  return ports;
}

/** A loopback port that is free now: `wanted` if it is, else any. */
async function freePort(wanted = 0): Promise<number> {
  const port = await tryPort(wanted);
  if (port !== undefined) return port;
  const any = await tryPort(0);
  if (any === undefined) throw new Error('no loopback port is free');
  return any;
}

/** Throws StartFault when the port that the person asked for can't be had. */
export async function demandPort(port: number): Promise<void> {
  if ((await tryPort(port)) !== undefined) return;
  const hint = port < 1024 ? ' (ports below 1024 need root)' : '';
  throw new StartFault(
    `Port ${port} is taken${hint}. Stop what uses it, or choose another: npm start -- --port ${port + 1}`,
  );
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = net.createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
