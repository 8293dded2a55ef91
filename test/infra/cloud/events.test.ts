import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { sizes } from '../../../api/resources/sizes.ts';
import { createStack } from '../../../infra/cloud/app.ts';
import { type BusEvent, isMatched } from '../../../infra/local/aws/events/ecs-events.ts';

/** What a field is to be: one of these values, or there. */
type Pattern = Readonly<Record<string, readonly (string | { readonly exists: boolean })[]>>;

function fits(pattern: Pattern, detail: object): boolean {
  const found = new Map<string, unknown>(Object.entries(detail));
  return Object.entries(pattern).every(([field, wanted]) =>
    wanted.some(each => (typeof each === 'string' ? found.get(field) === each : found.has(field) === each.exists)),
  );
}

describe('the queue of events', () => {
  let template: Template;
  beforeAll(() => {
    template = Template.fromStack(createStack(sizes.small).stack);
  });

  it('is encrypted, keeps a hint for five minutes, and takes nothing that is not sent over TLS', () => {
    template.resourceCountIs('AWS::SQS::Queue', 1);
    template.hasResourceProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true, MessageRetentionPeriod: 300 });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  it('hears of this cluster alone', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties);
    expect(rules.flatMap(({ EventPattern }) => EventPattern['detail-type']).toSorted()).toEqual([
      'ECS Container Instance State Change',
      'ECS Deployment State Change',
      'ECS Service Action',
      'ECS Task State Change',
    ]);
    const cluster = Object.keys(template.findResources('AWS::ECS::Cluster'))[0];
    for (const { EventPattern } of rules) {
      expect(EventPattern.source).toEqual(['aws.ecs']);
      const scope = EventPattern.detail?.clusterArn ?? EventPattern.resources;
      expect(JSON.stringify(scope)).toContain(cluster);
    }
  });

  it('leaves out what nobody looks at', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        'detail-type': Match.arrayWith(['ECS Task State Change']),
        detail: {
          $or: [
            { lastStatus: ['RUNNING', 'STOPPED'] },
            { eventType: ['WARN', 'ERROR'] },
            { agentConnected: [{ exists: true }] },
          ],
        },
      },
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { 'detail-type': ['ECS Deployment State Change'], detail: { eventType: ['WARN', 'ERROR'] } },
    });
  });

  it('passes on what the local AWS does, and nothing else', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')).map(
      ({ Properties }) => Properties.EventPattern as { 'detail-type': string[]; detail: Pattern & { $or?: Pattern[] } },
    );
    const isPassedOn = (type: string, detail: BusEvent['detail']) =>
      rules
        .filter(rule => rule['detail-type'].includes(type))
        .some(rule => (rule.detail.$or ?? [rule.detail]).some(pattern => fits(pattern, detail)));
    const events: [string, BusEvent['detail']][] = [
      ...['PROVISIONING', 'PENDING', 'ACTIVATING', 'RUNNING', 'DEACTIVATING', 'STOPPING', 'STOPPED'].map(
        (lastStatus): [string, BusEvent['detail']] => ['ECS Task State Change', { lastStatus }],
      ),
      ...['ECS Service Action', 'ECS Deployment State Change'].flatMap(type =>
        ['INFO', 'WARN', 'ERROR'].map((eventType): [string, BusEvent['detail']] => [type, { eventType }]),
      ),
      ['ECS Container Instance State Change', { agentConnected: true }],
      ['ECS Container Instance State Change', { agentConnected: false }],
    ];
    for (const [type, detail] of events)
      expect(isMatched({ detail } as BusEvent), `${type} ${JSON.stringify(detail)}`).toBe(isPassedOn(type, detail));
  });

  it('takes messages from its two rules and from nobody else', () => {
    const [policy] = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
    const statements = policy?.['Properties'].PolicyDocument.Statement as {
      readonly Effect: string;
      readonly Principal: unknown;
      readonly Condition: { readonly ArnEquals?: Readonly<Record<string, unknown>> };
    }[];
    const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
    expect(allowed).toHaveLength(2);
    const rules = Object.keys(template.findResources('AWS::Events::Rule'));
    for (const { Principal, Condition } of allowed) {
      expect(Principal).toEqual({ Service: 'events.amazonaws.com' });
      const source = JSON.stringify(Condition.ArnEquals?.['aws:SourceArn']);
      expect(rules.some(rule => source.includes(rule))).toBe(true);
    }
  });

  it('may be read by the controller alone', () => {
    const readers = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([, policy]) =>
      JSON.stringify(policy).includes('sqs:'),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/^ControllerRole/)]);
  });
});
