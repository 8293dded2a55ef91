import type {
  CreateQueueRequest,
  CreateQueueResult,
  DeleteMessageBatchRequest,
  DeleteMessageBatchResult,
  DeleteMessageRequest,
  DeleteQueueRequest,
  GetQueueAttributesRequest,
  GetQueueAttributesResult,
  GetQueueUrlRequest,
  GetQueueUrlResult,
  ReceiveMessageRequest,
  ReceiveMessageResult,
  SendMessageRequest,
  SendMessageResult,
} from '@aws-sdk/client-sqs';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { State, Table } from '../state.ts';
import { badBatch, invalid, nameTaken, noQueue } from './errors.ts';
import { md5, Queue, type QueueTimes } from './queue.ts';

export interface SqsOptions {
  readonly state: State;
  readonly region: string;
  readonly accountId: string;
  /** The endpoint's own address: queues' URLs begin with it. */
  readonly url: () => string;
}

interface QueueRecord {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What a queue has unless it is told otherwise. Source: the SQS API reference, SetQueueAttributes. */
const defaults: Readonly<Record<string, string>> = {
  VisibilityTimeout: '30',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  DelaySeconds: '0',
};
const mostMessages = 10;
const mostWaitSeconds = 20;

/** The local SQS: standard queues, and of the operations those few that a consumer and a test need. */
export class Sqs {
  readonly operations: Operations;
  /** Each message that `deliver` brings comes twice and late, in no order: what "at least once" may mean. */
  disorder = false;
  readonly #options: SqsOptions;
  readonly #records: Table<QueueRecord>;
  readonly #queues = new Map<string, Queue>();

  constructor(options: SqsOptions) {
    this.#options = options;
    this.#records = options.state.table('sqs.queue');
    this.operations = {
      CreateQueue: this.create.bind(this),
      DeleteQueue: this.deleteQueue.bind(this),
      GetQueueUrl: this.getUrl.bind(this),
      GetQueueAttributes: this.getAttributes.bind(this),
      SendMessage: this.send.bind(this),
      ReceiveMessage: this.receive.bind(this),
      DeleteMessage: this.deleteMessage.bind(this),
      DeleteMessageBatch: this.deleteBatch.bind(this),
    };
  }

  /**
   * What a rule of EventBridge brings to a queue: nothing where it does not match (undefined). Nothing happens where there
   * is no queue of that name.
   */
  deliver(queueName: string, body: () => string | undefined): void {
    if (!this.#records.get(queueName)) return;
    const queue = this.#queue(queueName);
    const text = body();
    if (text === undefined) return;
    if (!this.disorder) return void queue.send(text);
    const latest = 200;
    for (let copy = 0; copy < 2; copy += 1)
      this.#options.state.clock.after(Math.random() * latest, () => void queue.send(text));
  }

  /** Ends every wait for messages. */
  stop(): void {
    for (const queue of this.#queues.values()) queue.close();
  }

  create({ QueueName = '', Attributes = {} }: CreateQueueRequest): CreateQueueResult {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(QueueName))
      throw invalid('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
    const known = this.#records.get(QueueName);
    const given = { ...defaults, ...Attributes };
    if (known && Object.entries(given).some(([name, value]) => known.attributes[name] !== value))
      throw nameTaken(QueueName);
    if (!known) this.#records.put(QueueName, { name: QueueName, attributes: given });
    return { QueueUrl: this.#urlOf(QueueName) };
  }

  deleteQueue({ QueueUrl }: DeleteQueueRequest): object {
    const { name } = this.#record(QueueUrl);
    this.#queues.get(name)?.close();
    this.#queues.delete(name);
    this.#records.delete(name);
    return {};
  }

  getUrl({ QueueName = '' }: GetQueueUrlRequest): GetQueueUrlResult {
    if (!this.#records.get(QueueName)) throw noQueue();
    return { QueueUrl: this.#urlOf(QueueName) };
  }

  getAttributes({ QueueUrl, AttributeNames = [] }: GetQueueAttributesRequest): GetQueueAttributesResult {
    const { name, attributes } = this.#record(QueueUrl);
    const { visible, hidden } = this.#queue(name).counts();
    const { region, accountId } = this.#options;
    const all: Record<string, string> = {
      ...attributes,
      QueueArn: `arn:aws:sqs:${region}:${accountId}:${name}`,
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(hidden),
    };
    const wanted = new Set<string>(AttributeNames);
    const fits = ([attribute]: [string, string]) => wanted.has('All') || wanted.has(attribute);
    return { Attributes: Object.fromEntries(Object.entries(all).filter(fits)) };
  }

  send({ QueueUrl, MessageBody, DelaySeconds }: SendMessageRequest): SendMessageResult {
    const { name } = this.#record(QueueUrl);
    if (!MessageBody) throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.');
    return { MessageId: this.#queue(name).send(MessageBody, DelaySeconds), MD5OfMessageBody: md5(MessageBody) };
  }

  async receive(input: ReceiveMessageRequest): Promise<ReceiveMessageResult> {
    const { name } = this.#record(input.QueueUrl);
    const { MaxNumberOfMessages: most = 1, WaitTimeSeconds: wait, VisibilityTimeout: visibility } = input;
    if (most < 1 || most > mostMessages)
      throw invalid(
        `Value ${most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.`,
      );
    if (wait !== undefined && (wait < 0 || wait > mostWaitSeconds))
      throw invalid(
        `Value ${wait} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`,
      );
    const wanted = new Set<string>([...(input.MessageSystemAttributeNames ?? []), ...(input.AttributeNames ?? [])]);
    const messages = await this.#queue(name).receive(most, visibility, wait);
    if (messages.length === 0) return {};
    const attributes = (given: object) => {
      const shown = Object.entries(given).filter(([attribute]) => wanted.has('All') || wanted.has(attribute));
      return shown.length > 0 ? Object.fromEntries(shown) : undefined;
    };
    return { Messages: messages.map(each => ({ ...each, Attributes: attributes(each.Attributes ?? {}) })) };
  }

  deleteMessage({ QueueUrl, ReceiptHandle = '' }: DeleteMessageRequest): object {
    this.#queue(this.#record(QueueUrl).name).delete(ReceiptHandle);
    return {};
  }

  deleteBatch({ QueueUrl, Entries = [] }: DeleteMessageBatchRequest): DeleteMessageBatchResult {
    const queue = this.#queue(this.#record(QueueUrl).name);
    if (Entries.length === 0) throw badBatch('EmptyBatchRequest');
    if (Entries.length > mostMessages) throw badBatch('TooManyEntriesInBatchRequest');
    if (new Set(Entries.map(({ Id }) => Id)).size < Entries.length) throw badBatch('BatchEntryIdsNotDistinct');
    const Successful: { Id: string }[] = [];
    const Failed: { Id: string; SenderFault: boolean; Code: string; Message: string }[] = [];
    for (const { Id = '', ReceiptHandle = '' } of Entries) {
      try {
        queue.delete(ReceiptHandle);
        Successful.push({ Id });
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        Failed.push({ Id, SenderFault: true, Code: 'ReceiptHandleIsInvalid', Message: error.message });
      }
    }
    return { Successful, Failed };
  }

  #urlOf(name: string): string {
    return `${this.#options.url()}/${this.#options.accountId}/${name}`;
  }

  /** The queue that a URL names by its last part, whatever its host: as AWS, which goes by account and name. */
  #record(url: string | undefined): QueueRecord {
    const record = this.#records.get(url?.split('/').at(-1) ?? '');
    if (!record) throw noQueue();
    return record;
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new Queue(this.#options.state.clock, () => timesOf(this.#records.get(name)?.attributes ?? defaults));
    this.#queues.set(name, queue);
    return queue;
  }
}

function timesOf(attributes: Readonly<Record<string, string>>): QueueTimes {
  const seconds = (name: string) => Number(attributes[name] ?? defaults[name]);
  return {
    visibility: seconds('VisibilityTimeout'),
    retention: seconds('MessageRetentionPeriod'),
    wait: seconds('ReceiveMessageWaitTimeSeconds'),
    delay: seconds('DelaySeconds'),
  };
}
