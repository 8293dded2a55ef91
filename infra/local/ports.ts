import fs from 'node:fs';
import net from 'node:net';
import { StartFault } from './options.ts';

/** The loopback ports of the local AWS and the API. */
export interface InnerPorts {
  readonly aws: number;
  readonly api: number;
}

/** Where other computers reach this machine. */
export const everyAddress = '0.0.0.0';

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
  if (typeof port === 'number') return port;
  const any = await tryPort(0);
  if (typeof any !== 'number') throw new Error(`no loopback port is free: ${any}`);
  return any;
}

/** Throws StartFault when the port that the person asked for can't be had at this address. */
export async function demandPort(port: number, address: string): Promise<void> {
  const tried = await tryPort(port, address);
  if (typeof tried === 'number') return;
  if (tried === 'EACCES')
    throw new StartFault(
      `Port ${port} is for root only. Start as root, or choose one above 1023: npm start -- --port 8080`,
    );
  const other = port < 1024 ? 8000 + port : port + 1;
  throw new StartFault(`Port ${port} is taken. Stop what uses it, or choose another: npm start -- --port ${other}`);
}

/** Whether a port can be had at this address now. */
export async function isFree(port: number, address: string): Promise<boolean> {
  return typeof (await tryPort(port, address)) === 'number';
}

/** The port that was had, or the system's code. */
function tryPort(port: number, address = '127.0.0.1'): Promise<number | string> {
  return new Promise(resolve => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : port));
    });
  });
}
