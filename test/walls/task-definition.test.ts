import { DescribeTaskDefinitionCommand, ListTaskDefinitionsCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keysOf } from '../../api/resources/keys.ts';
import { ides } from '../../reconcilers/workspace/ides.ts';
import { workspaceRow } from '../reconcilers/rows.ts';
import { startWorld, type World } from '../reconcilers/world.ts';

const secret = 'canary of the deployment’s one secret, never in a task';
const id = 'aaaabbbbccccdddd';
let world: World;
let containers: readonly {
  readonly name?: string;
  readonly environment?: readonly { readonly name?: string; readonly value?: string }[];
}[];
let definition: string;
const keys = keysOf(secret);

beforeAll(async () => {
  world = await startWorld();
  Object.assign(world.settings, { keys });
  const rows = world.workspaceRows();
  rows.rows.set(id, workspaceRow(id));
  rows.rows.set(
    'eeeeffffgggghhhh',
    workspaceRow('eeeeffffgggghhhh', {
      student: { id: 'of-bob', slug: 'bob', name: 'Bob Ross', email: 'bob@school.example' },
    }),
  );
  await rows.settle(id);
  await rows.settle('eeeeffffgggghhhh');
  const { taskDefinitionArns = [] } = await world.clients.ecs.send(new ListTaskDefinitionsCommand({}));
  const arn = taskDefinitionArns.find(each => each.includes(id));
  const { taskDefinition } = await world.clients.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }));
  containers = taskDefinition?.containerDefinitions ?? [];
  definition = JSON.stringify(taskDefinition);
});
afterAll(() => world.close());

test('V12: a workspace that was prepared and never started runs nothing, and what would run holds no token but its own heartbeat’s', async () => {
  const { taskArns } = await world.clients.ecs.send(new ListTasksCommand({ cluster: world.ground.cluster }));
  expect(taskArns).toEqual([]);
  const values = containers.flatMap(({ environment = [] }) => environment.map(({ value = '' }) => value));
  const own = keys.heartbeatToken(id);
  expect(values.filter(value => value === own)).toHaveLength(1);
  // Whatever is long and random is a secret, or public keys.
  const random = values.filter(value => /[A-Za-z0-9_-]{32,}/.test(value));
  expect(random.filter(value => value !== own && value !== JSON.stringify(keys.publicKeys))).toEqual([]);
  expect(keys.publicKeys.keys.flatMap(key => Object.keys(key))).not.toContain('d');
});

test('V20, T9: no container’s environment holds a secret, a credential or another’s name', () => {
  expect(containers.map(({ name }) => name).sort()).toEqual(['gate', 'ide']);
  for (const word of [
    secret,
    'canary',
    world.credentials.secretAccessKey,
    world.credentials.accessKeyId,
    'bob',
    'Bob',
    keys.heartbeatToken('eeeeffffgggghhhh'),
    'DATABASE',
    'postgres',
    'AWS_',
    'taskRoleArn',
  ])
    expect(definition, word).not.toContain(word);
  const ide = containers.find(({ name }) => name === 'ide');
  const known = Object.keys(ides['code-server'].environment);
  expect((ide?.environment ?? []).map(({ name }) => name).sort()).toEqual(known.sort());
  expect(JSON.stringify(ide)).not.toContain(keys.heartbeatToken(id));
});

test('V20: the gate alone has a port', () => {
  const ports = containers.filter(
    each => 'portMappings' in each && Array.isArray(each.portMappings) && each.portMappings.length > 0,
  );
  expect(ports.map(({ name }) => name)).toEqual(['gate']);
  // The editor is told to serve a socket, and nothing of a debugger.
  const { command } = ides['code-server'];
  expect(command).toContain('--socket');
  expect(command.join(' ')).not.toMatch(/--inspect|--bind-addr|--port/);
});
