import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { temporaryPasswordDays } from '../resources/student.ts';
import { mayComeIn } from './people.ts';
import type { Sql } from './pool.ts';
import { inTurn } from './turn.ts';

/**
 * Asks for a person's invitation again, or for the first one. While one is on its way, or waits for tomorrow's mails,
 * nothing changes. False: they have joined already, or are kept out.
 */
export async function askInvitation(pool: pg.Pool, personId: string, by: string | null): Promise<boolean> {
  const { rows } = await inTurn(pool, client =>
    client.query<{ open: boolean }>(
      `with person as (
       select id, spec, ${mayComeIn} and status->>'invitation' <> 'accepted' as open,
         (spec->>'invited')::boolean as invited,
         (status->>'observedGeneration')::int < generation or status->>'invitation' = 'waiting' as pending
       from people p where id = $1 and deleted_at is null),
     asked as (
       update people set spec = people.spec || case when person.invited
           then jsonb_build_object('resends', coalesce((person.spec->>'resends')::int, 0) + 1)
           else '{"invited": true}' end
       from person where people.id = person.id and open and not (invited and pending) returning people.id),
     noted as (
       insert into events (kind, about, tone, reason, message, by)
       select 'student', id, 'normal', 'InvitationAsked', 'Asked to send the invitation.', $2 from asked)
     select open from person`,
      [personId, by],
    ),
  );
  return rows[0]?.open ?? false;
}

/** A way in for somebody, handed over by whoever made it; `secret` is stored nowhere. */
export interface JoinLink {
  readonly personId: string;
  readonly secret: string;
  readonly expiresAt: string;
}

/**
 * Makes a link for each of these people who have not joined and may; others get none. Earlier links stand beside it
 * until their day. Each is written down as an event.
 */
export async function createJoinLinks(
  sql: Sql,
  personIds: readonly string[],
  now: Date,
  by: string | null,
): Promise<JoinLink[]> {
  const fresh = personIds.map(personId => ({ personId, secret: randomBytes(32).toString('base64url') }));
  const expiresAt = new Date(now.getTime() + temporaryPasswordDays * 86_400_000).toISOString();
  const { rows } = await sql.query<{ person_id: string }>(
    `with fresh as (
       select f.* from jsonb_to_recordset($1::jsonb) f(id text, person_id text)
       join people p on p.id = f.person_id where ${mayComeIn} and p.status->>'invitation' <> 'accepted'),
     made as (
       insert into join_links (id, person_id, created_at, expires_at) select id, person_id, $2, $3 from fresh
       returning person_id),
     noted as (
       insert into events (kind, about, tone, reason, message, by)
       select 'student', person_id, 'normal', 'JoinLinkMade', 'A link to join with was made.', $4 from made)
     select person_id from made`,
    [
      JSON.stringify(fresh.map(({ personId, secret }) => ({ id: hashOf(secret), person_id: personId }))),
      now,
      expiresAt,
      by,
    ],
  );
  const made = new Set(rows.map(row => row.person_id));
  return fresh.filter(({ personId }) => made.has(personId)).map(link => ({ ...link, expiresAt }));
}

/** Whose a link was that was just taken, and how to put it back. */
export interface TakenLink {
  readonly personId: string;
  readonly email: string;
  /** Null: the account is not made yet. */
  readonly username: string | null;
  /** Its use came to nothing: it is good for another try. */
  giveBack(): Promise<void>;
}

/** Takes a link out of use: of two at once, one gets it. Undefined: used, too old, of somebody who has joined, or none. */
export async function takeJoinLink(pool: pg.Pool, secret: string, now: Date): Promise<TakenLink | undefined> {
  const { rows } = await pool.query<{
    person_id: string;
    email: string;
    username: string | null;
    created_at: string;
    expires_at: string;
  }>(
    `with taken as (delete from join_links where id = $1 returning *)
     select t.person_id, t.created_at, t.expires_at, p.email, p.status->>'username' as username
     from taken t join people p on p.id = t.person_id
     where t.expires_at > $2 and ${mayComeIn} and p.status->>'invitation' <> 'accepted'`,
    [hashOf(secret), now],
  );
  const [row] = rows;
  if (!row) return undefined;
  return {
    personId: row.person_id,
    email: row.email,
    username: row.username,
    async giveBack() {
      await pool.query(
        'insert into join_links (id, person_id, created_at, expires_at) values ($1, $2, $3, $4) on conflict do nothing',
        [hashOf(secret), row.person_id, row.created_at, row.expires_at],
      );
    },
  };
}

/** Who has a password needs no link: those that were made end. */
export async function endJoinLinks(sql: Sql, personId: string): Promise<void> {
  await sql.query('delete from join_links where person_id = $1', [personId]);
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
