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

async function run(): Promise<never> {
  const gate = await startGate({ settings, log, now: Date.now });
  log.info({ port: gate.port, slug: settings.slug }, 'gate listens');
  const asked = new Promise<'asked'>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve('asked'));
  });
  const why = await Promise.race([asked, gate.lost]);
  if (why !== 'asked') log.error('the lock of the home is lost');
  await gate.close();
  process.exit(why === 'asked' ? 0 : 1);
}

// No top-level await: the gate is bundled as CommonJS, which Node starts in less time and memory.
run().catch(error => {
  log.fatal({ err: error }, 'the gate can’t go on');
  process.exit(1);
});
