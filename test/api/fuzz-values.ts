import fc from 'fast-check';

/** The part of JSON Schema that the description uses. */
export interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

const nasty = [
  ...['', ' ', '\0', 'a\0b', '\ud800', '\udfff\ud800', '\uffff', '\u202e', '\u200b', '\ufeff', 'é', 'e\u0301', '💥'],
  ...["'", '"', '\\', '%', '_', '%%', "'; drop table people; --", '{{7*7}}', '<script>', '../..', '..', '/'],
  ...[
    'null',
    'undefined',
    'NaN',
    'true',
    '-1',
    '0',
    '1e309',
    '9007199254740993',
    '__proto__',
    'constructor',
    'me',
    'all',
  ],
  ...['a'.repeat(255), 'x'.repeat(5000), '\n', '\r\n', '\t', 'a@b.c', 'https://x', 'https://', 'file:///etc/passwd'],
];
/** Texts that break things, and any others. */
export const text = fc.oneof(
  fc.constantFrom(...nasty),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const numbers = fc.oneof(
  fc.constantFrom(0, -0, -1, 0.5, 1e21, 1e308, 2 ** 31, 2 ** 31 - 1, 2 ** 53, -(2 ** 63), 2 ** 32),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
/** Whatever JSON can say. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  text,
  numbers,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values of a schema. */
export function valid(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(valid));
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer': {
      const [min, max] = [schema.minimum ?? -(2 ** 40), schema.maximum ?? 2 ** 40];
      return fc.oneof(fc.integer({ min, max: Math.min(max, min + 50) }), fc.integer({ min, max }), fc.constant(max));
    }
    case 'string':
      return validText(schema);
    case 'array':
      return fc.array(valid(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, valid(field)] as const);
      return fc.record(Object.fromEntries(fields), { requiredKeys: [...(schema.required ?? [])] });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function validText({ pattern, minLength = 0, maxLength = 60 }: Schema): fc.Arbitrary<string> {
  if (pattern?.includes('read|write')) {
    const scope = (noun: string, verb: string, course: string) => `${noun}:${verb}${course}`;
    return fc
      .tuple(
        fc.constantFrom('courses', 'cohorts', 'workspaces', 'me'),
        fc.constantFrom('read', 'write'),
        fc.constantFrom('', '@k1', '@none'),
      )
      .map(parts => scope(...parts));
  }
  if (pattern === '^https://') return fc.webPath().map(path => `https://git.example/${path}`.slice(0, maxLength));
  if (pattern?.includes('0-9]{1,15}')) return fc.nat().map(String);
  if (pattern) return fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const end = Math.min(maxLength, 60);
  const some = fc.oneof(
    fc.string({ minLength, maxLength: end }),
    fc.string({ unit: 'binary', minLength, maxLength: end }),
  );
  return fc.oneof(some, fc.constant('x'.repeat(Math.max(minLength, maxLength < 500 ? maxLength : 1))));
}

/** A value with one thing wrong in it, somewhere; perhaps it is right all the same. */
export function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(value, fc.nat(), fc.nat(3), anything, text).map(([whole, at, how, other, name]) => {
    const spoil = (part: unknown): unknown => {
      if (typeof part !== 'object' || part === null || how === 3) return other;
      if (Array.isArray(part))
        return how === 0
          ? [...part, other]
          : part.map((each, index) => (index === at % part.length ? spoil(each) : each));
      const names = Object.keys(part);
      const chosen = names[at % (names.length || 1)];
      if (how === 0 || chosen === undefined) return { ...part, [name]: other };
      if (how === 1) return Object.fromEntries(Object.entries(part).filter(([key]) => key !== chosen));
      return { ...part, [chosen]: spoil((part as Record<string, unknown>)[chosen]) };
    };
    return spoil(whole);
  });
}
