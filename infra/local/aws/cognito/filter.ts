import { invalidParameter } from './errors.ts';
import type { UserRecord } from './records.ts';

/** A filter of ListUsers: `name = "value"`, or `^=` for a beginning. */
export interface Filter {
  readonly attribute: string;
  readonly operator: '=' | '^=';
  readonly value: string;
}

/** Only these can be searched by. Source: ListUsers, Filter. */
const searchable: ReadonlySet<string> = new Set([
  'username',
  'email',
  'phone_number',
  'name',
  'given_name',
  'family_name',
  'preferred_username',
  'cognito:user_status',
  'status',
  'sub',
]);
const filterPattern = /^\s*([\w:]+)\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$/;

/** Reads a filter, or refuses it with InvalidParameterException. */
export function parseFilter(text: string | undefined): Filter | undefined {
  if (text === undefined || text === '') return undefined;
  const [, attribute = '', operator, value = ''] = filterPattern.exec(text) ?? [];
  if (!searchable.has(attribute)) throw invalidParameter(`Error while parsing filter '${text}'.`);
  return { attribute, operator: operator === '^=' ? '^=' : '=', value: value.replaceAll(/\\(.)/g, '$1') };
}

/** Whether a user is among those that the filter asks for. */
export function matches(user: UserRecord, filter: Filter | undefined): boolean {
  if (!filter) return true;
  const actual = searchedValue(user, filter.attribute);
  if (actual === undefined) return false;
  return filter.operator === '=' ? actual === filter.value : actual.startsWith(filter.value);
}

function searchedValue(user: UserRecord, attribute: string): string | undefined {
  if (attribute === 'username') return user.username;
  if (attribute === 'cognito:user_status') return user.status;
  if (attribute === 'status') return user.enabled ? 'Enabled' : 'Disabled';
  return user.attributes[attribute];
}
