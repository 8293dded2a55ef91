import type pg from 'pg';
import type { Sql } from './pool.ts';

/** What one asks of a user pool by mail in a day, at most; Cognito's own sender takes 50 (Cognito quotas). */
export const mailsPerDay = 50;
/** Another sender of the same pool may have used what was left: its word is believed for this long. */
const usedUpMilliseconds = 3_600_000;
/** Old rows decide nothing once a newer one is there, and the count is of one day. */
const keptDays = 60;

interface MailRow {
  readonly round: number;
  readonly seen_at: string;
  readonly sent_at: string | null;
}

/** The day's mails that are left, of so many; days are UTC's, as Cognito counts them. */
export async function mailsLeft(sql: Sql, limit: number, now: Date): Promise<number> {
  const { rows } = await sql.query<{ count: number }>('select count(*) as count from mails where asked_at >= $1', [
    dayOf(now),
  ]);
  return Math.max(0, limit - (rows[0]?.count ?? 0));
}

/** Counts a code for a new password: it comes out of the same day's mails. */
export async function noteCode(sql: Sql, email: string, now: Date): Promise<void> {
  await sql.query(
    `insert into mails (person_id, round, asked_at, seen_at, sent_at)
     select id, 0, $2, 'epoch', $2 from people where email = lower($1) and deleted_at is null`,
    [email, now],
  );
}

/** The memory of invitations in Postgres: survives the controller, and is shared with whoever counts mails. */
export function createMails(pool: pg.Pool, limit: number) {
  let usedUpUntil = new Date(0);
  const left = async (sql: Sql, now: Date) => now >= usedUpUntil && (await mailsLeft(sql, limit, now)) > 0;
  const newest = 'select max(id) from mails where person_id = $1 and round > 0';
  return {
    async last(personId: string) {
      const { rows } = await pool.query<MailRow>(
        'select round, seen_at, sent_at from mails where person_id = $1 and round > 0 order by id desc limit 1',
        [personId],
      );
      const [mail] = rows;
      if (!mail) return undefined;
      const { round, seen_at, sent_at } = mail;
      return { round, seenAt: new Date(seen_at), sentAt: sent_at === null ? null : new Date(sent_at) };
    },
    left: (now: Date) => left(pool, now),
    async ask(personId: string, mail: { readonly round: number; readonly seenAt: Date }, now: Date) {
      if (now < usedUpUntil) return false;
      // Passes run side by side: the count and its row are one statement, and a few too many are Cognito's to refuse.
      const { rowCount } = await pool.query(
        `insert into mails (person_id, round, asked_at, seen_at)
         select $1, $2, $3, $4 where (select count(*) from mails where asked_at >= $5) < $6`,
        [personId, mail.round, now, mail.seenAt, dayOf(now), limit],
      );
      await pool.query('delete from mails where asked_at < $1', [new Date(now.getTime() - keptDays * 86_400_000)]);
      return rowCount === 1;
    },
    async sent(personId: string, now: Date) {
      await pool.query(`update mails set sent_at = $2 where id = (${newest})`, [personId, now]);
    },
    async takeBack(personId: string) {
      await pool.query(`delete from mails where id = (${newest})`, [personId]);
    },
    usedUp(now: Date) {
      usedUpUntil = new Date(now.getTime() + usedUpMilliseconds);
    },
  };
}

function dayOf(now: Date): string {
  return `${now.toISOString().slice(0, 10)}T00:00:00Z`;
}
