import net from 'node:net';

/** Where this process connects to while it is watched: `host:port`, or a socket's path. */
export function watchConnections(): { readonly targets: string[]; end(): void } {
  const targets: string[] = [];
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    // Node passes options in an array of its own; people pass port and host, or a path.
    const [first, second] = args.flat() as (net.NetConnectOpts | number | string | undefined)[];
    if (typeof first === 'object')
      targets.push(
        'path' in first && first.path
          ? String(first.path)
          : `${'host' in first ? (first.host ?? 'localhost') : ''}:${'port' in first ? first.port : ''}`,
      );
    else
      targets.push(typeof first === 'string' ? first : `${typeof second === 'string' ? second : 'localhost'}:${first}`);
    return connect.apply(this, args as never);
  } as typeof connect;
  return {
    targets,
    end() {
      net.Socket.prototype.connect = connect;
    },
  };
}
