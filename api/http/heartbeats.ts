import { Heartbeat } from '../resources/entrance.ts';
import { recordHeartbeat } from '../store/reports.ts';
import type { App, Dependencies } from './dependencies.ts';
import { Refused } from './problem.ts';

/** Where gates report, each with the token of its own workspace; the answer says who must go. */
export function registerHeartbeats(app: App, { pool, now }: Dependencies): void {
  app.post('/v1/heartbeats', { schema: { body: Heartbeat } }, async request => {
    if (request.principal.kind !== 'gate') throw new Refused(403, 'Only gates report here.');
    return recordHeartbeat(pool, request.principal.workspaceId, request.body, now());
  });
}
