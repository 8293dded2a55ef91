import fc from 'fast-check';
import { anything, type Schema, spoiled, text, valid } from './fuzz-values.ts';

/** One operation of the description. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  /** By content type. */
  readonly bodies: Readonly<Record<string, { readonly schema: Schema }>>;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: Schema }>> }>>;
}

/** Where a parameter's value comes from: something that is or was there (by number), or this very text. */
export type Value = { readonly known: number } | { readonly text: string };

/** A request as it is generated: what is there is filled in when it is sent. */
export interface Request {
  readonly operation: number;
  readonly as: number;
  readonly path: readonly Value[];
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly type: string | undefined;
  readonly body: string | undefined;
}

export function operationsOf(document: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const {
        parameters = [],
        requestBody,
        responses,
      } = operation as Partial<Operation> & {
        requestBody?: { content: Operation['bodies'] };
      };
      return {
        method: method.toUpperCase(),
        path,
        parameters,
        bodies: requestBody?.content ?? {},
        responses: responses!,
      };
    }),
  );
}

const rosterText = fc
  .array(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('Ann', 'Bea', 'Çelik', '=1+1', 'O’Hara', '李'), fc.nat(12))
        .map(([name, n]) => `${name},p${n}@pool.example`),
      text,
      fc.constantFrom('Name,Email', '"a\nb",c@d.e', '"open', 'x@y.z\nBcc: q@r.s', ';;;', '\t\t'),
    ),
    { maxLength: 6 },
  )
  .map(lines => lines.join('\n'));

function bodyOf(operation: Operation): fc.Arbitrary<Pick<Request, 'type' | 'body'>> {
  const types = Object.keys(operation.bodies);
  const none = fc.constant({ type: undefined, body: undefined });
  const raw = fc.record({
    type: fc.constantFrom(
      'application/json',
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'text/csv',
      'multipart/form-data',
      'x',
      undefined,
    ),
    body: fc.oneof(
      fc.constantFrom('', '{', 'null', '[]', '{"__proto__":{}}', '"x"', '[[[[', 'a=b&a=c', '\ufeff{}'),
      text,
    ),
  });
  if (types.length === 0) return fc.oneof({ weight: 6, arbitrary: none }, { weight: 1, arbitrary: raw });
  const isRoster = types.includes('text/csv');
  const json = (value: fc.Arbitrary<unknown>) =>
    value.map(each => ({ type: 'application/json', body: JSON.stringify(each) ?? 'null' }));
  const good = isRoster
    ? rosterText.map(each => ({ text: each }))
    : valid(operation.bodies['application/json']!.schema);
  const file = fc.record({ type: fc.constantFrom(...types.slice(1), 'text/csv'), body: rosterText });
  return fc.oneof(
    { weight: 8, arbitrary: json(good) },
    { weight: 6, arbitrary: json(spoiled(good)) },
    { weight: 1, arbitrary: json(anything) },
    { weight: 1, arbitrary: raw },
    ...(isRoster ? [{ weight: 4, arbitrary: file }] : []),
  );
}

function queryOf(operation: Operation): fc.Arbitrary<Request['query']> {
  const known = operation.parameters.filter(each => each.in === 'query');
  const ours = fc.constantFrom('c1/x', 'k1/y', 'a/').map(each => Buffer.from(each).toString('base64url'));
  const good = (name: string, schema: Schema) =>
    name === 'cursor' && !schema.pattern ? ours : valid(schema).map(String);
  const pair = (name: string, schema: Schema) =>
    fc.tuple(fc.constant(name), fc.oneof({ weight: 9, arbitrary: good(name, schema) }, { weight: 1, arbitrary: text }));
  const none = fc.constant(undefined);
  const pairs = known.map(({ name, schema }) =>
    fc.oneof({ weight: 2, arbitrary: none }, { weight: 1, arbitrary: pair(name, schema) }),
  );
  const odd = fc.oneof(
    { weight: 19, arbitrary: none },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('x', '__proto__', 'limit', '', 'constructor'), text) },
  );
  return fc.tuple(...pairs, odd).map(list => list.filter(each => each !== undefined) as [string, string][]);
}

const headers = fc.record(
  {
    'if-match': fc.oneof(
      fc.constantFrom('*', '"1"', '"1.1"', 'W/"1"', '"999999999.1"', '"99999999999"', '""', ','),
      fc.string({ maxLength: 9 }),
    ),
    'if-none-match': fc.constantFrom('*', '"1.1"', '"2"', 'x'),
    accept: fc.constantFrom('application/json', 'text/html', '*/*', 'text/event-stream', 'x/y', ''),
    'sec-fetch-site': fc.constantFrom('same-origin', 'same-site', 'cross-site', 'none', 'x'),
    host: fc.constantFrom('evil.example', 'LOCALHOST:8080', 'localhost', ''),
    'x-forwarded-for': fc.constantFrom('1.2.3.4', 'x', ''),
    'last-event-id': fc.constantFrom('1', '-1', 'x', '999999999999999999'),
  },
  { requiredKeys: [] },
);

/** Any request to any operation, more often than not a good one. */
export function requests(operations: readonly Operation[], principals: number): fc.Arbitrary<Request> {
  const value: fc.Arbitrary<Value> = fc.oneof(
    { weight: 8, arbitrary: fc.nat(1000).map(known => ({ known })) },
    { weight: 1, arbitrary: text.map(each => ({ text: each })) },
  );
  const each = operations.map((operation, index) =>
    fc
      .record({
        operation: fc.constant(index),
        // The first ones may do most.
        as: fc.oneof(fc.nat(3), fc.nat(principals - 1)),
        path: fc.array(value, { minLength: 2, maxLength: 2 }),
        query: queryOf(operation),
        headers: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
        body: bodyOf(operation),
      })
      .map(({ body, headers: some, ...rest }) => ({ ...rest, ...body, headers: some as Record<string, string> })),
  );
  // More is made than is deleted, or there is nothing to look at.
  const weights: Readonly<Record<string, number>> = { PUT: 4, POST: 3, PATCH: 3, GET: 2, DELETE: 1 };
  return fc.oneof(
    ...each.map((arbitrary, index) => ({ weight: weights[operations[index]?.method ?? ''] ?? 1, arbitrary })),
  );
}
