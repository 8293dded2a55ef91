import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

/** What `npm start` was asked for. */
export interface StartOptions {
  /** The one port of portal and workspaces. */
  readonly port: number;
  /** Where everything that must last is kept. */
  readonly data: string;
  /** Address of the first instructor, used at the first start only. */
  readonly email: string;
  /** Uses this PostgreSQL instead of one of our own. */
  readonly databaseUrl: string | undefined;
  /** All workspaces share one host, by path: as a deployment without a domain has it. */
  readonly pathRouting: boolean;
  /** What runs workspaces: processes of this machine, or a container engine with the images of infra/images. */
  readonly driver: 'process' | 'docker';
  /** Other computers come in, over TLS; undefined: this machine's browsers alone, at localhost. */
  readonly classroom: Classroom | undefined;
}

/** What serves a class to other computers: a domain that leads to this machine, and a certificate for it. */
export interface Classroom {
  readonly domain: string;
  /** Paths of PEM files: the certificate with its chain, and its key. */
  readonly cert: string;
  readonly key: string;
}

/** A fault that the person at the terminal can mend: its message is the sentence they read; exit code 1. */
export class StartFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartFault';
  }
}

const defaultPort = 8080;
const defaultTlsPort = 443;

export const usage = `Armada on this machine: every student of a class has an IDE in the browser.

  npm start                     start, print the address and the first sign-in
  npm start -- --port 9000      serve on another port (default ${defaultPort})
  npm start -- --data DIR       keep everything in DIR (default ${defaultDataFolder()})
  npm start -- --email ADDRESS  the first instructor's address (first start only)
  npm start -- --domain class.example.edu --cert cert.pem --key key.pem
                                serve other computers: TLS on port ${defaultTlsPort}, the portal at that name, workspaces at
                                names below s1.class.example.edu; cert.pem holds for both (*.s1.class.example.edu)
  npm start -- --path-routing   all workspaces on one host, by path, as on AWS without a domain: parts students less
  npm start -- --driver docker  workspaces in containers: build the images armada-gate and armada-ide first (infra/README.md)
  npm start -- --help           this text

DATABASE_URL=postgres://…       use that PostgreSQL instead of starting one
Ctrl-C stops it; the next start goes on where it was.`;

/** Reads the command line; 'help' when that is what was asked. Throws StartFault for what it does not know. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): StartOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const classroom = readClassroom(values);
  const port = Number(values.port ?? (classroom ? defaultTlsPort : defaultPort));
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new StartFault(`--port takes a number from 1 to 65535, not ‘${values.port}’.`);
  return {
    port,
    data: path.resolve(values.data ?? defaultDataFolder()),
    email: (values.email ?? 'instructor@armada.localhost').toLowerCase(),
    databaseUrl: environment['DATABASE_URL'] || undefined,
    pathRouting: values['path-routing'] ?? false,
    driver: readDriver(values.driver),
    classroom,
  };
}

/** As the stack's parameter DomainName has it, and short enough for the longest workspace's name before it. */
const domainPattern = /^(?=.{4,180}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/;

function readClassroom({ domain, cert, key }: Partial<Classroom>): Classroom | undefined {
  const given = Object.entries({ domain, cert, key });
  const missing = given.filter(([, value]) => !value).map(([name]) => `--${name}`);
  if (given.every(([, value]) => value === undefined)) return undefined;
  if (!domain || !cert || !key)
    throw new StartFault(
      `--domain, --cert and --key belong together: ${missing.join(' and ')} is missing. \`npm start -- --help\` has an example.`,
    );
  const name = domain.toLowerCase();
  if (!domainPattern.test(name))
    throw new StartFault(`--domain takes a domain name such as class.example.edu, not ‘${domain}’.`);
  return { domain: name, cert: path.resolve(cert), key: path.resolve(key) };
}

function readDriver(given = 'process'): StartOptions['driver'] {
  if (given === 'process' || given === 'docker') return given;
  throw new StartFault(`--driver takes process or docker, not ‘${given}’.`);
}

function parse(args: readonly string[]) {
  try {
    const options = {
      port: { type: 'string' },
      data: { type: 'string' },
      email: { type: 'string' },
      domain: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
      driver: { type: 'string' },
      'path-routing': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const detail = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new StartFault(`${detail}. \`npm start -- --help\` lists what there is.`);
  }
}

/** /var/lib/armada as root, else the user's data folder (XDG base directory specification). */
function defaultDataFolder(): string {
  if (process.getuid?.() === 0) return '/var/lib/armada';
  return path.join(process.env['XDG_DATA_HOME'] ?? path.join(os.homedir(), '.local', 'share'), 'armada');
}
