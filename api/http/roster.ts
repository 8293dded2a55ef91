import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { parseRoster, type RosterRow, rosterLimits } from '../resources/roster.ts';
import { addRoster } from '../store/enrolments.ts';
import { mailsLeft } from '../store/mails.ts';
import { listStudents } from '../store/people.ts';
import { csvOf } from './csv.ts';
import type { App, Dependencies } from './dependencies.ts';
import { slugOf } from './principal.ts';
import { Refused } from './problem.ts';
import { visibleCohort } from './visible.ts';

/** UTF-16 and JSON's escapes take up to twice the bytes of the same list. */
const bodyLimit = 2 * rosterLimits.bytes + 100;
/** More than any cohort has. */
const mostRows = 10_000;
const fileTypes = ['text/csv', 'text/tab-separated-values', 'text/plain', 'application/octet-stream'];

/**
 * A cohort's list as a file, and a pasted or uploaded list of people for a cohort. Every line is accounted for: `added` and `unchanged` (what is there
 * already) or `problems`, with line numbers. `missing` are members whom the list does not name; they stay. `mailsLeft`:
 * more invitations than these wait until tomorrow.
 */
export function registerRoster(app: App, { pool, settings, now }: Dependencies): void {
  app.get(
    '/v1/cohorts/:cohort/roster',
    { schema: { params: Type.Object({ cohort: Type.String() }) } },
    async (request, reply) => {
      const { id, slug } = await visibleCohort(pool, request.scope, request.params.cohort);
      const { items } = await listStudents(pool, request.scope, { cohortId: id }, { limit: mostRows });
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${slug}.csv"`)
        .send(csvOf([['Name', 'Email'], ...items.map(({ spec }) => [spec.name, spec.email])]));
    },
  );

  app.register(async plain => {
    const files = plain.withTypeProvider<TypeBoxTypeProvider>();
    files.addContentTypeParser(fileTypes, { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
    files.withTypeProvider<TypeBoxTypeProvider>().post(
      '/v1/cohorts/:cohort/roster',
      {
        bodyLimit,
        schema: {
          params: Type.Object({ cohort: Type.String() }),
          querystring: Type.Object(
            { dryRun: Type.Optional(Type.Boolean()), invite: Type.Optional(Type.Boolean()) },
            { additionalProperties: false },
          ),
          consumes: ['application/json', ...fileTypes],
        },
      },
      async request => {
        const { dryRun = false, invite = true } = request.query;
        const cohort = await visibleCohort(pool, request.scope, request.params.cohort);
        const roster = parseRoster(textOf(request.body));
        if (roster === 'too-large') {
          throw new Refused(413, `A list may have ${rosterLimits.rows} lines and 1 MB. Split it, please.`);
        }
        const options = { dryRun, invited: invite, by: slugOf(request.principal) };
        const change = await addRoster(pool, cohort.id, roster.rows, options);
        const rows = new Map(roster.rows.map(row => [row.email, row]));
        const rowsOf = (emails: readonly string[]): RosterRow[] => emails.flatMap(email => rows.get(email) ?? []);
        return {
          added: rowsOf(change.added),
          unchanged: rowsOf(change.unchanged),
          missing: change.missing,
          problems: roster.problems,
          notes: roster.notes,
          header: roster.header,
          mailsLeft: await mailsLeft(pool, settings.mailsPerDay, now()),
        };
      },
    );
  });
}

function textOf(body: unknown): string | Uint8Array {
  if (body instanceof Uint8Array) return body;
  const fields = typeof body === 'object' && body !== null ? body : {};
  const unknown = Object.keys(fields).filter(name => name !== 'text');
  if (unknown.length === 0 && 'text' in fields && typeof fields.text === 'string') return fields.text;
  const errors = unknown.map(name => ({ pointer: `#/${name}`, detail: 'is not a known field' }));
  if (!('text' in fields) || typeof fields.text !== 'string') {
    errors.push({ pointer: '#/text', detail: 'must be a string' });
  }
  throw new Refused(400, { detail: 'Send {"text": "…"} or a CSV file.', errors });
}
