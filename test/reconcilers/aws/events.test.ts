import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { throttled } from '../../../infra/local/aws/faults.ts';
import { eventsQueue } from '../../../infra/local/aws/local-aws.ts';
import { createEcsHints, createEventsClient } from '../../../reconcilers/aws/events.ts';
import { Hearing } from '../../../reconcilers/aws/hearing.ts';
import { eventually } from '../../support/eventually.ts';
import { workspaceRow } from '../rows.ts';
import { startWorld, type World } from '../world.ts';

const id = 'aaaabbbbccccdddd';
const task = (version: number, lastStatus: string, more: object = {}) =>
  JSON.stringify({
    id: `e-${version}-${lastStatus}`,
    'detail-type': 'ECS Task State Change',
    source: 'aws.ecs',
    detail: { taskArn: 'arn:task/1', group: `service:ws-school-${id}`, version, lastStatus, ...more },
  });
const here = { kind: 'workspace', id };

describe('hearing', () => {
  test('a task is looked at when it runs and when it has stopped, once each, however often that is said', () => {
    const hearing = new Hearing('school');
    expect(hearing.of(task(1, 'PROVISIONING'))).toBeUndefined();
    expect(hearing.of(task(2, 'PENDING'))).toBeUndefined();
    expect(hearing.of(task(3, 'RUNNING'))).toEqual(here);
    expect(hearing.of(task(3, 'RUNNING'))).toBeUndefined();
    expect(hearing.of(task(4, 'RUNNING', { healthStatus: 'HEALTHY' }))).toBeUndefined();
    expect(hearing.of(task(6, 'STOPPED'))).toEqual(here);
  });

  test('what arrives after something newer is old news', () => {
    const hearing = new Hearing('school');
    expect(hearing.of(task(6, 'STOPPED'))).toEqual(here);
    expect(hearing.of(task(3, 'RUNNING'))).toBeUndefined();
  });

  test('trouble of a service is looked at once by its id, and its all-clear never', () => {
    const hearing = new Hearing('school');
    const action = (eventType: string, eventId: string) =>
      JSON.stringify({
        id: eventId,
        'detail-type': 'ECS Service Action',
        source: 'aws.ecs',
        resources: [`arn:aws:ecs:us-east-1:1:service/armada/ws-school-${id}`],
        detail: { eventType },
      });
    expect(hearing.of(action('ERROR', 'e1'))).toEqual(here);
    expect(hearing.of(action('ERROR', 'e1'))).toBeUndefined();
    expect(hearing.of(action('WARN', 'e2'))).toEqual(here);
    expect(hearing.of(action('INFO', 'e3'))).toBeUndefined();
  });

  test('a host that goes is a reason to look at everything, one that comes is none', () => {
    const hearing = new Hearing('school');
    const host = (version: number, detail: object) =>
      JSON.stringify({
        id: `h-${version}`,
        'detail-type': 'ECS Container Instance State Change',
        source: 'aws.ecs',
        detail: { containerInstanceArn: 'arn:host/1', version, ...detail },
      });
    expect(hearing.of(host(1, { status: 'ACTIVE', agentConnected: true }))).toBeUndefined();
    expect(hearing.of(host(2, { status: 'ACTIVE', agentConnected: false }))).toBe('all');
    expect(hearing.of(host(3, { status: 'DRAINING', agentConnected: false }))).toBe('all');
    expect(hearing.of(host(3, { status: 'DRAINING', agentConnected: false }))).toBeUndefined();
  });

  test.each([
    ['another deployment', task(3, 'RUNNING', { group: `service:ws-other-${id}` }), undefined],
    ['a task of no service', task(3, 'RUNNING', { group: 'family:x' }), undefined],
    [
      'another service of AWS',
      JSON.stringify({ id: 'x', 'detail-type': 'y', source: 'aws.ec2', detail: {} }),
      'senseless',
    ],
    ['no JSON', 'boo', 'senseless'],
    ['no event', 'null', 'senseless'],
    ['a version that is no number', task(3, 'RUNNING', { version: '3' }), 'senseless'],
  ])('%s is no hint', (_, body, expected) => {
    expect(new Hearing('school').of(body)).toBe(expected);
  });
});

describe('events of the local ECS at a queue', () => {
  let world: World;
  let sqs: SQSClient;
  let queueUrl: string;
  let end: () => Promise<void>;
  let heard: unknown[];
  let logged: string;
  beforeEach(async () => {
    world = await startWorld({ lagMilliseconds: 0 });
    const { url } = world.aws;
    sqs = new SQSClient({ endpoint: url, region: 'us-east-1', credentials: world.credentials, maxAttempts: 1 });
    const { QueueUrl = '' } = await sqs.send(
      new CreateQueueCommand({ QueueName: eventsQueue, Attributes: { VisibilityTimeout: '1' } }),
    );
    queueUrl = QueueUrl;
    heard = [];
    logged = '';
    const client = createEventsClient({ endpoint: url, region: 'us-east-1', credentials: world.credentials });
    const write = (text: string) => {
      logged += text;
    };
    const log = pino({ level: 'warn' }, { write });
    const open = createEcsHints({ client, queueUrl, deployment: world.settings.deployment }).open(
      hint => void heard.push(hint),
      log,
    );
    end = async () => {
      await open.close();
      client.destroy();
      sqs.destroy();
    };
  });
  afterEach(async () => {
    await end();
    await world.close();
  });

  test('a start and a stop are heard, twice delivered and in no order as they come, and nothing is left in the queue', async () => {
    world.aws.sqs.disorder = true;
    const rows = world.workspaceRows();
    rows.rows.set(id, workspaceRow(id, { spec: { running: true, restarts: 0 } }));
    await rows.settle(id);
    await eventually(() => heard.length > 0);
    rows.ask(id, { spec: { running: false, restarts: 0 } });
    await rows.settle(id);
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'the last word' }));
    await eventually(() => logged.includes('could not be read'));
    expect(new Set(heard.map(hint => JSON.stringify(hint)))).toEqual(new Set([JSON.stringify(here)]));
    // Of two deliveries of everything: at most the running and the end of one task.
    expect(heard.length).toBeLessThanOrEqual(2);
    await eventually(async () => {
      const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
      const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...AttributeNames] });
      const { Attributes } = await sqs.send(command);
      return AttributeNames.every(name => Attributes?.[name] === '0');
    });
  });

  test('a queue that does not answer is told of once, and heard again when it does', async () => {
    let isAway = true;
    world.aws.endpoint.faults.add((_, operation) => (isAway && operation === 'ReceiveMessage' ? throttled : undefined));
    // Ends the long poll that is under way.
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'poison' }));
    await eventually(() => logged.includes('polled as before'));
    isAway = false;
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: task(3, 'RUNNING') }));
    await eventually(() => heard.length === 1);
    expect(heard).toEqual([here]);
    expect(logged.match(/polled as before/g)).toHaveLength(1);
  });
});
