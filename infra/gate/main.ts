import { pino } from 'pino';
import { startGate } from './gate.ts';
import { readSettings, type Settings } from './settings.ts';

const log = pino({ base: null, redact: ['ticket', 'token', '*.authorization', '*.cookie'] });

function settingsOrEnd(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

const settings = settingsOrEnd();
process.umask(0o007);
const gate = await startGate({ settings, log, now: Date.now });
log.info({ port: gate.port, slug: settings.slug }, 'gate listens');

async function end(code: number): Promise<void> {
  await gate.close();
  process.exit(code);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(0));
gate.lost
  .catch((error: unknown) => error)
  .then(error => {
    log.error({ err: error }, 'the home is lost');
    return end(1);
  })
  .catch(() => process.exit(1));
