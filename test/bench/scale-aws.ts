import { createNoneDriver } from '../../infra/local/aws/ecs/drivers/none.ts';
import { startLocalAws } from '../../infra/local/aws/local-aws.ts';
import { listenerPort } from '../../infra/local/ground.ts';
import { lay } from './scale-lay.ts';

/** What the benches at scale tell the local AWS's process over IPC; each is answered by a message of the same type. */
export type ScaleQuestion =
  /** Calls since the last time, by operation. */
  | { readonly type: 'calls' }
  /** When, by this machine's clock, the first call comes that names this. */
  | { readonly type: 'first-call'; readonly naming: string }
  /** Lays the workspaces that a file names, and writes there what came of it. */
  | { readonly type: 'lay'; readonly file: string }
  /** Ends a task's IDE as if it had crashed. */
  | { readonly type: 'crash'; readonly taskId: string };

/** The local AWS without processes, in memory, in a process of its own; settings come by the environment. */
const ports: readonly number[] = JSON.parse(process.env['BENCH_PORTS'] ?? '[]');
const driver = createNoneDriver();
driver.images.set('bench/gate', { startMilliseconds: 200, stopMilliseconds: 50 });
driver.images.set('bench/ide', { startMilliseconds: 100, stopMilliseconds: 50 });
const aws = await startLocalAws({
  stateFile: ':memory:',
  homes: undefined,
  credentials: {
    accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  },
  driver: () => driver,
  instances: { memory: 1 << 24, cpu: 1 << 24, min: 1, max: 4 },
  port: 0,
  listenerPort: port => ports[port - listenerPort] ?? 0,
  probe: async () => true,
  // As an account that asked for more: by default there are 3,000.
  quotas: { targetGroups: 20_000 },
});

function answer(question: ScaleQuestion): void {
  switch (question.type) {
    case 'calls':
      process.send?.({ type: 'calls', counts: aws.endpoint.calls.counts() });
      aws.endpoint.calls.reset();
      break;
    case 'first-call': {
      const { naming } = question;
      const end = aws.endpoint.calls.listen(({ input }) => {
        if (!JSON.stringify(input).includes(naming)) return;
        end();
        process.send?.({ type: `first-call ${naming}`, at: Date.now() });
      });
      process.send?.({ type: 'first-call' });
      break;
    }
    case 'lay':
      void lay(aws, question.file).then(() => process.send?.({ type: 'lay' }));
      break;
    case 'crash':
      process.send?.({ type: 'crash', ended: driver.exit(question.taskId, 'ide', { exitCode: 1 }) });
  }
}
process.on('message', answer);
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group: whoever asks ends this one.
process.on('SIGINT', () => {});
process.send?.({ type: 'ready', url: aws.url });
