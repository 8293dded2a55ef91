import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import type { Logger } from 'pino';
import { Hearing, type Hint } from './hearing.ts';

/** Where ECS's events arrive, and what is done with what they hint at. */
export interface EcsHintsOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly deployment: string;
  /** Told of each call to SQS. */
  readonly called?: (operation: 'ReceiveMessage' | 'DeleteMessageBatch', result: 'ok' | 'error') => void;
}

/** The longest that SQS lets a receiver wait, and the most that it hands over at once. Source: the SQS API reference. */
const waitSeconds = 20;
const mostMessages = 10;
/** What comes within a moment is taken together: a class that starts at once is heard in a few calls. */
const gatheringMilliseconds = 20;
/** What was heard is deleted together, well before it would be handed over once more. */
const deletingMilliseconds = 250;
/** Above the long poll, so that an answer is late only when it is lost. */
const requestTimeoutMilliseconds = 30_000;
/** Pauses while the queue can't be reached: a first retry soon, then once a minute. */
const [firstPause, lastPause] = [1_000, 60_000];

/** An SQS client that can wait for a long poll's answer; what is left out comes from the SDK's environment. */
export function createEventsClient(
  options: Pick<SQSClientConfig, 'endpoint' | 'region' | 'credentials'> = {},
): SQSClient {
  return new SQSClient({
    ...options,
    maxAttempts: 1,
    requestHandler: { requestTimeout: requestTimeoutMilliseconds, throwOnRequestTimeout: true },
  });
}

/**
 * Hears of ECS's events at a queue, as hints where to look: never as state. `open` calls `hear` until it is closed.
 * Messages are deleted once they were heard, and those that say nothing are deleted too. A queue that can't be reached
 * is logged once and tried again.
 */
export function createEcsHints({ client, queueUrl, deployment, called }: EcsHintsOptions) {
  async function counted<T>(operation: 'ReceiveMessage' | 'DeleteMessageBatch', call: Promise<T>): Promise<T> {
    try {
      const answer = await call;
      called?.(operation, 'ok');
      return answer;
    } catch (error) {
      called?.(operation, 'error');
      throw error;
    }
  }

  async function receive(abortSignal: AbortSignal): Promise<readonly Message[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: mostMessages,
      WaitTimeSeconds: waitSeconds,
    });
    const { Messages = [] } = await counted('ReceiveMessage', client.send(command, { abortSignal }));
    return Messages;
  }

  async function remove(messages: readonly Message[]): Promise<void> {
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries });
    await counted('DeleteMessageBatch', client.send(command));
  }

  return {
    open(hear: (hint: Hint) => void, log: Logger): { close(): Promise<void> } {
      const closing = new AbortController();
      const { signal } = closing;
      const hearing = new Hearing(deployment);
      let heard: Message[] = [];
      let timer: NodeJS.Timeout | undefined;

      async function tidy(): Promise<void> {
        clearTimeout(timer);
        timer = undefined;
        const messages = heard;
        heard = [];
        try {
          for (let from = 0; from < messages.length; from += mostMessages)
            await remove(messages.slice(from, from + mostMessages));
        } catch (err) {
          // They come again, and are known by then.
          log.warn({ err }, 'events that were heard could not be deleted');
        }
      }

      async function live(): Promise<void> {
        let pause = 0;
        while (!signal.aborted) {
          try {
            const messages = await receive(signal);
            if (pause > 0) log.info('events are heard again');
            pause = 0;
            for (const { MessageId, Body } of messages) {
              const heard = hearing.of(Body ?? '');
              if (heard === 'senseless') log.warn({ message: MessageId }, 'an event could not be read');
              else if (heard !== undefined) {
                log.debug({ message: MessageId, hint: heard }, 'event heard');
                hear(heard);
              }
            }
            heard.push(...messages);
            if (messages.length > 0) timer ??= setTimeout(() => void tidy(), deletingMilliseconds);
            if (messages.length < mostMessages)
              await delay(gatheringMilliseconds, undefined, { signal }).catch(() => {});
          } catch (err) {
            if (signal.aborted) return;
            if (pause === 0) log.warn({ err }, 'events can not be heard; what is on its way is polled as before');
            pause = Math.min(lastPause, Math.max(firstPause, pause * 2));
            await delay(pause, undefined, { signal }).catch(() => {});
          }
        }
      }

      const life = live();
      return {
        async close() {
          closing.abort();
          await life;
          await tidy();
        },
      };
    },
  };
}
