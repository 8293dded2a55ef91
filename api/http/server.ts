import { Registry } from 'prom-client';
import { keysOf } from '../resources/keys.ts';
import { migrate } from '../store/migrate.ts';
import { createPool } from '../store/pool.ts';
import { presentVersion } from '../store/turn.ts';
import { buildApp } from './app.ts';
import { buildAssets } from './assets.ts';
import { createHub } from './hub.ts';
import { createIdentity } from './identity.ts';
import { serveMetrics } from './metrics.ts';
import { readSettings } from './settings.ts';

/** The API's process: migrates, builds the app and listens, until SIGTERM. */

const settings = readSettings(process.env);
const [assets] = await Promise.all([buildAssets(), migrate(settings.databaseUrl)]);
const pool = createPool(settings.databaseUrl);
const hub = await createHub(settings.databaseUrl, () => presentVersion(pool));
const registry = new Registry();
const app = await buildApp({
  pool,
  settings,
  keys: keysOf(settings.secret),
  identity: createIdentity(settings),
  hub,
  assets,
  registry,
  now: () => new Date(),
  logger: { level: 'info', base: undefined },
});
const metrics = settings.metricsPort === undefined ? undefined : await serveMetrics(settings.metricsPort, registry);
app.addHook('onClose', async () => {
  await metrics?.close();
  await hub.close();
  await pool.end();
});
process.once('SIGTERM', () => void app.close());
await app.listen({ port: settings.port, host: settings.host });
