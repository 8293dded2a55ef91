import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { pino } from 'pino';
import { keysOf } from '../../api/resources/keys.ts';
import type { Slot, Workspace, WorkspaceStatus } from '../../api/resources/workspace.ts';
import { createKind } from '../../controller/drive.ts';
import type { Operations } from '../../infra/local/aws/endpoint.ts';
import type { LocalAws } from '../../infra/local/aws/local-aws.ts';
import { AwsError } from '../../infra/local/aws/protocol.ts';
import type { Clients } from '../../reconcilers/aws/clients.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import type { WorkspaceSettings } from '../../reconcilers/workspace/settings.ts';

/** What is to be laid: the settings that the controller will have, and workspaces with the places of those that run. */
export interface Laying {
  readonly settings: Omit<WorkspaceSettings, 'keys'>;
  readonly secret: string;
  readonly workspaces: readonly Workspace[];
}

/** A row's end: what the controller would have written. */
export interface Laid {
  readonly id: string;
  readonly status: WorkspaceStatus;
}

/** Passes that run at once. */
const together = 1_000;
const pauseMilliseconds = 500;

/**
 * Brings workspaces to what is asked by the product's own reconciler, inside the local AWS's process and without HTTP
 * in between: ten thousand in a minute. Reads a Laying from `file` and writes what came of it there.
 */
export async function lay(aws: LocalAws, file: string): Promise<void> {
  writeFileSync(file, JSON.stringify(await layIn(aws, JSON.parse(readFileSync(file, 'utf8')))));
}

/** The same within one process: answers with what came of each. */
export async function layIn(aws: LocalAws, { settings, secret, workspaces }: Laying): Promise<readonly Laid[]> {
  const rows = new Map(workspaces.map(workspace => [workspace.id, workspace]));
  const reconciler = createWorkspaceReconciler({ ...settings, keys: keysOf(secret), clients: directClients(aws) });
  const kind = createKind(reconciler, {
    keys: async () => [...rows.keys()],
    load: async id => rows.get(id),
    async writeStatus(resource: Workspace, status: WorkspaceStatus) {
      const version = resource.version + 1;
      rows.set(resource.id, { ...resource, status, version });
      return version;
    },
    remove: async () => false,
    record: async () => {},
  });
  const never = new AbortController().signal;
  const slots = {
    take: async (id: string): Promise<Slot | 'full'> => rows.get(id)?.slot ?? 'full',
    move: async (): Promise<Slot | 'full'> => 'full',
    release: async () => {},
  };
  const pass = (id: string) =>
    kind.pass(id, {
      ...{ log: pino({ level: 'silent' }), signal: never, stopping: never, slots, urgent: false },
      now: () => new Date(),
      retrySeconds: () => 1,
    });
  let left = [...rows.keys()];
  while (left.length > 0) {
    const more: string[] = [];
    for (let from = 0; from < left.length; from += together) {
      const some = left.slice(from, from + together);
      const passed = await Promise.all(some.map(id => pass(id)));
      more.push(...some.filter((_, index) => passed[index]?.verdict !== 'settled'));
    }
    if (more.length > 0) await delay(pauseMilliseconds);
    left = more;
  }
  return [...rows.values()].map(({ id, status }) => ({ id, status }));
}

/** The SDK's clients, whose calls are the local AWS's own functions, each within `around`. */
export function directClients(
  { ecs, elb, efs, cognito }: LocalAws,
  around: <T>(work: () => T) => T = work => work(),
): Clients {
  const configuration = { region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };
  const direct = <C extends object>(client: C, operations: Operations): C =>
    Object.assign(client, {
      async send(command: { readonly input: object }) {
        const operation = command.constructor.name.replace(/Command$/, '');
        const handle = operations[operation];
        if (!handle) throw new Error(`no operation ${operation}`);
        try {
          return await around(() => handle(command.input, { service: 'ecs', operation }));
        } catch (error) {
          if (!(error instanceof AwsError)) throw error;
          // The SDK's classes have names that ELB's wire codes lack.
          const name = operations === elb.operations ? `${error.code}Exception` : error.code;
          throw Object.assign(new Error(error.message), { name });
        }
      },
    });
  return {
    ecs: direct(new ECSClient(configuration), ecs.operations),
    elb: direct(new ElasticLoadBalancingV2Client(configuration), elb.operations),
    efs: direct(new EFSClient(configuration), efs.operations),
    cognito: direct(new CognitoIdentityProviderClient(configuration), cognito.operations),
    destroy() {},
  };
}
