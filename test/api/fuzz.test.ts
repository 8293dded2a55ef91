import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fuzzSeed } from '../support/seed.ts';
import { type FuzzedClass, startClass } from './fuzz-class.ts';
import { judge } from './fuzz-judge.ts';
import { type Operation, operationsOf, type Request, requests } from './fuzz-requests.ts';

const atLeast = 20_000;
const batch = 40;
const atOnce = 4;
const seconds = 600;

let fuzzed: FuzzedClass;
let operations: readonly Operation[];
beforeAll(async () => {
  fuzzed = await startClass();
  operations = operationsOf((await fuzzed.api.send('GET', '/v1/openapi.json')).body);
});
afterAll(() => fuzzed.close());

test(`V7: of ${atLeast} requests made from the API’s own description none fails, and every answer is as described`, {
  timeout: seconds * 1000,
}, async () => {
  console.log(`ARMADA_FUZZ_SEED=${fuzzSeed}`);
  const findings = new Map<string, string>();
  const answered = new Map<string, number>();
  let count = 0;
  const look = async (request: Request) => {
    const operation = operations[request.operation]!;
    const sent = await fuzzed.send(operation, request);
    count += 1;
    const name = `${operation.method} ${operation.path}`;
    if (sent.status < 300) answered.set(name, (answered.get(name) ?? 0) + 1);
    for (const fault of judge(operation, request, sent)) {
      const key = `${name} ${fault}`;
      const { type, body, headers } = request;
      const full = JSON.stringify({
        url: sent.url,
        as: sent.principal.name,
        headers,
        type,
        body,
        status: sent.status,
        text: sent.text,
      });
      if (!findings.has(key)) findings.set(key, full.slice(0, 900));
    }
  };
  const batches = fc.array(requests(operations, fuzzed.principals.length), { minLength: batch, maxLength: batch });
  await fc.assert(
    fc.asyncProperty(batches, async each => {
      for (let start = 0; start < each.length; start += atOnce)
        await Promise.all(each.slice(start, start + atOnce).map(look));
    }),
    // What is found depends on all that went before: nothing can be made smaller.
    { seed: fuzzSeed, numRuns: atLeast / batch, endOnFailure: true },
  );
  expect([...findings].map(([key, request]) => `${key}: ${request}`)).toEqual([]);
  expect(count).toBeGreaterThanOrEqual(atLeast);
  // A fuzz that is refused everywhere has seen nothing.
  const unanswered = operations.map(({ method, path }) => `${method} ${path}`).filter(name => !answered.has(name));
  expect(unanswered).toEqual([]);
});
