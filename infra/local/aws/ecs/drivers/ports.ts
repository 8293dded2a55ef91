import { randomInt } from 'node:crypto';
import net from 'node:net';

/** Below Linux's ephemeral range (32768 and up), so that no outgoing connection takes a port between choice and use. */
const [first, last] = [20_000, 32_767];

/** Host ports of this machine: each has one owner at a time, and was free to listen on when it was given. */
export class HostPorts {
  readonly #taken = new Set<number>();
  // Goes round instead of starting anew, so that a port rests before it is used again.
  #next = randomInt(first, last + 1);

  /** 0 for any. Throws when a wanted port is not free. */
  async take(wanted: number): Promise<number> {
    if (wanted !== 0) {
      if (this.#taken.has(wanted) || !(await this.#isFree(wanted)))
        throw new Error(`CannotStartContainerError: Bind for 127.0.0.1:${wanted} failed: port is already allocated`);
      return wanted;
    }
    for (let tries = first; tries <= last; tries++) {
      const port = this.#next;
      this.#next = port === last ? first : port + 1;
      if (!this.#taken.has(port) && (await this.#isFree(port))) return port;
    }
    throw new Error('CannotStartContainerError: no host port is free');
  }

  give(port: number): void {
    this.#taken.delete(port);
  }

  /** Takes the port before it tries it, so that two who ask at once get two ports. */
  async #isFree(port: number): Promise<boolean> {
    this.#taken.add(port);
    const free = await new Promise<boolean>(resolve => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (!free) this.#taken.delete(port);
    return free;
  }
}
