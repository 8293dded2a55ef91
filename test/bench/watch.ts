import type { WorkspaceItem } from '../../api/http/workspaces.ts';

export interface Seen {
  /** The moment it was heard of (performance.now). */
  readonly at: number;
  readonly workspace: WorkspaceItem;
}

/** Hears of workspaces over the API's own watch, so that nothing is polled while something is measured. */
export interface Watching {
  /** Resolves when every one of these workspaces (by slug) fits, with each as it was when it first did. */
  until(slugs: readonly string[], fits: (workspace: WorkspaceItem) => boolean): Promise<ReadonlyMap<string, Seen>>;
  close(): void;
}

/** Opens the watch as the operator. */
export async function watch(url: string, token: string): Promise<Watching> {
  const abort = new AbortController();
  const response = await fetch(`${url}/v1/watch`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    signal: abort.signal,
  });
  const listeners = new Set<(workspace: WorkspaceItem) => void>();
  const read = async () => {
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        const change = data ? JSON.parse(data) : undefined;
        if (change?.kind === 'workspace' && change.object) for (const listener of listeners) listener(change.object);
      }
    }
  };
  read().catch(error => {
    if (!abort.signal.aborted) throw error;
  });
  return {
    until(slugs, fits) {
      const waiting = new Set(slugs);
      const when = new Map<string, Seen>();
      return new Promise(resolve => {
        const listener = (workspace: WorkspaceItem) => {
          if (!waiting.has(workspace.slug) || !fits(workspace)) return;
          waiting.delete(workspace.slug);
          when.set(workspace.slug, { at: performance.now(), workspace });
          if (waiting.size > 0) return;
          listeners.delete(listener);
          resolve(when);
        };
        listeners.add(listener);
      });
    },
    close: () => abort.abort(),
  };
}
