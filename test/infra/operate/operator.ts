import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { Deployment } from '../../../infra/operate/deployment.ts';
import { type Clients, createClients } from '../../../reconcilers/aws/clients.ts';
import type { TestAws } from '../../support/local-aws.ts';

/** The deployment whose ground a test's local AWS laid, as the controller's settings would name it. */
export function deploymentOf({ ground }: TestAws): Deployment {
  return {
    deployment: 'armada',
    cluster: ground.cluster,
    capacityProvider: undefined,
    balancers: [{ listenerArn: ground.listenerArn, domain: 'localhost' }],
    fileSystemId: ground.fileSystemId,
    userPoolId: ground.userPoolId,
    userPoolClientId: ground.userPoolClientId,
    portalUrl: '',
  };
}

/** The product's clients at a test's local AWS. */
export function clientsOf({ aws, credentials }: TestAws): Clients {
  return createClients({ endpoint: aws.url, region: 'us-east-1', credentials });
}

/** Service Quotas of a test's local AWS, where an account is new. */
export function quotasOf({ aws, credentials }: TestAws): ServiceQuotasClient {
  return new ServiceQuotasClient({ endpoint: aws.url, region: 'us-east-1', credentials });
}
