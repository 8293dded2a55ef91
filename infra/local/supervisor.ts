import path from 'node:path';
import { findEngine } from './aws/ecs/drivers/docker.ts';
import type { IdeInstalled } from './aws-main.ts';
import { openClassroom } from './classroom.ts';
import { type DataFolder, explain, openDataFolder } from './data-folder.ts';
import { firstPasswordStands } from './ground.ts';
import { installIde } from './ide/install.ts';
import { InstallError, npmCommand } from './ide/npm.ts';
import { StartFault, type StartOptions } from './options.ts';
import { demandPort, everyAddress } from './ports.ts';
import { createProgress, type Progress } from './progress.ts';
import { type Services, startServices } from './services.ts';

/**
 * Starts everything on this machine and keeps it running until Ctrl-C or SIGTERM; then ends every process it started
 * and resolves. Rejects, with everything ended, when the person at the terminal must act.
 */
export async function runHere(options: StartOptions): Promise<void> {
  const inContainers = options.driver === 'docker';
  if (inContainers) await demandEngine();
  const opened = options.classroom && (await openClassroom(options.classroom, options));
  await demandPort(options.port, opened ? everyAddress : '127.0.0.1');
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
  const data = openDataFolder(options.data);
  let services: Services | undefined;
  try {
    const progress = createProgress(process.stdout, () => performance.now());
    for (const line of opened?.warnings ?? []) progress.done(line);
    opened?.watch(line => progress.done(line));
    let installed: IdeInstalled | undefined;
    const ide = inContainers ? Promise.resolve('') : installTheIde(data, progress, abort.signal);
    // Looked at below; until then a failure must not count as nobody's.
    ide.catch(() => undefined);
    services = await startServices(
      {
        ...options,
        classroom: opened?.served,
        data,
        awsScript: path.join(import.meta.dirname, inContainers ? 'aws-docker-main.ts' : 'aws-main.ts'),
        images: inContainers
          ? { gate: 'armada-gate:latest', ide: 'armada-ide:latest' }
          : { gate: 'armada/gate:local', ide: 'armada/ide:local' },
        greeting: () => installed,
        report: line => progress.done(line),
      },
      abort.signal,
    );
    installed = { type: 'ide-installed', entry: await ide };
    services.tell(installed);
    if (!inContainers) progress.done('Editor is ready');
    const fresh = await firstPasswordStands(services.groundOptions, services.ground).catch(() => false);
    console.log(summary(services.portalUrl, options.email, fresh ? data.secrets.firstPassword : undefined, data.root));
    if (opened) console.log(opened.directions);
    await Promise.race([aborted(abort.signal), services.databaseLost]);
  } catch (error) {
    if (abort.signal.aborted) return;
    throw error instanceof InstallError ? new StartFault(error.message, { cause: error }) : explain(error, data.root);
  } finally {
    if (abort.signal.aborted) console.log('\nStopping…');
    await services?.stop();
    data.release();
  }
}

async function demandEngine(): Promise<void> {
  await findEngine().catch((error: Error) => {
    throw new StartFault(error.message, { cause: error });
  });
}

async function installTheIde(data: DataFolder, progress: Progress, signal: AbortSignal): Promise<string> {
  const words = { download: 'Editor: downloading packages', unpack: 'Editor: unpacking', link: 'Editor: linking' };
  const { entry } = await installIde({
    directory: path.join(data.stage, 'ide'),
    npm: await npmCommand(),
    onProgress: ({ step, done, of }) => progress.part(words[step], done, of),
    signal,
  });
  return entry;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function summary(portalUrl: string, email: string, password: string | undefined, root: string): string {
  return `
  Armada is ready:  ${portalUrl}

  Sign in as        ${email}
  Password          ${password ?? 'the one you chose'}${password ? '   (once; you choose your own then)' : ''}
  Mails to students ${portalUrl}/outbox
  Data              ${root}
  Stop              Ctrl-C; the next start goes on where this one was
${process.getuid?.() === 0 ? '' : '\n  Not started as root: students are not walled off from each other. For trying out only.\n'}`;
}
