import type { InjectOptions } from 'fastify';
import type { Operation, Request, Value } from './fuzz-requests.ts';
import { type Api, makeClass, operatorToken, type Person, startApi } from './http/harness.ts';

/** Who sends a request; `roles` name rows of the table of rights, none: nobody knows them. */
export interface Principal {
  readonly name: string;
  readonly role: 'operator' | 'instructor' | 'staff' | 'student' | 'gate' | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** A class that stays (`fall`, `intro`, ada, bob and tea), and a pool of names that requests make and delete. */
export interface FuzzedClass {
  readonly api: Api;
  readonly principals: readonly Principal[];
  /** Sends one, and remembers what its answer names. */
  send(operation: Operation, request: Request): Promise<Sent>;
  close(): Promise<void>;
}

export interface Sent {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly url: string;
  readonly path: Readonly<Record<string, string>>;
  readonly principal: Principal;
}

/** An address that no request holds: who is shown it is shown bob. */
export const bobsAddress = 'bob.canary.7f3a@school.edu';
const pool = (letter: string) => ['1', '2', '3', '4'].map(number => `${letter}${number}`);
const mostKnown = 60;

export async function startClass(): Promise<FuzzedClass> {
  const api = await startApi();
  const [ada, bob] = (await makeClass(api, ['Ada Lovelace', 'Bob Ross'])) as [Person, Person];
  await api.database.pool.query(
    `update people set email = $2, spec = spec || jsonb_build_object('email', $2::text) where id = $1`,
    [bob.person.id, bobsAddress],
  );
  const tea = await api.person('Tea Staff');
  const grace = await api.person('Grace Hopper', 'instructor');
  await api.send('PUT', `/v1/courses/intro/staff/${tea.person.slug}`, 'operator');
  const { body: workspace } = await api.send('GET', '/v1/workspaces/fall-intro-ada-lovelace', 'operator');
  // Nobody tells this class that a workspace is ready, but some of what is asked wants one that is.
  await api.database.pool.query(
    `update workspaces set status = status || jsonb_build_object('step', 'ready', 'readyAt', $2::text) where id = $1`,
    [workspace.id, new Date().toISOString()],
  );
  const { body: token } = await api.send('POST', '/v1/tokens', grace, {
    body: { name: 'of the fuzz', scopes: ['workspaces:read@intro'], days: 1 },
  });
  const bearer = (value: string) => ({ authorization: `Bearer ${value}` });
  const principals: readonly Principal[] = [
    { name: 'operator', role: 'operator', headers: bearer(operatorToken) },
    { name: 'operator', role: 'operator', headers: bearer(operatorToken) },
    { name: 'instructor', role: 'instructor', headers: { cookie: grace.cookie } },
    { name: 'instructor', role: 'instructor', headers: { cookie: grace.cookie } },
    { name: 'staff', role: 'staff', headers: { cookie: tea.cookie } },
    { name: 'student', role: 'student', headers: { cookie: ada.cookie } },
    { name: 'gate', role: 'gate', headers: bearer(api.keys.heartbeatToken(workspace.id)) },
    { name: 'limited token', role: 'staff', headers: bearer(token.value) },
    { name: 'nobody', role: undefined, headers: {} },
    { name: 'wrong token', role: undefined, headers: bearer('armada_nonsense') },
    {
      name: 'wrong token beside a good cookie',
      role: undefined,
      headers: { cookie: grace.cookie, ...bearer(`${operatorToken}x`) },
    },
    { name: 'wrong cookie', role: undefined, headers: { cookie: `${grace.cookie}x` } },
    {
      name: 'another’s gate token cut short',
      role: undefined,
      headers: bearer(api.keys.heartbeatToken(workspace.id).slice(0, -1)),
    },
  ];

  // What may be deleted, and what is only looked at.
  const known = new Map<string, string[]>([
    ['cohort', pool('c')],
    ['course', pool('k')],
    ['student', ['ann', 'bea', 'celik']],
    ['workspace', ['c1-k1-ann', 'c2-k2-bea']],
    ['token', ['none']],
  ]);
  const kept: Readonly<Record<string, readonly string[]>> = {
    cohort: ['fall'],
    course: ['intro'],
    workspace: ['fall-intro-ada-lovelace', 'fall-intro-bob-ross', workspace.id],
    student: ['ada-lovelace', 'bob-ross', grace.person.slug],
  };

  function choose(value: Value, name: string, reads: boolean): string {
    // A path without the part, or one that leads upwards, is another operation's.
    if ('text' in value) return /^\.{0,2}$/.test(value.text) ? '.x' : value.text;
    const noun = name === 'person' ? 'student' : name;
    const names = [...(reads ? (kept[noun] ?? []) : []), ...(known.get(noun) ?? ['x'])];
    return names[value.known % names.length] ?? 'x';
  }

  function remember(text: string): void {
    for (const [, kind, id, slug] of text.matchAll(
      /"kind":"(cohort|course|student|workspace)","id":"([^"]+)","slug":"([^"]+)"/g,
    )) {
      if (
        slug === undefined ||
        id === undefined ||
        Object.values(kept).some(list => list.includes(slug) || list.includes(id)) ||
        slug === 'tea-staff'
      )
        continue;
      if (slug === ada.person.slug || id === grace.person.id || id === ada.person.id || id === bob.person.id) continue;
      keep(kind ?? '', slug);
      keep(kind ?? '', id);
    }
  }
  function keep(kind: string, name: string): void {
    const names = known.get(kind) ?? [];
    if (!names.includes(name)) names.push(name);
    if (names.length > mostKnown) names.splice(8, 1);
    known.set(kind, names);
  }

  return {
    api,
    principals,
    async send(operation, request) {
      const reads =
        operation.method === 'GET' || (operation.path.startsWith('/v1/workspaces/') && operation.method !== 'DELETE');
      const path: Record<string, string> = {};
      let number = 0;
      const filled = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
        const chosen = choose(request.path[number++] ?? { text: 'x' }, name, reads);
        path[name] = chosen;
        return encodeURIComponent(chosen.toWellFormed());
      });
      const query = new URLSearchParams(request.query.map(([name, value]) => [name, value.toWellFormed()])).toString();
      const url = query ? `${filled}?${query}` : filled;
      const principal = principals[request.as]!;
      const options: InjectOptions = {
        method: operation.method as 'GET',
        url,
        headers: {
          host: 'localhost:8080',
          'sec-fetch-site': 'same-origin',
          ...(request.type !== undefined && { 'content-type': request.type }),
          ...principal.headers,
          ...request.headers,
        },
        ...(request.body !== undefined && { payload: request.body }),
      };
      const isStream = operation.path === '/v1/watch';
      const answer = await api.app.inject({ ...options, ...(isStream && { payloadAsStream: true }) });
      const type = String(answer.headers['content-type'] ?? '');
      if (type.startsWith('text/event-stream')) {
        answer.stream().destroy();
        return { status: answer.statusCode, type, text: '', url, path, principal };
      }
      const text = isStream ? await textOf(answer.stream()) : answer.body;
      if (answer.statusCode < 300 && operation.method !== 'DELETE') remember(text);
      if (operation.method === 'POST' && operation.path === '/v1/tokens' && answer.statusCode === 201)
        keep('token', JSON.parse(text).id);
      return { status: answer.statusCode, type, text, url, path, principal };
    },
    close: () => api.close(),
  };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
