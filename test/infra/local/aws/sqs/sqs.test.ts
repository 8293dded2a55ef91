import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthenticate } from '../../../../../infra/local/aws/authentication.ts';
import { Endpoint } from '../../../../../infra/local/aws/endpoint.ts';
import { Sqs } from '../../../../../infra/local/aws/sqs/sqs.ts';
import { State } from '../../../../../infra/local/aws/state.ts';
import { eventually } from '../../../../support/eventually.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret-of-the-test' };
let clock: ManualClock;
let endpoint: Endpoint;
let service: Sqs;
let sqs: SQSClient;
let QueueUrl: string;
beforeEach(async () => {
  clock = new ManualClock();
  let url = '';
  service = new Sqs({
    state: new State(':memory:', clock),
    region: 'us-east-1',
    accountId: '000000000000',
    url: () => url,
  });
  endpoint = new Endpoint({ services: { sqs: service.operations }, authenticate: createAuthenticate(credentials) });
  url = await endpoint.listen(0);
  sqs = new SQSClient({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 });
  const made = await sqs.send(new CreateQueueCommand({ QueueName: 'q', Attributes: { VisibilityTimeout: '30' } }));
  QueueUrl = made.QueueUrl!;
});
afterEach(async () => {
  sqs.destroy();
  service.stop();
  await endpoint.close();
});

const send = (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
const receive = async (more: object = {}) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
const bodies = async (more: object = {}) => (await receive(more)).map(({ Body }) => Body);

describe('a queue', () => {
  test('hides what was received until its visibility timeout, and then brings it again', async () => {
    await send('one ä');
    const [first] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(first).toMatchObject({ Body: 'one ä', Attributes: { ApproximateReceiveCount: '1' } });
    expect(await bodies()).toEqual([]);
    await clock.advance(30_000);
    const [second] = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second).toMatchObject({ MessageId: first?.MessageId, Attributes: { ApproximateReceiveCount: '2' } });
  });

  test('forgets what was deleted; an old handle deletes nothing', async () => {
    await send('one');
    const [first] = await receive({ VisibilityTimeout: 1 });
    await clock.advance(1_000);
    const [second] = await receive({ VisibilityTimeout: 1 });
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    await clock.advance(1_000);
    expect(await bodies({ VisibilityTimeout: 0 })).toEqual(['one']);
    const [last] = await receive({ VisibilityTimeout: 0 });
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: last?.ReceiptHandle }));
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
    expect(await bodies()).toEqual([]);
  });

  test('answers a long poll as soon as a message comes, and with nothing when its time is up', async () => {
    const waiting = bodies({ WaitTimeSeconds: 20 });
    await eventually(() => clock.timers > 0);
    await send('news');
    expect(await waiting).toEqual(['news']);
    const inVain = bodies({ WaitTimeSeconds: 20 });
    await eventually(() => clock.timers > 0);
    await clock.advance(20_000);
    expect(await inVain).toEqual([]);
    // The message that somebody else has comes into view while one waits.
    const again = bodies({ WaitTimeSeconds: 20 });
    await eventually(() => clock.timers > 0);
    await clock.advance(15_000);
    expect(await again).toEqual(['news']);
  });

  test('keeps a message no longer than it was told', async () => {
    const { QueueUrl: short } = await sqs.send(
      new CreateQueueCommand({ QueueName: 'short', Attributes: { MessageRetentionPeriod: '300' } }),
    );
    await sqs.send(new SendMessageCommand({ QueueUrl: short, MessageBody: 'old' }));
    await clock.advance(301_000);
    expect(await bodies({ QueueUrl: short })).toEqual([]);
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: short, AttributeNames: ['ApproximateNumberOfMessages', 'QueueArn'] }),
    );
    expect(Attributes).toEqual({
      ApproximateNumberOfMessages: '0',
      QueueArn: 'arn:aws:sqs:us-east-1:000000000000:short',
    });
  });

  test('deletes in batches, and says of each entry what came of it', async () => {
    await send('one');
    const [message] = await receive();
    const { Successful, Failed } = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', ReceiptHandle: message?.ReceiptHandle },
          { Id: 'b', ReceiptHandle: 'not one of ours' },
        ],
      }),
    );
    expect(Successful).toEqual([{ Id: 'a' }]);
    expect(Failed).toMatchObject([{ Id: 'b', Code: 'ReceiptHandleIsInvalid', SenderFault: true }]);
  });

  test('is made once: the same again is the same queue, other attributes are refused', async () => {
    const same = new CreateQueueCommand({ QueueName: 'q', Attributes: { VisibilityTimeout: '30' } });
    expect((await sqs.send(same)).QueueUrl).toBe(QueueUrl);
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'q' }))).QueueUrl).toBe(QueueUrl);
    const other = new CreateQueueCommand({ QueueName: 'q', Attributes: { VisibilityTimeout: '31' } });
    await expect(sqs.send(other)).rejects.toMatchObject({ name: 'QueueNameExists' });
  });
});

test('refusals have the names that the SDK knows', async () => {
  await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'none' }))).rejects.toMatchObject({
    name: 'QueueDoesNotExist',
  });
  await expect(receive({ WaitTimeSeconds: 21 })).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  await expect(
    sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'not one of ours' })),
  ).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
  await expect(sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [] }))).rejects.toMatchObject({
    name: 'EmptyBatchRequest',
  });
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await expect(send('late')).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  const stranger = new SQSClient({
    endpoint: new URL(QueueUrl).origin,
    region: 'us-east-1',
    credentials: { ...credentials, secretAccessKey: 'guessed' },
    maxAttempts: 1,
  });
  await expect(stranger.send(new GetQueueUrlCommand({ QueueName: 'q' }))).rejects.toThrow('signature');
  stranger.destroy();
});

test('what a rule delivers comes twice and in no order where it is told so, and nowhere where no queue is', async () => {
  service.disorder = true;
  for (const body of ['a', 'b', 'c', 'd']) service.deliver('q', () => body);
  service.deliver('no such queue', () => 'lost');
  await clock.advance(1_000);
  expect((await bodies()).toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd']);
});
