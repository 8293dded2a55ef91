import type { App, Dependencies } from './dependencies.ts';
import { Refused } from './problem.ts';

/** `/healthz`: this process answers. `/readyz`: and Postgres does. */
export function registerHealth(app: App, { pool }: Dependencies): void {
  app.get('/healthz', async () => ({ ok: true }));
  app.get('/readyz', async () => {
    await pool.query('select 1').catch(() => {
      throw new Refused(503, 'The database can’t be reached right now.', 2);
    });
    return { ok: true };
  });
}
