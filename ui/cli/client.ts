import fs from 'node:fs';
import { Fault } from './fault.ts';

/** A page of any list. */
interface List<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
}

/** An API's refusal, as far as it can be shown. */
interface Refusal {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** One request: `headers` go over the client's own. */
interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request may take as long as the API's slowest, a roster of 2,000. */
const requestMilliseconds = 60_000;
/** The largest page of a list that the API gives. */
const pageItems = 500;

/** The token of this machine's own installation lies beside its data. Source: infra/local/data-folder.ts. */
const localSecrets = '/var/lib/armada/secrets.json';

/** The API at one origin. The token goes there and nowhere else: redirects are not followed. */
export class Client {
  readonly origin: string;
  readonly #token: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly #signal: AbortSignal;

  constructor(origin: string, token: string, fetch: typeof globalThis.fetch, signal: AbortSignal) {
    this.origin = origin;
    this.#token = token;
    this.#fetch = fetch;
    this.#signal = signal;
  }

  /** Asks `/v1/<path>`; answers the body, undefined where there is none. Throws a Fault with the API's own sentence. */
  async ask<T>(method: string, path: string, { body, headers = {} }: Sent = {}): Promise<T> {
    if (body === undefined) return this.#exchange<T>(method, path, { headers });
    const json = { 'content-type': 'application/json', ...headers };
    return this.#exchange<T>(method, path, { headers: json, body: JSON.stringify(body) });
  }

  /** Sends a file as it is. */
  async upload<T>(path: string, bytes: Uint8Array<ArrayBuffer>, type: string): Promise<T> {
    return this.#exchange<T>('POST', path, { headers: { 'content-type': type }, body: bytes });
  }

  async #exchange<T>(method: string, path: string, init: RequestInit): Promise<T> {
    const headers = { accept: 'application/json', ...Object.fromEntries(new Headers(init.headers)) };
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(requestMilliseconds)]);
    const response = await this.send(method, path, { ...init, headers, signal });
    const text = await response.text();
    if (!response.ok) throw refusalOf(response.status, parsed<Refusal | null>(text));
    return parsed(text);
  }

  /** Sends a request with the token and answers as soon as the headers are there. A redirect is a Fault. */
  async send(method: string, path: string, init: RequestInit): Promise<Response> {
    const url = new URL(`/v1/${path}`, this.origin);
    const headers = { ...Object.fromEntries(new Headers(init.headers)), authorization: `Bearer ${this.#token}` };
    let response: Response;
    try {
      response = await this.#fetch(url, { ...init, method, headers, redirect: 'manual' });
    } catch (error) {
      if (this.#signal.aborted) throw error;
      const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new Fault(`${this.origin} can’t be reached: ${why}`, 'npm start, or set ARMADA_URL to where Armada is');
    }
    if (response.status === 0 || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      throw new Fault(
        `${this.origin} sends elsewhere (${response.headers.get('location') ?? 'unknown'}); the token stays here.`,
        'set ARMADA_URL to the address of the portal itself',
      );
    }
    return response;
  }

  /** All pages of a list. */
  async list<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<readonly T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const parameters = queryOf({ ...query, limit: String(pageItems), cursor: cursor ?? undefined });
      const page: List<T> = await this.ask<List<T>>('GET', `${path}${parameters}`);
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== null);
    return items;
  }
}

/** `?a=b&c=d` of what is defined. */
export function queryOf(query: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  return parameters.size === 0 ? '' : `?${parameters}`;
}

/** Where the API is and with which token, from flags, else environment, else this machine's own installation. */
export function readTarget(
  flags: { readonly url?: string; readonly tokenFile?: string },
  env: Readonly<Record<string, string | undefined>>,
): { readonly origin: string; readonly token: string } {
  const text = flags.url ?? env['ARMADA_URL'] ?? 'http://localhost:8080';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new Fault(
      `${JSON.stringify(text)} is not an http(s) address.`,
      'armada --url http://localhost:8080 get courses',
      {
        exitCode: 2,
      },
    );
  return { origin: url.origin, token: tokenOf(flags.tokenFile, env, url) };
}

function tokenOf(file: string | undefined, env: Readonly<Record<string, string | undefined>>, url: URL): string {
  const how = 'export ARMADA_TOKEN=…, or armada --token-file FILE …';
  if (file !== undefined) {
    const token = readText(file)?.trim();
    if (!token) throw new Fault(`${file} holds no token that can be read.`, how, { exitCode: 2 });
    return token;
  }
  const given = env['ARMADA_TOKEN']?.trim();
  if (given) return given;
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const secrets = isHere ? parsed<{ operatorToken?: unknown } | null>(readText(localSecrets) ?? '') : undefined;
  if (typeof secrets?.operatorToken === 'string') return secrets.operatorToken;
  throw new Fault(`There is no token for ${url.origin}.`, how, { exitCode: 2 });
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parsed<T>(text: string): T {
  try {
    return JSON.parse(text === '' ? 'null' : text);
  } catch {
    return JSON.parse('null');
  }
}

function refusalOf(status: number, refusal: Refusal | null): Fault {
  const details = (refusal?.errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`);
  const said = refusal?.detail ?? refusal?.title ?? `The portal answered ${status}.`;
  const next: Readonly<Record<number, string>> = {
    401: 'check ARMADA_TOKEN; on this machine: armada get courses, as the user that runs Armada',
    403: 'use a token that may do this: ARMADA_TOKEN=… armada …',
    404: 'armada get workspaces, to see what is there',
    412: 'run the same command again; it reads afresh',
  };
  return new Fault([said, ...details].join('\n  '), next[status] ?? 'armada get workspaces, or look into the log', {
    status,
  });
}
