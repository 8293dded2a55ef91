import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Kind, PassOptions } from '../../controller/drive.ts';
import { createTrace } from '../../controller/trace.ts';

test('each call to AWS is logged with the id of the pass that made it, and each pass with its outcome', async () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const trace = createTrace(log);
  const call = { service: 'ecs', result: 'ok', milliseconds: 3, requestId: 'r-1' };
  const kind: Kind = {
    name: 'toy',
    keys: async () => [],
    async pass(id, options) {
      await turn();
      options.log.info({ id }, 'applied');
      trace.called({ ...call, operation: `Create${id}` });
      return { verdict: 'settled', againSeconds: undefined };
    },
  };
  const traced = trace.traced(kind);
  await Promise.all(['A', 'B'].map(id => traced.pass(id, { log } as unknown as PassOptions)));
  trace.called({ ...call, operation: 'DescribeAlone' });
  for (const id of ['A', 'B']) {
    const { pass } = lines.find(line => line['msg'] === 'applied' && line['id'] === id)!;
    expect(pass).toMatch(/^[0-9a-f]{12}$/);
    const own = lines.filter(line => line['pass'] === pass);
    expect(own.map(({ msg }) => msg)).toEqual(['applied', 'called AWS', 'passed']);
    expect(own[1]).toMatchObject({ operation: `Create${id}`, requestId: 'r-1', result: 'ok' });
    expect(own[2]).toMatchObject({ kind: 'toy', id, verdict: 'settled' });
  }
  expect(lines.find(line => line['operation'] === 'DescribeAlone')).not.toHaveProperty('pass');
});
