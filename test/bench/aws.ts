import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runLocalAws } from '../../infra/local/aws-process.ts';
import { listenerPort } from '../../infra/local/ground.ts';

/**
 * The local AWS as the benches run it: the images are trivial servers. `bench/gate:now` listens at once,
 * `bench/gate:late` after 0.8 s as code-server does. Told `{type: 'calls', file}` over IPC, it writes
 * the calls since the last time there.
 */
const perl = ['/usr/bin/perl', path.join(process.env['ARMADA_LOCAL_DATA'] ?? '', 'stage', 'stub.pl')];
const publicPort = Number(process.env['ARMADA_LOCAL_PUBLIC_PORT']);
/** Room for a hundred trivial servers, whatever this machine has: they need next to nothing of what they reserve. */
const mebibytes = 128 * 1024;
const aws = await runLocalAws(
  new Map([
    ['bench/gate:now', { entryPoint: perl }],
    ['bench/gate:late', { entryPoint: perl, environment: { DELAY: '0.8' } }],
    ['bench/ide:none', { entryPoint: ['/bin/sh', '-c', 'exec sleep infinity', 'ide'] }],
  ]),
  { memory: mebibytes, listenerPort: port => publicPort + port - listenerPort },
);
process.on('message', (message: { readonly type: string; readonly file: string }) => {
  if (message.type !== 'calls') return;
  writeFileSync(`${message.file}.new`, JSON.stringify(aws.endpoint.calls.counts()));
  aws.endpoint.calls.reset();
  renameSync(`${message.file}.new`, message.file);
});
