import * as cognito from '@aws-sdk/client-cognito-identity-provider';
import * as ecs from '@aws-sdk/client-ecs';
import * as efs from '@aws-sdk/client-efs';
import * as elb from '@aws-sdk/client-elastic-load-balancing-v2';
import * as quotas from '@aws-sdk/client-service-quotas';
import * as sqs from '@aws-sdk/client-sqs';
import { JsonShapeDeserializer, JsonShapeSerializer, XmlShapeSerializer } from '@aws-sdk/core/protocols';
import { NormalizedSchema } from '@smithy/core/schema';

/** The services that this endpoint answers for, named as in a request signature's scope. */
export type ServiceName =
  | 'ecs'
  | 'elasticloadbalancing'
  | 'elasticfilesystem'
  | 'cognito-idp'
  | 'servicequotas'
  | 'sqs';

/** A request's operation, found by the wire format alone. `read` turns the body into the SDK's own input. */
export interface WireOperation {
  readonly service: ServiceName;
  readonly name: string;
  read(): Promise<object>;
  /** Body and content type of a good answer, written with the SDK client's output schema. */
  write(output: object): WireAnswer;
}

export interface WireAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What an operation answers when it refuses: AWS's wire code, HTTP status, message and the error's own members. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;
  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

type SchemaSource = Parameters<typeof NormalizedSchema.of>[0];

/** An operation's schema as the SDK's generated tuples have it: [9, namespace, name, traits, input, output]. */
interface OperationSchema {
  readonly name: string;
  readonly http: readonly [method: string, path: string, status: number] | undefined;
  readonly input: () => SchemaSource;
  readonly output: () => SchemaSource;
}

const operationMark = 9;
const secondsSinceEpoch = 7;
const iso8601 = 5;
const json = { timestampFormat: { useTrait: true as const, default: secondsSinceEpoch as 7 }, jsonName: true };

/** Every operation that a client package has a schema for. Source: the package's generated schemas. */
function operationsOf(client: object): ReadonlyMap<string, OperationSchema> {
  const found = new Map<string, OperationSchema>();
  for (const value of Object.values(client)) {
    if (!Array.isArray(value) || value[0] !== operationMark) continue;
    const [, , name, traits, input, output] = value;
    found.set(name, { name, http: traits?.http, input, output });
  }
  return found;
}

const operations: Readonly<Record<ServiceName, ReadonlyMap<string, OperationSchema>>> = {
  ecs: operationsOf(ecs),
  elasticloadbalancing: operationsOf(elb),
  elasticfilesystem: operationsOf(efs),
  'cognito-idp': operationsOf(cognito),
  servicequotas: operationsOf(quotas),
  sqs: operationsOf(sqs),
};

const jsonServices: Readonly<Record<string, ServiceName>> = {
  AmazonEC2ContainerServiceV20141113: 'ecs',
  AWSCognitoIdentityProviderService: 'cognito-idp',
  AmazonSQS: 'sqs',
  ServiceQuotasV20190624: 'servicequotas',
};

const elbNamespace = 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/';

/** Finds the operation of a request, or refuses it as AWS does. */
export function recognise(request: WireRequest): WireOperation {
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return jsonOperation(target, request.body);
  const type = String(request.headers['content-type'] ?? '');
  if (type.startsWith('application/x-www-form-urlencoded')) return queryOperation(new URLSearchParams(request.body));
  return restOperation(request);
}

function jsonOperation(target: string, body: string): WireOperation {
  const [prefix = '', name = ''] = target.split('.');
  const service = jsonServices[prefix];
  const schema = service && operations[service].get(name);
  if (!service || !schema) throw new AwsError('UnknownOperationException', '');
  return {
    service,
    name,
    read: async () => (body === '' ? {} : readJson(schema.input(), body)),
    write: output => ({
      status: 200,
      contentType: jsonType(service),
      body: writeJson(schema.output(), output),
    }),
  };
}

/** SQS speaks JSON 1.0, the others 1.1. */
function jsonType(service: ServiceName | undefined): string {
  return service === 'sqs' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1';
}

function queryOperation(form: URLSearchParams): WireOperation {
  const name = form.get('Action') ?? '';
  const schema = operations.elasticloadbalancing.get(name);
  if (!schema)
    throw new AwsError('InvalidAction', `Could not find operation ${name} for version ${form.get('Version')}`);
  return {
    service: 'elasticloadbalancing',
    name,
    read: async () => readStruct(NormalizedSchema.of(schema.input()), form, ''),
    write: output => ({ status: 200, contentType: 'text/xml', body: writeQuery(schema, output) }),
  };
}

function restOperation(request: WireRequest): WireOperation {
  for (const schema of operations.elasticfilesystem.values()) {
    const labels = matchPath(schema, request);
    if (!labels) continue;
    return {
      service: 'elasticfilesystem',
      name: schema.name,
      read: async () => readRest(schema, labels, request),
      write: output => ({
        status: schema.http?.[2] ?? 200,
        contentType: 'application/json',
        body: writeJson(schema.output(), output),
      }),
    };
  }
  throw new AwsError('UnknownOperationException', `no operation at ${request.method} ${request.path}`, 404);
}

function matchPath(schema: OperationSchema, request: WireRequest): Record<string, string> | undefined {
  if (!schema.http || schema.http[0] !== request.method) return undefined;
  const wanted = (schema.http[1].split('?')[0] ?? '').split('/');
  const given = request.path.split('/');
  if (wanted.length !== given.length) return undefined;
  const labels: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith('{') && value !== '') labels[part.slice(1, -1)] = decodeURIComponent(value);
    else if (part !== value) return undefined;
  }
  return labels;
}

async function readJson(schema: SchemaSource, body: string): Promise<object> {
  try {
    JSON.parse(body);
  } catch {
    throw new AwsError('SerializationException', 'the body is not JSON');
  }
  return new JsonShapeDeserializer(json).read(NormalizedSchema.of(schema), body);
}

function writeJson(schema: SchemaSource, output: object): string {
  if (NormalizedSchema.of(schema).isUnitSchema()) return '';
  const serializer = new JsonShapeSerializer(json);
  serializer.write(NormalizedSchema.of(schema), output);
  return serializer.flush();
}

async function readRest(
  schema: OperationSchema,
  labels: Readonly<Record<string, string>>,
  request: WireRequest,
): Promise<object> {
  const input: Record<string, unknown> =
    request.body === '' ? {} : { ...(await readJson(schema.input(), request.body)) };
  for (const [member, memberSchema] of NormalizedSchema.of(schema.input()).structIterator()) {
    const traits = memberSchema.getMergedTraits();
    const text = traits.httpLabel ? labels[member] : request.query.get(String(traits.httpQuery ?? ''));
    if ((traits.httpLabel || traits.httpQuery) && text != null) input[member] = readScalar(memberSchema, text);
  }
  return input;
}

/** Reads AWS's Query form: `A.B.member.1.C=…` by the schema's own member names. */
function readStruct(schema: NormalizedSchema, form: URLSearchParams, prefix: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [member, memberSchema] of schema.structIterator()) {
    const value = readMember(memberSchema, form, `${prefix}${memberSchema.getMergedTraits().xmlName ?? member}`);
    if (value !== undefined) result[member] = value;
  }
  return result;
}

function readMember(schema: NormalizedSchema, form: URLSearchParams, key: string): unknown {
  if (schema.isListSchema()) {
    if (form.get(key) === '') return [];
    const items: unknown[] = [];
    for (let index = 1; hasKey(form, `${key}.member.${index}`); index++)
      items.push(readMember(schema.getValueSchema(), form, `${key}.member.${index}`));
    return items.length ? items : undefined;
  }
  if (schema.isStructSchema()) return hasKey(form, key) ? readStruct(schema, form, `${key}.`) : undefined;
  const text = form.get(key);
  return text === null ? undefined : readScalar(schema, text);
}

function hasKey(form: URLSearchParams, key: string): boolean {
  if (form.has(key)) return true;
  for (const name of form.keys()) if (name.startsWith(`${key}.`)) return true;
  return false;
}

function readScalar(schema: NormalizedSchema, text: string): unknown {
  if (schema.isBooleanSchema()) return text === 'true';
  if (schema.isNumericSchema()) {
    const value = Number(text);
    if (Number.isNaN(value)) throw new AwsError('ValidationError', `'${text}' is not a number`);
    return value;
  }
  return schema.isTimestampSchema() ? new Date(text) : text;
}

function writeQuery(schema: OperationSchema, output: object): string {
  const result = `${schema.name}Result`;
  let inner = `<${result}/>`;
  if (!NormalizedSchema.of(schema.output()).isUnitSchema()) {
    const serializer = new XmlShapeSerializer({
      timestampFormat: { useTrait: true, default: iso8601 },
      httpBindings: false,
      xmlNamespace: elbNamespace,
      serviceNamespace: 'com.amazonaws.elasticloadbalancingv2',
    });
    serializer.write(NormalizedSchema.of(schema.output()), output);
    inner = String(serializer.flush())
      .replace(/^<[\w-]+[^>]*?(\/?)>/, (_, empty) => (empty ? `<${result}/>` : `<${result}>`))
      .replace(/<\/[\w-]+>$/, `</${result}>`);
  }
  const id = '<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>';
  return `<${schema.name}Response xmlns="${elbNamespace}">${inner}${id}</${schema.name}Response>`;
}

/** Writes a refusal in the wire format of the service it comes from. */
export function writeError(service: ServiceName | undefined, error: AwsError): WireAnswer {
  if (service === 'elasticloadbalancing') {
    const fault = error.status >= 500 ? 'Receiver' : 'Sender';
    const members = `<Type>${fault}</Type><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message>`;
    const body = `<ErrorResponse xmlns="${elbNamespace}"><Error>${members}</Error><RequestId>local</RequestId></ErrorResponse>`;
    return { status: error.status, contentType: 'text/xml', body };
  }
  const rest = service === 'elasticfilesystem';
  return {
    status: error.status,
    contentType: rest ? 'application/json' : jsonType(service),
    headers: rest ? { 'x-amzn-errortype': error.code } : {},
    body: JSON.stringify({
      __type: error.code,
      message: error.message,
      ...(rest ? { ErrorCode: error.code, Message: error.message } : {}),
      ...error.members,
    }),
  };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
