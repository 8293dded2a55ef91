import { App, CfnOutput, DefaultStackSynthesizer, Stack, Validations } from 'aws-cdk-lib';
import type { Size } from '../../api/resources/sizes.ts';
import { createAlarms } from './alarms.ts';
import { createEntrance } from './balancer.ts';
import { createCluster } from './cluster.ts';
import { createDatabase } from './database.ts';
import { createEvents } from './events.ts';
import { createFiles } from './files.ts';
import { createIdentity } from './identity.ts';
import { createNetwork } from './network.ts';
import { declareParameters, type Images } from './parameters.ts';
import { createRoles } from './roles.ts';
import { createApp } from './service.ts';

/** ARMADA_DEPLOYMENT of a stack: one deployment an account and region. */
export const deployment = 'armada';
export const stackName = 'Armada';

/**
 * The whole deployment as one stack without assets or bootstrap, so that its template can be uploaded in a console.
 * The same size gives the same template, byte for byte.
 */
export function createStack(size: Size, images?: Images): { app: App; stack: Stack } {
  const app = new App({ analyticsReporting: false, treeMetadata: false });
  const stack = new Stack(app, stackName, {
    description: 'Armada: every student of a class has a real IDE in the browser',
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
  const parameters = declareParameters(stack, size, images);
  const network = createNetwork(stack);
  const entrance = createEntrance(stack, network, parameters, size);
  const cluster = createCluster(stack, network, parameters);
  const files = createFiles(stack, network);
  const database = createDatabase(stack, network, size);
  const identity = createIdentity(stack, parameters, entrance.portalUrl);
  const events = createEvents(stack, cluster);
  const ground = { cluster, entrance, events, files, identity, deployment };
  const roles = createRoles(stack, ground);
  const services = createApp(stack, { network, parameters, size, ground, roles, database });
  createAlarms(stack, { app: services, cluster, database, entrance, files, parameters });

  const output = (id: string, description: string, value: string) => new CfnOutput(stack, id, { description, value });
  const region = stack.region;
  output('Portal', 'Open this and sign in.', entrance.portalUrl);
  Validations.of(stack).acknowledge({
    id: 'CloudFormation-Validate::W1001',
    reason: 'What is conditional is named only in the branch of an Fn::If on the same condition or its opposite.',
  });
  output(
    'FirstPassword',
    'Where the first password comes from.',
    `Mailed by Cognito to ${parameters.instructorEmail}; it works for 7 days.`,
  );
  output(
    'ClusterConsole',
    'What runs.',
    `https://${region}.console.aws.amazon.com/ecs/v2/clusters/${cluster.cluster.clusterName}`,
  );
  output(
    'UserPoolConsole',
    'Who may sign in; send a new first password here.',
    `https://${region}.console.aws.amazon.com/cognito/v2/idp/user-pools/${identity.pool.userPoolId}/users`,
  );
  for (const [index, name] of entrance.balancerNames.entries()) {
    const portal = index === 0 ? `${parameters.domainName} and ` : '';
    const record = `${portal}*.s${index + 1}.${parameters.domainName} → ${name}`;
    output(`Record${index + 1}`, 'DNS records to make: aliases, or CNAMEs.', record).condition =
      parameters.tellsRecords;
  }
  output('HomesFileSystem', 'The file system of all homes; kept when the stack is deleted.', files.fileSystem.ref);
  return { app, stack };
}
