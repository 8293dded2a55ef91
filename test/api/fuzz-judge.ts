import { Compile } from 'typebox/compile';
import { type Role, rights } from '../../api/http/auth.ts';
import { bobsAddress, type Sent } from './fuzz-class.ts';
import type { Operation, Request } from './fuzz-requests.ts';
import type { Schema } from './fuzz-values.ts';

const compiled = new WeakMap<object, ReturnType<typeof Compile>>();
function fits(schema: Schema, value: unknown): boolean {
  const known = compiled.get(schema) ?? Compile(schema);
  compiled.set(schema, known);
  return known.Check(value);
}

/** Sentences with which what fits the schema may be refused all the same: rules that JSON Schema can’t say. */
const furtherRules =
  /is a word that Armada needs|Say which|Say either|operator’s tokens|cursor is not one of ours|can’t be read|The body is empty|\{"text"|not JSON/;

/** What is wrong with an answer, by a fuzzer's usual checks; empty: nothing. */
export function judge(operation: Operation, request: Request, sent: Sent): readonly string[] {
  const faults: string[] = [];
  const { status, type, text, principal } = sent;
  const say = (fault: string) => faults.push(fault);
  if (status >= 500) say(`answers ${status}`);
  const response = operation.responses[status];
  if (!response) say(`answers ${status}, which is not described`);
  if (/node_modules|at .*\.ts:|select .* from|FST_|SQLSTATE/.test(text)) say('shows internals');

  const [documented, content] = Object.entries(response?.content ?? {})[0] ?? [];
  if (content === undefined) {
    if (text !== '') say(`answers ${status} with a body`);
  } else if (type.split(';', 1)[0] !== documented) say(`answers ${status} as ${type}, not ${documented}`);
  else if (documented?.endsWith('json') && !fits(content.schema, parsed(text)))
    say(`answers ${status} with another body than described`);

  const wrong = whatIsWrong(operation, request, sent);
  if (wrong !== undefined && wrong !== nothingOfAnotherType && status < 400) say(`takes a wrong ${wrong}`);
  const unstorable = /\\u0000|\\ud[89a-f]|\0|%00/i.test(`${sent.url} ${request.body}`) && /can’t be stored/.test(text);
  if (wrong === undefined && status === 400 && !unstorable && !furtherRules.test(text))
    say('refuses what is as described');

  const right = rowOf(operation)[principal.role ?? 'anonymous'];
  if (right === undefined && ![400, 401, 403, 414, 421].includes(status))
    say(`answers ${status} to one without the right`);
  if (principal.role === undefined && status < 400) say('lets in who proves nothing');
  if (principal.role === 'student' && text.includes(bobsAddress)) say('shows a student another’s address');
  return faults;
}

function rowOf({ method, path }: Operation): Partial<Record<Role, unknown>> {
  const url = path.replace(/\{(\w+)\}/g, ':$1').replace(/(\w):([a-z-]+)$/, '$1::$2');
  const row = rights[`${method} ${url}`];
  if (!row) throw new Error(`no row for ${method} ${url}`);
  return row;
}

/** Only who is made staff as an instructor needs to be said. */
const mayBeLeftOut = /\/staff\/\{person\}$/;

/** No body, said to be of a type that is not described: refused or overlooked, both are right. */
const nothingOfAnotherType = 'type of no body';

/** Which part of a request is not as described, if one is not. */
function whatIsWrong(operation: Operation, request: Request, { path }: Sent): string | undefined {
  for (const { name, in: where, schema } of operation.parameters) {
    if (where === 'path' && !fits(schema, path[name])) return `path (${name})`;
  }
  const queries = operation.parameters.filter(each => each.in === 'query');
  for (const [name, value] of request.query) {
    const known = queries.find(each => each.name === name);
    if (!known && queries.length > 0) return 'query (unknown)';
    if (known && !fits(known.schema, read(known.schema, value))) return `query (${name})`;
  }
  const types = Object.keys(operation.bodies);
  if (types.length === 0) return undefined;
  // Such a body may be left out, and JSON's nothing is taken for that.
  const isLeftOut = (request.body ?? '') === '' || (request.body === 'null' && request.type === 'application/json');
  if (mayBeLeftOut.test(operation.path) && isLeftOut)
    return request.type === undefined || types.includes(request.type) ? undefined : nothingOfAnotherType;
  const type = types.find(each => each === request.type);
  if (type === undefined) return 'content type';
  return type !== 'application/json' || fits(operation.bodies[type]!.schema, parsed(request.body)) ? undefined : 'body';
}

/** A query's text as a reader of the description would read it. */
function read({ type }: Schema, text: string): unknown {
  if (type === 'integer' && text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return true;
  return text;
}

function parsed(text: string | undefined): unknown {
  try {
    // A parser may overlook a byte order mark (RFC 8259, section 8.1), and Fastify's does.
    return JSON.parse(text?.replace(/^\ufeff/, '') ?? '');
  } catch {
    return undefined;
  }
}
