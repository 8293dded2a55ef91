import { createHash, randomBytes } from 'node:crypto';
import type { Student } from '../resources/student.ts';
import { newId } from './ids.ts';
import { mayComeIn, personColumns } from './people.ts';
import type { Sql } from './pool.ts';

/** A bearer token as it is shown: never its value. */
export interface Token {
  readonly id: string;
  readonly name: string;
  /** `courses:read`, `workspaces:write@python-101`. */
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

const columns = 't.id, t.name, t.scopes, t.created_at as "createdAt", t.expires_at as "expiresAt"';

/** Makes a token; its value is answered once and stored hashed. `personId` null: the operator's. */
export async function createToken(
  sql: Sql,
  token: {
    readonly personId: string | null;
    readonly name: string;
    readonly scopes: readonly string[];
    readonly expiresAt: string | null;
  },
): Promise<Token & { readonly value: string }> {
  const value = `armada_${randomBytes(32).toString('base64url')}`;
  const { rows } = await sql.query<Token>(
    `insert into tokens as t (id, person_id, name, hash, scopes, expires_at) values ($1, $2, $3, $4, $5, $6)
     returning ${columns}`,
    [newId(), token.personId, token.name, hashOf(value), token.scopes, token.expiresAt],
  );
  const [made] = rows;
  if (!made) throw new Error('insert a token');
  return { ...made, value };
}

/** A person's tokens, or the operator's; newest first. */
export async function listTokens(sql: Sql, personId: string | null): Promise<Token[]> {
  const { rows } = await sql.query<Token>(
    `select ${columns} from tokens t where person_id is not distinct from $1 order by created_at desc, id`,
    [personId],
  );
  return rows;
}

/** Revokes a token. False: not there, or somebody else's. */
export async function deleteToken(sql: Sql, id: string, personId: string | null): Promise<boolean> {
  const { rowCount } = await sql.query('delete from tokens where id = $1 and person_id is not distinct from $2', [
    id,
    personId,
  ]);
  return rowCount === 1;
}

/** Whose a token is (undefined: the operator's), which courses they are staff of now, and what it opens of that. */
export interface Bearer {
  readonly person: Student | undefined;
  readonly staffOf: readonly string[];
  readonly scopes: readonly string[];
}

/** Whose token this is and what it opens, while it stands. */
export async function findToken(sql: Sql, value: string, now: Date): Promise<Bearer | undefined> {
  const { rows } = await sql.query<Student & { scopes: string[]; person_id: string | null; staff_of: string[] }>(
    `select ${personColumns}, t.scopes, t.person_id,
       array(select course_id from staff where person_id = t.person_id) as staff_of
     from tokens t
     left join people p on p.id = t.person_id
     where t.hash = $1 and (t.expires_at is null or t.expires_at > $2)
       and (t.person_id is null or (${mayComeIn}))`,
    [hashOf(value), now],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { scopes, person_id, staff_of, ...person } = row;
  return { person: person_id === null ? undefined : person, staffOf: staff_of, scopes };
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
