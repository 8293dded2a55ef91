import { rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { Activity } from './activity.ts';
import { Heartbeats } from './heartbeats.ts';
import { type HomeReport, holdHome, keepMark } from './home.ts';
import { HomeSize } from './home-size.ts';
import { IdeWatch } from './ide.ts';
import { Jobs } from './jobs.ts';
import type { Lock } from './lock.ts';
import { LogTail } from './log-tail.ts';
import { createGateServer } from './server.ts';
import { Sessions } from './sessions.ts';
import type { Settings } from './settings.ts';
import { Tickets } from './tickets.ts';
import { createUpstream } from './upstream.ts';

/** A running gate. */
export interface Gate {
  readonly port: number;
  /** Resolves if the home's lock is lost: the process must end then. */
  readonly lost: Promise<void>;
  close(): Promise<void>;
}

export interface GateOptions {
  readonly settings: Settings;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  /** Milliseconds after which the home is counted for the first time; a minute if missing. */
  readonly countAfter?: number;
}

/** Starts one gate: it listens at once, but lets nobody in before it holds the home. */
export async function startGate({ settings, log, now, countAfter }: GateOptions): Promise<Gate> {
  const { homePath, homeId, readyFile } = settings;
  const closing = new AbortController();
  const sessions = new Sessions(now);
  const activity = new Activity(now);
  const jobs = new Jobs(settings.ideSocket);
  const size = new HomeSize(homePath, () => heartbeats.soon());
  const tail = new LogTail(settings.ideSocket);
  let home: HomeReport = { problem: null, marked: false };
  let lock: Lock | undefined;

  const ide = new IdeWatch(settings.ideSocket, () => {
    log.info({ answering: ide.answering }, 'IDE changed');
    if (lock) heartbeats.soon();
  });
  const isReady = () => lock !== undefined && ide.answering && !closing.signal.aborted;

  const heartbeats = new Heartbeats({
    url: settings.heartbeatUrl,
    token: settings.heartbeatToken,
    now,
    log,
    beat: () => {
      const [person, job] = [activity.take(), jobs.worked()];
      const log = tail.take();
      const files = size.untold();
      const visitors = sessions.visitors();
      const report = { ready: isReady(), ...home, active: person || job, visitors };
      return {
        ...report,
        ...(files && { homeBytes: files.bytes, homeChangedAt: files.changedAt }),
        ...(log !== undefined && { log }),
      };
    },
    onAnswer({ revoked }, sent) {
      size.told(sent.homeBytes);
      const gone = sessions.revoke(revoked);
      if (gone > 0) {
        log.info({ gone }, 'sessions revoked');
        heartbeats.soon();
      }
      if (lock) void keepMarked();
    },
    onFailure(sent) {
      if (sent.active) activity.mark();
      if (sent.log !== undefined) tail.putBack();
    },
    onSilence() {
      const gone = sessions.clear();
      if (gone > 0) log.warn({ gone }, 'sessions ended: the API was silent for too long');
    },
  });

  async function keepMarked(): Promise<void> {
    try {
      if (await keepMark(homePath, homeId)) log.warn('marker written again');
    } catch (error) {
      log.error({ err: error }, 'marker can’t be kept');
    }
  }

  const server = createGateServer({
    settings,
    sessions,
    activity,
    log,
    isReady,
    tickets: new Tickets({ ...settings, startedAt: now(), now }),
    upstream: createUpstream(settings.ideSocket, () => ide.suspect()),
    isOpen: async () => lock !== undefined && (await heartbeats.reached()),
    onEntered: () => heartbeats.soon(),
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.address, resolve);
  });
  ide.start();

  const { promise: lost, resolve: lose, reject: fail } = Promise.withResolvers<void>();
  const holding = holdHome({
    homePath,
    homeId,
    signal: closing.signal,
    ask: () => heartbeats.ask(),
    onReport(report, cause) {
      const changed = report.problem !== home.problem;
      home = report;
      if (!changed) return;
      if (report.problem) log.warn({ problem: report.problem, err: cause }, 'home can’t be used yet');
      heartbeats.soon();
    },
  }).then(async held => {
    await writeFile(readyFile, '');
    lock = held;
    log.info('home is held');
    size.start(countAfter);
    heartbeats.soon();
    void held.lost.then(lose);
  });
  holding.catch(error => {
    if (!closing.signal.aborted) fail(error);
  });

  return {
    port: portOf(server.address()),
    lost,
    async close() {
      closing.abort();
      ide.close();
      size.close();
      sessions.clear();
      server.close();
      server.closeAllConnections();
      // An IDE that ended by itself has said why.
      await heartbeats.close();
      await holding.catch(() => {});
      await rm(readyFile, { force: true });
      await lock?.release();
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address ? address.port : 0;
}
