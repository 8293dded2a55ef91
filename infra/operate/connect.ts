import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { type Clients, createClients } from '../../reconcilers/aws/clients.ts';
import { type Deployment, findDeployment } from './deployment.ts';
import { OperateFault } from './fault.ts';

/** A deployment and the clients that reach it. */
export interface Connected {
  readonly clients: Clients;
  /** Reads the account's quotas: nobody but an operator asks for them. */
  readonly quotas: ServiceQuotasClient;
  readonly deployment: Deployment;
  /** It stands on a local AWS. */
  readonly local: boolean;
}

/** Where to look: a cluster in the account of the environment's credentials, or a data folder of this machine. */
interface Where {
  readonly cluster: string;
  readonly data?: string;
}

/** Connects as whoever the SDK's environment says. Throws what to do when there is nobody or no region. */
export async function connect(
  environment: Readonly<Record<string, string | undefined>>,
  { cluster, data }: Where,
): Promise<Connected> {
  if (data !== undefined) return connectHere(path.resolve(data));
  const clients = createClients();
  try {
    await demandCredentials(clients);
    const deployment = await findDeployment(clients.ecs, environment, cluster).catch(error => {
      throw error instanceof OperateFault ? error : unreadable(error);
    });
    return { clients, quotas: new ServiceQuotasClient(), deployment, local: Boolean(environment['AWS_ENDPOINT_URL']) };
  } catch (error) {
    clients.destroy();
    throw error;
  }
}

async function demandCredentials({ ecs }: Clients): Promise<void> {
  await ecs.config.credentials().catch((cause: unknown) => {
    throw new OperateFault(
      'There are no AWS credentials here, so nothing could be checked. Sign in (aws sso login, or aws configure) and run this again; for this machine’s own installation use --data.',
      { cause },
    );
  });
  await ecs.config.region().catch((cause: unknown) => {
    throw new OperateFault('No AWS region is set. Set AWS_REGION to the region of the stack, e.g. us-east-1.', {
      cause,
    });
  });
}

function unreadable(error: unknown): OperateFault {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new OperateFault(
    `The deployment could not be looked up (${reason}). Check credentials, AWS_REGION and --cluster; it takes the rights ecs:ListServices, ecs:DescribeServices and ecs:DescribeTaskDefinition.`,
    { cause: error },
  );
}

const region = 'us-east-1';

/** The local AWS of a running installation. */
async function connectHere(root: string): Promise<Connected> {
  const read = async (name: string) => JSON.parse(await readFile(path.join(root, name), 'utf8'));
  const files = Promise.all([read('secrets.json'), read('ground.json'), read('ports.json')]);
  const [secrets, ground, ports] = await files.catch((cause: unknown) => {
    throw new OperateFault(`There is no Armada in ${root} that has ever run. Say where it is with --data.`, { cause });
  });
  const endpoint = `http://127.0.0.1:${ports.aws}`;
  await fetch(endpoint).catch((cause: unknown) => {
    throw new OperateFault(`Armada does not run on ${root}. Start it first: npm start -- --data ${root}`, { cause });
  });
  const credentials = { accessKeyId: secrets.awsAccessKeyId, secretAccessKey: secrets.awsSecretAccessKey };
  const { cluster, fileSystemId, listenerArn, userPoolClientId, userPoolId } = ground;
  return {
    clients: createClients({ endpoint, region, credentials }),
    quotas: new ServiceQuotasClient({ endpoint, region, credentials }),
    local: true,
    deployment: {
      deployment: 'armada',
      cluster,
      capacityProvider: undefined,
      balancers: [{ listenerArn, domain: 'localhost' }],
      fileSystemId,
      userPoolId,
      userPoolClientId,
      portalUrl: `http://127.0.0.1:${ports.api}`,
    },
  };
}
