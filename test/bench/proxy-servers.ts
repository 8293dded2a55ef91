import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { createGroup, createListener, createRule, fixed, forward, startElb } from '../infra/local/aws/elb-ground.ts';

/**
 * The servers of the proxy bench, each a process of its own, named by the first argument:
 * `upstream SOCKET`: answers all alike with little, by port and by unix socket, and echoes after an upgrade.
 * `bare PORT`: 16 lines of Node in front of that port, a Map of routes, connections kept alive.
 * `balancer PORT HOST`: the local AWS's balancer with a hundred rules, of which HOST's leads to the port.
 * Each says its own port over IPC, and ends with its parent.
 */
const routes = 100;
const body = 'x'.repeat(64);
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
);
const open = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');

function serve(socket: net.Socket): void {
  let isOpen = false;
  let text = '';
  socket.setNoDelay(true).on('error', () => socket.destroy());
  socket.on('data', chunk => {
    if (isOpen) return void socket.write(chunk);
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      isOpen = /^upgrade:/im.test(text.slice(0, end));
      text = text.slice(end + 4);
      socket.write(isOpen ? open : answer);
    }
  });
}

async function upstream(socketPath: string): Promise<number> {
  const [near, far] = [net.createServer(serve), net.createServer(serve)];
  await new Promise<void>(resolve => near.listen(socketPath, resolve));
  return listen(far);
}

function bare(port: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true });
  const known = new Map(Array.from({ length: routes }, (_, index) => [`s${index}.localhost`, port]));
  const server = http.createServer((request, response) => {
    const to = known.get(request.headers.host?.split(':')[0] ?? '');
    if (to === undefined) return void response.writeHead(404).end();
    const { method, url: path, headers } = request;
    const passed = http.request({ agent, host: '127.0.0.1', port: to, method, path, headers }, answered => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  return listen(server);
}

async function balancer(port: number, host: string): Promise<number> {
  const ground = await startElb({ probe: async () => true });
  const { listenerArn, port: own } = await createListener(ground);
  for (let index = 1; index < routes; index += 1)
    await createRule(ground, listenerArn, index, `s${index}.localhost`, fixed('another'));
  const group = await createGroup(ground, 'gate');
  await createRule(ground, listenerArn, routes, host, forward(group));
  const target = { id: 'i-1', port };
  ground.elb.register(group, target);
  while (ground.elb.health(group, target) !== 'healthy') await new Promise(resolve => setTimeout(resolve, 50));
  return own;
}

function listen(server: net.Server): Promise<number> {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const [role, first = '', second = ''] = process.argv.slice(2);
const port = await (role === 'upstream'
  ? upstream(first)
  : role === 'bare'
    ? bare(Number(first))
    : balancer(Number(first), second));
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
process.send?.({ port });
