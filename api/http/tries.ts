import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { countTry, type TryLimit } from '../store/tries.ts';
import type { Dependencies } from './dependencies.ts';

/** One account from one address; a person mistypes a few times. */
const perBoth = { max: 10, seconds: 300 };
/** One account from browsers that never signed in to it: slows guessing from many addresses; at most 15 minutes. */
const perAccount = { max: 30, seconds: 900 };
/** One account from one browser that has signed in to it before: its owner's, whom no stranger's tries hold up. */
const perKnown = { max: 10, seconds: 300 };
/** One address: a whole school may sit behind it. */
const perAddress = { max: 600, seconds: 300 };

/** The cookie of a browser that has signed in to an account before. It opens nothing; it is only counted apart. */
const knownCookie = '__Host-armada-known';
const knownDays = 180;
const attributes = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const;

/** Limits tries to sign in, counted in Postgres for all processes alike. */
export interface Tries {
  /**
   * Counts one; undefined: it may go on, else the seconds to wait. Without an account the sender's address alone counts.
   * `what`: tries that are counted apart.
   */
  count(request: FastifyRequest, account: string | undefined, what?: string): Promise<number | undefined>;
  /** Remembers that this browser is the account's. */
  know(reply: FastifyReply, account: string): void;
}

/** Limits per account and address, and per account alone for strangers, so that guessing locks no owner out. */
export function limitTries({ pool, settings, now }: Pick<Dependencies, 'pool' | 'settings' | 'now'>): Tries {
  const secrets = settings.secret.split(',').filter(secret => secret !== '');
  const macOf = (secret: string, account: string) =>
    createHmac('sha256', secret).update(`armada known browser ${account}`).digest('base64url');
  const isKnown = (request: FastifyRequest, account: string) => {
    const given = request.cookies[knownCookie] ?? '';
    return secrets.some(secret => equal(macOf(secret, account), given));
  };
  const limitsOf = (request: FastifyRequest, account: string, what: string): TryLimit[] =>
    isKnown(request, account)
      ? [{ ...perKnown, key: `${what} known ${account}` }]
      : [
          { ...perBoth, key: `${what} both ${networkOf(request.ip)} ${account}` },
          { ...perAccount, key: `${what} account ${account}` },
        ];
  return {
    count(request, account, what = 'sign-in') {
      const perAccounts = account === undefined ? [] : limitsOf(request, account, what);
      const limits = [...perAccounts, { ...perAddress, key: `address ${networkOf(request.ip)}` }];
      return countTry(pool, limits, now());
    },
    know(reply, account) {
      const [newest = ''] = secrets;
      reply.setCookie(knownCookie, macOf(newest, account), { ...attributes, maxAge: knownDays * 86_400 });
    },
  };
}

/** An IPv4 address, or of an IPv6 one the 64 bits that are its network's: the rest is anybody's to choose. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const [left, right] = [head, tail ?? ''].map(part => part.split(':').filter(group => group !== ''));
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - (left?.length ?? 0) - (right?.length ?? 0));
  return [...(left ?? []), ...Array.from({ length: zeros }, () => '0'), ...(right ?? [])].slice(0, 4).join(':');
}

function equal(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}
