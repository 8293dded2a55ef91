import type { FastifyRequest } from 'fastify';
import type { App } from './dependencies.ts';

/** One account from one address; a person mistypes a few times. */
const perBoth = { max: 10, timeWindow: 5 * 60_000 };
/** One account from anywhere: slows guessing down, and its owner waits 15 minutes at most. */
const perAccount = { max: 50, timeWindow: 15 * 60_000 };
/** One address: a whole school may sit behind it. */
const perAddress = { max: 600, timeWindow: 5 * 60_000 };

/** Counts tries to sign in, in this process's memory. The answer says whether this one may go on. */
export function limitTries(app: App): (request: FastifyRequest, account: string) => Promise<boolean> {
  const accounts = new WeakMap<FastifyRequest, string>();
  const account = (request: FastifyRequest) => accounts.get(request) ?? '';
  const limits = [
    app.createRateLimit({ ...perBoth, keyGenerator: request => `both ${request.ip} ${account(request)}` }),
    app.createRateLimit({ ...perAccount, keyGenerator: request => `account ${account(request)}` }),
    app.createRateLimit({ ...perAddress, keyGenerator: request => `address ${request.ip}` }),
  ];
  return async (request, tried) => {
    accounts.set(request, tried);
    const answers = await Promise.all(limits.map(limit => limit(request)));
    return answers.every(answer => answer.isAllowed || !answer.isExceeded);
  };
}
