import http from 'node:http';
import https from 'node:https';
import { StartFault } from './options.ts';

const startSeconds = 60;
const askAgainMilliseconds = 50;
const answerMilliseconds = 5_000;

/** Where a server is asked. */
export interface Asked {
  readonly url: string;
  /** PEM, with an https URL: what this machine must answer with, whoever else its name leads to. */
  readonly certificate?: string | undefined;
}

/** Resolves once an HTTP server on this machine answers at `url` with anything below 500. */
export async function answering(asked: Asked, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + startSeconds * 1000;
  for (;;) {
    signal.throwIfAborted();
    const status = await statusOf(asked, signal);
    if (status !== undefined && status < 500) return;
    if (Date.now() > deadline)
      throw new StartFault(
        `Nothing answered at ${asked.url} for ${startSeconds} s. The folder logs in the data folder says why.`,
      );
    await new Promise(resolve => setTimeout(resolve, askAgainMilliseconds));
  }
}

/** Asked on loopback, for DNS need not know the name here. */
function statusOf({ url, certificate }: Asked, signal: AbortSignal): Promise<number | undefined> {
  const { protocol, hostname, host, port, pathname } = new URL(url);
  const options = { host: '127.0.0.1', port, path: pathname, headers: { host }, agent: false, signal } as const;
  return new Promise(resolve => {
    const request =
      protocol === 'https:'
        ? https.get({
            ...options,
            port: port || 443,
            servername: hostname,
            ...(certificate === undefined ? {} : { ca: certificate, allowPartialTrustChain: true }),
          })
        : http.get(options);
    request.setTimeout(answerMilliseconds, () => request.destroy());
    request.on('response', response => {
      resolve(response.statusCode);
      response.destroy();
    });
    request.on('error', () => resolve(undefined));
  });
}
