import os from 'node:os';
import path from 'node:path';
import { createProcessDriver } from './aws/ecs/drivers/process.ts';
import { startLocalAws } from './aws/local-aws.ts';
import { localImages } from './images.ts';

/** The process of the local AWS: endpoint, balancer and tasks. Settings come from the supervisor's environment. */

/** What the supervisor says over IPC: the IDE is installed, its entry is this file. */
export interface IdeInstalled {
  readonly type: 'ide-installed';
  readonly entry: string;
}

const data = setting('ARMADA_LOCAL_DATA');
const publicPort = Number(setting('ARMADA_LOCAL_PUBLIC_PORT'));
const ide = Promise.withResolvers<string>();
process.on('message', (message: IdeInstalled) => {
  if (message.type === 'ide-installed') ide.resolve(message.entry);
});
// Without a supervisor there is nobody to end this process.
process.on('disconnect', () => void stop());

const images = await localImages({
  node: process.execPath,
  stageDirectory: path.join(data, 'stage'),
  ide: { entry: ide.promise },
});
const aws = await startLocalAws({
  stateFile: path.join(data, 'aws.sqlite'),
  homes: path.join(data, 'homes'),
  credentials: { accessKeyId: setting('AWS_ACCESS_KEY_ID'), secretAccessKey: setting('AWS_SECRET_ACCESS_KEY') },
  driver: fileSystems =>
    createProcessDriver({
      fileSystems,
      images,
      directory: path.join(data, 'tasks'),
      logsDirectory: path.join(data, 'logs', 'tasks'),
    }),
  instances: instancesOf(os.totalmem() / 2 ** 20),
  port: Number(setting('ARMADA_LOCAL_AWS_PORT')),
  listenerPort: () => publicPort,
  outboxToken: setting('ARMADA_LOCAL_OUTBOX_TOKEN'),
});
process.send?.({ type: 'listening', url: aws.url });
process.on('SIGTERM', () => void stop());

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await aws.close();
  process.exit(0);
}

/** Container instances of 8 GiB out of four fifths of this machine's memory; one smaller one where it has less. */
function instancesOf(machineMebibytes: number) {
  const usable = Math.floor(machineMebibytes * 0.8);
  const memory = Math.min(8192, usable);
  // CPU is shared on one machine: only memory decides how many fit.
  return { memory, cpu: 1024 * 1024, min: 1, max: Math.max(1, Math.floor(usable / memory)) };
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
