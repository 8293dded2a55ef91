import { Type } from 'typebox';
import { workspaceUrl } from '../resources/host.ts';
import { describeWorkspace } from '../resources/labels.ts';
import type { Problem } from '../resources/problem.ts';
import { workspaceRowOf } from '../resources/rows.ts';
import { type Workspace, WorkspaceSpec } from '../resources/workspace.ts';
import { keepWorkspace } from '../store/idle.ts';
import { withLine } from '../store/line.ts';
import { findLog } from '../store/reports.ts';
import { loadWorkspace } from '../store/status.ts';
import {
  type Ask,
  askWorkspaces,
  deleteWorkspace,
  findWorkspace,
  listWorkspaces,
  patchWorkspace,
} from '../store/workspaces.ts';
import type { App, Dependencies } from './dependencies.ts';
import { preconditionOf, sendObject, sendWritten } from './etag.ts';
import { fieldsQuery, listOf, pageOf, pageQuery } from './lists.ts';
import { slugOf } from './principal.ts';
import { notFound, problemOf, Refused } from './problem.ts';
import type { Settings } from './settings.ts';

const archived = 'Its class is archived. Take the class out of the archive first.';

/** A workspace as it is answered: `url` is its origin while it has a place at a balancer, else null. */
export type WorkspaceItem = Workspace & { readonly url: string | null };

const text = Type.Optional(Type.String({ maxLength: 200 }));
const querystring = Type.Object(
  { ...pageQuery, ...fieldsQuery, course: text, cohort: text, student: text, q: text, label: text },
  { additionalProperties: false },
);
const params = Type.Object({ workspace: Type.String() });
/** A counter that a person sets stays where adding to it is exact, in Postgres as in JSON. */
const mostRestarts = 1_000_000_000;
const Spec = Type.Object({
  ...WorkspaceSpec.properties,
  restarts: Type.Integer({ minimum: 0, maximum: mostRestarts }),
});
const Patch = Type.Object(
  { spec: Type.Partial(Spec, { additionalProperties: false }) },
  { additionalProperties: false },
);
/** More at once than any class has is a mistake. */
const mostIds = 2000;
const Chosen = Type.Object(
  { ids: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: mostIds })), course: text, cohort: text },
  { additionalProperties: false },
);

/** Workspaces: nobody makes them one by one; they are looked at, asked to run or stop, and deleted by hand. */
export function registerWorkspaces(app: App, { pool, settings, now }: Dependencies): void {
  const shown = (workspace: Workspace) => shownWorkspace(workspace, settings);

  app.get('/v1/workspaces', { schema: { querystring } }, async request => {
    const { label } = request.query;
    const listed = await listWorkspaces(pool, request.scope, request.query, pageOf(request.query));
    const page = { ...listed, items: await withLine(pool, listed.items) };
    const fits = (item: Workspace) => describeWorkspace({ workspace: item, now: now() }).state === label;
    // A page may come out short: states are words made of what is stored, not stored themselves.
    const shownPage = label === undefined ? page : { ...page, items: page.items.filter(fits) };
    return request.query.fields === 'row'
      ? listOf(shownPage, item => workspaceRowOf(shown(item)))
      : listOf(shownPage, shown);
  });

  app.get('/v1/workspaces/:workspace', { schema: { params } }, async (request, reply) => {
    const workspace = await findWorkspace(pool, request.scope, request.params.workspace);
    if (!workspace) throw notFound('workspace', request.params.workspace);
    const [inLine = workspace] = await withLine(pool, [workspace]);
    return sendObject(request, reply, shown(inLine));
  });

  app.get('/v1/workspaces/:workspace/log', { schema: { params } }, async request => {
    const workspace = await findWorkspace(pool, request.scope, request.params.workspace);
    if (!workspace) throw notFound('workspace', request.params.workspace);
    const log = await findLog(pool, workspace.id);
    return { at: log?.at ?? null, lines: log ? log.text.replace(/\n$/, '').split('\n') : [] };
  });

  app.patch('/v1/workspaces/:workspace', { schema: { params, body: Patch } }, async (request, reply) => {
    const workspace = await findWorkspace(pool, request.scope, request.params.workspace);
    const precondition = preconditionOf(request);
    const by = slugOf(request.principal);
    if (workspace?.template.archived && request.body.spec.running) throw new Refused(409, archived);
    const written = workspace && (await patchWorkspace(pool, workspace.id, request.body.spec, precondition, by));
    if (!written) throw notFound('workspace', request.params.workspace);
    return sendWritten(reply, written, shown);
  });

  app.post('/v1/workspaces/:workspace/keep', { schema: { params } }, async (request, reply) => {
    const found = await findWorkspace(pool, request.scope, request.params.workspace);
    if (!found) throw notFound('workspace', request.params.workspace);
    if (!(await keepWorkspace(pool, found.id, now(), slugOf(request.principal)))) {
      throw new Refused(409, 'It is not running, so there is nothing to keep running.');
    }
    const kept = await loadWorkspace(pool, found.id);
    return reply.send(shown(kept ?? found));
  });

  app.delete('/v1/workspaces/:workspace', { schema: { params } }, async (request, reply) => {
    const workspace = await findWorkspace(pool, request.scope, request.params.workspace);
    if (workspace) await deleteWorkspace(pool, workspace.id, slugOf(request.principal));
    return reply.code(202).send({});
  });

  for (const ask of ['start', 'stop', 'restart'] as const) {
    app.post(`/v1/workspaces::${ask}`, { schema: { body: Chosen } }, async request => {
      const { ids, course, cohort } = request.body;
      if (ids ? course !== undefined || cohort !== undefined : course === undefined) {
        throw new Refused(400, 'Say which: either "ids", or "course" and perhaps "cohort".');
      }
      const asked = await askWorkspaces(
        pool,
        request.scope,
        ids ? { ids } : { course, cohort },
        ask,
        slugOf(request.principal),
      );
      return { results: resultsOf(ask, ids, asked) };
    });
  }
}

/** What an answer, a list or a watch says of a workspace. */
export function shownWorkspace(
  workspace: Workspace,
  { balancers, portalUrl }: Pick<Settings, 'balancers' | 'portalUrl'>,
): WorkspaceItem {
  const balancer = workspace.slot && balancers[workspace.slot.balancer];
  return { ...workspace, url: balancer ? workspaceUrl(workspace.slug, balancer, portalUrl) : null };
}

interface Result {
  readonly id: string;
  readonly slug?: string;
  readonly ok: boolean;
  readonly problem?: Problem;
}

/** One outcome for each that was asked for: what was not found, or is not the asker's, is said to be not there. */
function resultsOf(
  ask: Ask,
  ids: readonly string[] | undefined,
  asked: Awaited<ReturnType<typeof askWorkspaces>>,
): Result[] {
  const found = asked.map(({ id, slug, fits }): Result => {
    if (fits) return { id, slug, ok: true };
    return {
      id,
      slug,
      ok: false,
      problem: problemOf(409, {
        detail: ask === 'start' ? archived : `It is not running, so there is nothing to ${ask}.`,
      }),
    };
  });
  const known = new Set(asked.flatMap(({ id, slug }) => [id, slug]));
  const unknown = [...new Set(ids ?? [])].filter(id => !known.has(id));
  const problem = problemOf(404, { detail: 'There is no such workspace here.' });
  return [...found, ...unknown.map(id => ({ id, ok: false, problem }))];
}
