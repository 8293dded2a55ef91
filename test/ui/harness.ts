import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildAssets } from '../../api/http/assets.ts';
import { rights } from '../../api/http/auth.ts';
import * as pages from '../../api/http/pages.ts';
import { type Boot, pageRights } from '../../api/resources/boot.ts';
import type { Course } from '../../api/resources/course.ts';
import type { KeptHome } from '../../api/resources/home.ts';
import { isNotable, personRowOf, workspaceRowOf } from '../../api/resources/rows.ts';
import type { Student } from '../../api/resources/student.ts';
import { adasId, ago, type Item, pythonCourse } from './class.ts';

/** The policy that the API sends with every page. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self' http://*.localhost:*; base-uri 'none'; frame-ancestors 'none'";

export interface Portal {
  readonly url: string;
  /** What the API knows; changed by requests and by tests. */
  readonly state: {
    items: Item[];
    students: Student[];
    courses: Course[];
    role: Boot['person']['role'];
    boot: Partial<Boot>;
    kept: KeptHome[];
  };
  /** Writes asked of the API, oldest first. */
  readonly asked: { method: string; path: string; body: unknown }[];
  /** Sends one change to every open stream. */
  push(item: Item): void;
  /** Ends the streams; with `refuse`, new ones and every list are refused until called with false. */
  cut(refuse: boolean): void;
  streams(): number;
  close(): Promise<void>;
}

/** Bundled once: they are the same for every portal of this process. */
let bundled: ReturnType<typeof buildAssets> | undefined;

/** Pages and assets as they are, over a canned API: enough for the UI to live on. */
export async function startPortal(): Promise<Portal> {
  bundled ??= buildAssets();
  const assets = await bundled;
  const streams = new Set<ServerResponse>();
  const asked: Portal['asked'] = [];
  const state: Portal['state'] = {
    items: [],
    students: [],
    courses: [structuredClone(pythonCourse)],
    role: 'instructor',
    boot: {},
    kept: [],
  };
  let refused = false;

  const server = createServer((request, response) => {
    answer(request, response).catch(error => {
      response.writeHead(500).end(String(error));
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://portal');
    const asset = assets.get(url.pathname);
    if (asset) {
      response.writeHead(200, {
        'content-type': asset.type,
        'content-encoding': 'gzip',
        'x-content-type-options': 'nosniff',
      });
      response.end(asset.gzip);
      return;
    }
    const page = pageAt(url);
    if (page) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy });
      response.end(page);
      return;
    }
    if (refused) {
      response.writeHead(503).end();
      return;
    }
    if (url.pathname === '/v1/watch') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': here\n\n');
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body = text === '' ? undefined : JSON.parse(text);
    const method = request.method ?? 'GET';
    if (method !== 'GET' && !url.searchParams.has('dryRun')) asked.push({ method, path: url.pathname, body });
    const [status, json] = api(method, url, body);
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify(json));
  }

  function person() {
    const role = state.role;
    return role !== 'student'
      ? { id: 'prof', slug: 'prof', name: 'Grete Hermann', email: 'grete@example.edu', role }
      : { id: adasId, slug: 'ada-lovelace', name: 'Ada Lovelace', email: 'ada.lovelace@example.edu', role };
  }

  function pageAt(url: URL): string | undefined {
    const may = pageRights.filter(right => rights[right]?.[state.role] !== undefined);
    const boot: Boot = { person: person(), may, outbox: state.role === 'instructor', ...state.boot };
    const path = url.pathname;
    if (path === '/') {
      const teaches = state.role !== 'student';
      return pages.shellPage({ page: teaches ? 'class' : 'student', title: 'Armada', boot });
    }
    if (path.startsWith('/classes/')) {
      const [, , course, settings] = path.split('/');
      return pages.shellPage({
        page: 'class',
        title: 'Class · Armada',
        boot: { ...boot, course, settings: settings === 'settings', history: settings === 'history' },
      });
    }
    if (path.startsWith('/wake/')) {
      const to = url.searchParams.get('to') ?? '/';
      return pages.shellPage({ page: 'wake', title: 'Wake · Armada', boot: { ...boot, workspace: path.slice(6), to } });
    }
    const problem = url.searchParams.get('problem') ?? undefined;
    if (path === '/sign-in') return pages.signInPage({ email: 'ada@example.edu', next: '/x', problem });
    if (path === '/join') return pages.joinPage({ ...(url.searchParams.has('key') && { key: 'x' }), problem });
    if (path === '/sign-in/new-password') return pages.newPasswordPage({ email: 'ada@example.edu', problem });
    if (path === '/sign-in/forgot') return pages.forgotPage({ problem });
    if (path === '/sign-in/reset') return pages.resetPage({ email: 'ada@example.edu', problem });
    if (path === '/message')
      return pages.messagePage({
        title: 'Not yours',
        text: 'This workspace is someone else’s.',
        link: { href: '/', text: 'To your classes' },
      });
    if (path === '/outbox') {
      const text =
        'Welcome to Python 101.\n\nSign in at http://localhost:8080 with ada.lovelace@example.edu\nand the password  vK3!tulip-Ferry';
      return pages.outboxPage({
        mails: [{ id: '1', at: ago(60), to: 'ada.lovelace@example.edu', subject: 'Your invitation', text }],
      });
    }
    return undefined;
  }

  function api(
    method: string,
    url: URL,
    body: { text?: string; spec?: object; ids?: string[] } & object,
  ): [number, unknown] {
    const path = url.pathname.slice('/v1/'.length);
    const asRows = url.searchParams.get('fields') === 'row';
    const list = (items: unknown[]) => [200, { items, cursor: null, version: 1 }] as [number, unknown];
    const [noun, id, sub] = path.split('/');
    if (path.endsWith('/roster')) return [200, roster(body.text ?? '', state.students)];
    if (method === 'PUT') return [201, {}];
    if (path === 'courses') return list(state.courses);
    if (noun === 'courses' && sub === 'homes') return [200, { items: state.kept }];
    if (noun === 'courses' && sub === 'homes:purge') {
      if (!('confirm' in body) || body.confirm !== state.courses[0]?.spec.name)
        return [422, { title: 'Not confirmed', detail: 'Nothing was deleted.' }];
      state.kept = state.kept.map(home => ({ ...home, state: 'going', problem: null }));
      return [202, { asked: state.kept.length }];
    }
    if (noun === 'courses' && sub === 'staff') {
      const assistant = { ...state.students[0], id: 'helper', slug: 'helper' };
      const spec = { name: 'Grete Hermann', email: 'grete@example.edu', invited: false, disabled: false };
      return list([
        { ...assistant, id: 'prof', slug: 'prof', role: 'instructor', spec },
        ...(state.students[0] ? [assistant] : []),
      ]);
    }
    const link = {
      student: id,
      name: 'Ada',
      email: 'ada@example.edu',
      url: `http://localhost:8080/join#${'x'.repeat(43)}`,
    };
    if (sub === 'join-link') return [201, link];
    if (sub === 'invitation') return [202, {}];
    if (sub === 'join-links') return [200, { items: [link, { ...link, name: '=Bob' }] }];
    if (noun === 'courses') {
      const course = state.courses.find(one => one.slug === id) ?? state.courses[0];
      if (method === 'PATCH' && course) Object.assign(course, { spec: { ...course.spec, ...body } });
      return [200, course];
    }
    if (noun === 'cohorts' && sub === 'students')
      return list(asRows ? state.students.filter(isNotable).map(personRowOf) : state.students);
    if (noun === 'events') {
      const events = ['Asked to start.', 'Create service.', 'Loading the editor'].map((message, index) => ({
        id: index,
        at: ago(30 - index),
        kind: 'workspace',
        about: 'x',
        tone: index === 2 ? 'warning' : 'normal',
        reason: ['StartAsked', 'CreateService', 'ImageLoading'][index],
        message,
        by: index === 0 ? 'prof' : null,
        actor: index === 0 ? 'Grete Hermann' : null,
        ...(url.searchParams.has('course') && { subject: 'Ada Lovelace' }),
      }));
      const shown = url.searchParams.get('by') === 'people' ? events.filter(event => event.by !== null) : events;
      return list(shown.reverse());
    }
    if (noun === 'workspaces:start' || noun === 'workspaces:stop') {
      return [200, { results: (body.ids ?? []).map(one => ({ id: one, slug: one, ok: true })) }];
    }
    if (noun === 'workspaces' && id) {
      const item = state.items.find(one => one.id === id || one.slug === id);
      if (!item) return [404, { title: 'Not found', detail: 'No workspace has this name.' }];
      if (sub === 'log') return [200, { at: ago(5), lines: ['listening', 'no space left'] }];
      if (method === 'PATCH') {
        Object.assign(item, {
          generation: item.generation + 1,
          version: item.version + 100,
          spec: { ...item.spec, ...body.spec },
        });
      }
      return [200, item];
    }
    const own = url.searchParams.get('student');
    if (noun === 'workspaces') {
      const items = state.items.filter(item => own === null || item.student.slug === own);
      return list(asRows ? items.map(workspaceRowOf) : items);
    }
    return [404, { title: 'Not found', detail: `Nothing is at ${path}.` }];
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    state,
    asked,
    push(item) {
      const change = { kind: 'workspace', id: item.id, version: item.version, object: item };
      for (const stream of streams)
        stream.write(`event: change\nid: ${item.version}\ndata: ${JSON.stringify(change)}\n\n`);
    },
    cut(refuse) {
      refused = refuse;
      for (const stream of streams) stream.end();
    },
    streams: () => streams.size,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** A roster as the API would read it, roughly: one student a line. */
function roster(text: string, members: readonly Student[]) {
  const added: { line: number; name: string; email: string }[] = [];
  const problems: object[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const mail = /[^\s<>,;]+@[^\s<>,;]+\.[^\s<>,;]+/.exec(line)?.[0];
    if (mail)
      added.push({
        line: index + 1,
        name: line
          .replace(mail, '')
          .replaceAll(/[<>,;]/g, '')
          .trim(),
        email: mail,
      });
    else if (line.trim()) problems.push({ line: index + 1, text: line, reason: 'No address in this line.' });
  }
  const listed = (one: Student) => text.includes(one.spec.email);
  const rowOf = ({ slug, spec }: Student) => ({ slug, name: spec.name, email: spec.email });
  const emails = new Set(members.map(one => one.spec.email));
  return {
    added: added.filter(row => !emails.has(row.email)),
    unchanged: members.filter(listed).map(rowOf),
    missing: members.filter(one => !listed(one)).map(rowOf),
    problems,
  };
}
