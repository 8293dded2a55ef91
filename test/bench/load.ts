import net from 'node:net';

/** Where requests go, and what they say: the path, and headers beside the host. */
export interface Target {
  readonly at: net.NetConnectOpts;
  readonly host: string;
  readonly path: string;
  readonly cookie?: string | undefined;
}

/** One kept connection that asks the same again and again, with next to no cost of its own. */
export interface Asker {
  /** Resolves with the whole answer; rejects unless it is a 200 with a length. */
  ask(): Promise<void>;
  close(): void;
}

/** Opens one. */
export async function openAsker(target: Target): Promise<Asker> {
  const socket = await connect(target.at);
  const cookie = target.cookie === undefined ? '' : `Cookie: ${target.cookie}\r\n`;
  const request = Buffer.from(`GET ${target.path} HTTP/1.1\r\nHost: ${target.host}\r\n${cookie}\r\n`);
  let head = '';
  let left = 0;
  let done: { resolve(): void; reject(error: Error): void } | undefined;
  const fail = (error: Error) => {
    done?.reject(error);
    done = undefined;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  socket.on('data', chunk => {
    if (left > 0) left -= chunk.length;
    else {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
      if (!head.startsWith('HTTP/1.1 200') || length === undefined) return fail(new Error(`answered ${head}`));
      left = Number(length) - (head.length - end - 4);
      head = '';
    }
    if (left > 0) return;
    const waiting = done;
    done = undefined;
    waiting?.resolve();
  });
  return {
    ask: () =>
      new Promise((resolve, reject) => {
        done = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** Requests a second over so many connections at once. */
export async function throughput(target: Target, connections: number, seconds: number): Promise<number> {
  const askers = await Promise.all(Array.from({ length: connections }, () => openAsker(target)));
  const start = performance.now();
  const end = start + seconds * 1000;
  let answered = 0;
  try {
    await Promise.all(
      askers.map(async asker => {
        while (performance.now() < end) {
          await asker.ask();
          answered += 1;
        }
      }),
    );
    return answered / ((performance.now() - start) / 1000);
  } finally {
    for (const asker of askers) asker.close();
  }
}

/** A socket that was upgraded and echoes: `ask` resolves once 64 bytes have come back. */
export async function openEcho(target: Target, origin: string): Promise<Asker> {
  const socket = await connect(target.at);
  const frame = Buffer.alloc(64, 'x');
  let came = 0;
  let done: (() => void) | undefined;
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('data', chunk => {
      if (chunk.toString('latin1').startsWith('HTTP/1.1 101')) resolve();
      else reject(new Error(`answered ${chunk}`));
    });
    socket.once('error', reject);
  });
  const lines = [
    `GET ${target.path} HTTP/1.1`,
    `Host: ${target.host}`,
    `Origin: ${origin}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(target.cookie === undefined ? [] : [`Cookie: ${target.cookie}`]),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await opened;
  socket.on('data', chunk => {
    came += chunk.length;
    if (came < frame.length) return;
    came -= frame.length;
    done?.();
  });
  return {
    ask: () =>
      new Promise(resolve => {
        done = resolve;
        socket.write(frame);
      }),
    close: () => socket.destroy(),
  };
}

function connect(at: net.NetConnectOpts): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(at).setNoDelay(true);
    socket.once('error', reject).once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
