import type { WorkspaceRow } from '../api/resources/rows.ts';
import type { Student } from '../api/resources/student.ts';

/** A workspace as a page needs it: lists answer just that, single answers and the watch more. */
export type WorkspaceItem = WorkspaceRow;

/** A page of a list. */
export interface List<T> {
  readonly items: readonly T[];
  readonly cursor: string | null;
  readonly version: number;
}

/** What the watch sends: `object` is null once it is gone. */
export type Change =
  | { readonly kind: 'workspace'; readonly id: string; readonly version: number; readonly object: WorkspaceItem | null }
  | { readonly kind: 'student'; readonly id: string; readonly version: number; readonly object: Student | null }
  | {
      readonly kind: 'course' | 'cohort';
      readonly id: string;
      readonly version: number;
      readonly object: object | null;
    };

/** A row of the roster's answer that was understood. */
export interface RosterRow {
  readonly line?: number;
  readonly name: string;
  readonly email: string;
}

/** What a roster would do, or did. */
export interface RosterAnswer {
  readonly added: readonly RosterRow[];
  readonly unchanged: readonly RosterRow[];
  /** Members whom the list does not name. */
  readonly missing: readonly { readonly slug: string; readonly name: string; readonly email: string }[];
  readonly problems: readonly { readonly line: number; readonly text: string; readonly reason: string }[];
  /** What was changed in rows that were accepted. */
  readonly notes?: readonly { readonly line: number; readonly text: string }[];
  /** The line that was taken for a header, split; null: none. */
  readonly header?: readonly string[] | null;
  /** More invitations than these wait until tomorrow. */
  readonly mailsLeft?: number;
}

/** What came of one item of a bulk request. */
export interface BulkAnswer {
  readonly results: readonly {
    readonly id: string;
    readonly slug?: string;
    readonly ok: boolean;
    readonly problem?: { readonly detail?: string; readonly title?: string };
  }[];
}

/** A refusal by the API; its message is a sentence for the person. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Asks the API. Throws a Refusal with a sentence for people; a session that has ended leads to the sign-in page, and
 * back to here afterwards. With `keepalive` it is sent even when the page is being left.
 */
export async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  keepalive = false,
): Promise<T> {
  const response = await fetch(`/v1/${path}`, {
    method,
    keepalive,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refusal(0, 'The portal can’t be reached. Check your connection and try again.');
  });
  if (response.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const answer = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  if (!response.ok) throw new Refusal(response.status, sentenceOf(answer, response.status));
  return answer;
}

/** All pages of a list. `path` has its query already. */
export async function listAll<T>(path: string): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: List<T> = await request<List<T>>(
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=500${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== null);
  return items;
}

/** Changes what is asked of one workspace; answers how it stands then. */
export function patchWorkspace(
  id: string,
  spec: { running?: boolean; restarts?: number },
): Promise<WorkspaceItem | undefined> {
  return request('PATCH', `workspaces/${encodeURIComponent(id)}`, { spec });
}

/** The sentence of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function sentenceOf(answer: unknown, status: number): string {
  if (typeof answer === 'object' && answer !== null) {
    const errors = 'errors' in answer && Array.isArray(answer.errors) ? answer.errors : [];
    const details = errors
      .map(error => `${String(error.pointer ?? '').replace(/^.*\//, '')}: ${error.detail}`)
      .join('. ');
    if ('detail' in answer && typeof answer.detail === 'string')
      return details ? `${answer.detail} ${details}` : answer.detail;
    if ('title' in answer && typeof answer.title === 'string') return answer.title;
  }
  return status === 413 ? 'That is too large.' : `The portal could not do that (${status}). Try again in a moment.`;
}
