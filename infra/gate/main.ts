import { pino } from 'pino';
import { gateEnvironment, taskPaths } from '../../api/resources/entrance.ts';
import { keeperExits, purgeCommand, purgeUnmarked } from '../../api/resources/keeper.ts';
import { startGate } from './gate.ts';
import { purgeHome } from './purge.ts';
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

process.umask(0o007);

async function serve(): Promise<never> {
  const settings = settingsOrEnd();
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

/** A gate that is being stopped beside it has let go of the home by then. */
const patienceMilliseconds = 60_000;

/** As a keeper: works inside a home without a workspace, then ends. */
async function purge(): Promise<never> {
  const homeId = process.env[gateEnvironment.homeId];
  if (!homeId) {
    log.error(`${gateEnvironment.homeId} is missing`);
    process.exit(keeperExits.failed);
  }
  const code = await purgeHome({
    homePath: process.env[gateEnvironment.homePath] || taskPaths.home,
    homeId,
    unmarked: process.env[purgeUnmarked] === '1',
    patience: AbortSignal.timeout(patienceMilliseconds),
    onFailure: err => log.error({ err }, 'the home could not be emptied'),
  });
  process.exit(code);
}

// No top-level await: the gate is bundled as CommonJS, which Node starts in less time and memory.
(process.argv[2] === purgeCommand ? purge : serve)().catch(error => {
  log.fatal({ err: error }, 'the gate can’t go on');
  process.exit(1);
});
