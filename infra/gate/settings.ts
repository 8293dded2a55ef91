import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { gateEnvironment, taskPaths } from '../../api/resources/entrance.ts';

/** An address under which the workspace is reached. */
export interface Place {
  /** The origin that requests must come from. */
  readonly origin: string;
  /** What the browser's paths begin with and the IDE's don't: nothing, or `/w/<slug>` where workspaces share an origin. */
  readonly base: string;
}

/** What one gate is told by its environment, checked. */
export interface Settings {
  readonly port: number;
  /** Address to listen on: every one in a container, loopback alone on one machine. */
  readonly address: string;
  readonly workspaceId: string;
  readonly slug: string;
  readonly homeId: string;
  readonly homePath: string;
  /** By lower-case Host header: where requests with it come to. */
  readonly places: ReadonlyMap<string, Place>;
  readonly portalOrigin: string;
  readonly heartbeatUrl: URL;
  readonly heartbeatToken: string;
  readonly ticketKeys: { readonly keys: readonly JsonWebKey[] };
  readonly ideSocket: string;
  readonly readyFile: string;
}

/** Not told by the task definition, but by the image of one machine. */
const addressVariable = 'ARMADA_GATE_ADDRESS';

/** Reads the environment. Throws one Error that names every fault. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const faults: string[] = [];
  const text = (name: string, fallback?: string): string => {
    const value = env[name] || fallback;
    if (value === undefined) faults.push(`${name} is missing`);
    return value ?? '';
  };
  const checked = <T>(name: string, what: string, read: (value: string) => T, otherwise: T): T => {
    const value = text(name);
    if (value === '') return otherwise;
    try {
      return read(value);
    } catch {
      faults.push(`${name} is not ${what}`);
      return otherwise;
    }
  };
  const nowhere = new URL('http://0.0.0.0');
  const settings: Settings = {
    port: checked(gateEnvironment.port, 'a port number', readPort, 0),
    address: text(addressVariable, '0.0.0.0'),
    workspaceId: text(gateEnvironment.workspaceId),
    slug: text(gateEnvironment.slug),
    homeId: text(gateEnvironment.homeId),
    homePath: text(gateEnvironment.homePath, taskPaths.home),
    places: checked(gateEnvironment.origins, 'a list of addresses', readPlaces, new Map()),
    portalOrigin: checked(gateEnvironment.portalUrl, 'a URL', value => readHttpUrl(value).origin, ''),
    heartbeatUrl: checked(gateEnvironment.heartbeatUrl, 'a URL', readHttpUrl, nowhere),
    heartbeatToken: text(gateEnvironment.heartbeatToken),
    ticketKeys: checked(gateEnvironment.ticketKeys, 'a set of Ed25519 public keys', readKeys, { keys: [] }),
    ideSocket: text(gateEnvironment.ideSocket, taskPaths.ideSocket),
    readyFile: text(gateEnvironment.readyFile, taskPaths.gateReady),
  };
  if (faults.length > 0) throw new Error(`The gate can't start: ${faults.join('; ')}`);
  return settings;
}

function readPort(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(value);
  return port;
}

function readHttpUrl(value: string): URL {
  const url = new URL(value);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(value);
  return url;
}

function readPlaces(value: string): ReadonlyMap<string, Place> {
  const addresses = value.split(/\s+/).filter(each => each !== '');
  if (addresses.length === 0) throw new TypeError('empty');
  return new Map(
    addresses.map(each => {
      const url = readHttpUrl(each);
      return [url.host, { origin: url.origin, base: url.pathname.replace(/\/+$/, '') }];
    }),
  );
}

function readKeys(value: string): { readonly keys: readonly JsonWebKey[] } {
  const { keys }: { keys?: readonly JsonWebKey[] } = JSON.parse(value);
  if (!Array.isArray(keys) || keys.length === 0) throw new TypeError('no keys');
  for (const key of keys) {
    if (key['d'] !== undefined || createPublicKey({ key, format: 'jwk' }).asymmetricKeyType !== 'ed25519') {
      throw new TypeError('not an Ed25519 public key');
    }
  }
  return { keys };
}
