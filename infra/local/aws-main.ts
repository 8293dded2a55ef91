import path from 'node:path';
import { runLocalAws, setting } from './aws-process.ts';
import { localImages } from './images.ts';

/** The process of the local AWS as `npm start` runs it: with the gate and the IDE as its images. */

/** What the supervisor says over IPC: the IDE is installed, its entry is this file. */
export interface IdeInstalled {
  readonly type: 'ide-installed';
  readonly entry: string;
}

const ide = Promise.withResolvers<string>();
process.on('message', (message: IdeInstalled) => {
  if (message.type === 'ide-installed') ide.resolve(message.entry);
});
await runLocalAws(
  await localImages({
    node: process.execPath,
    stageDirectory: path.join(setting('ARMADA_LOCAL_DATA'), 'stage'),
    ide: { entry: ide.promise },
  }),
);
