import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';

/**
 * Compiles a route's schemas. Bodies are taken as they are: no unknown field is dropped, no type is changed; of queries,
 * paths and headers, which are text, numbers and booleans are read. Every fault is reported.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema);
  return value => {
    const read = httpPart === 'body' ? value : readText(schema, value);
    if (!compiled.Check(read)) return { error: compiled.Errors(read).map(faultOf) };
    const unstorable = httpPart === 'body' ? findUnstorable(read, '') : [];
    return unstorable.length > 0 ? { error: unstorable } : { value: read };
  };
};

/** Numbers and booleans in the text of queries, paths and headers: as they are written in JSON, and no other way. */
function readText(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Type.IsObject(schema)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      const field = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (typeof text !== 'string' || field === undefined) return [name, text];
      if (Type.IsInteger(field) || Type.IsNumber(field)) {
        return [name, /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text];
      }
      return [name, Type.IsBoolean(field) && /^(true|false)$/.test(text) ? text === 'true' : text];
    }),
  );
}

function faultOf(fault: {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: object;
  readonly message: string;
}): FastifySchemaValidationError {
  return { ...fault, params: { ...fault.params } };
}

/** NULs and halves of surrogate pairs, which JSON can say and Postgres can't store. */
function findUnstorable(value: unknown, instancePath: string): FastifySchemaValidationError[] {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return [];
    const message = 'has characters that can’t be stored';
    return [{ keyword: 'text', instancePath, schemaPath: '', params: {}, message }];
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, part]) => findUnstorable(part, `${instancePath}/${name}`));
}
