import { DescribeFileSystemsCommand } from '@aws-sdk/client-efs';
import type { Home } from '../../api/resources/home.ts';
import type { Student } from '../../api/resources/student.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { createClients } from '../../reconcilers/aws/clients.ts';
import { createHomeReconciler } from '../../reconcilers/home/index.ts';
import { createStudentReconciler } from '../../reconcilers/student/index.ts';
import { createWorkspaceReconciler } from '../../reconcilers/workspace/index.ts';
import { eventually } from '../support/eventually.ts';
import { startTestAws, type TestAwsOptions } from '../support/local-aws.ts';
import { Rows, settings } from './rows.ts';

/** The operations that only look. */
const isRead = (operation: string) => /^(Describe|List|AdminGet|AdminList)/.test(operation);

/**
 * A local AWS, and the reconcilers over rows in memory, through the real SDK clients. `retries: false`: the SDK does
 * not try again by itself, so that every fault reaches us. `path`: workspaces share one host.
 */
export async function startWorld(
  options: TestAwsOptions & { readonly retries?: boolean; readonly path?: boolean } = {},
) {
  const test = await startTestAws(options);
  const { ground, aws, credentials } = test;
  await eventually(async () => {
    const answer = await test.clients.efs.send(new DescribeFileSystemsCommand({ FileSystemId: ground.fileSystemId }));
    return answer.FileSystems?.[0]?.LifeCycleState === 'available';
  });
  aws.endpoint.calls.reset();
  const clients =
    options.retries === false
      ? { ...test.clients, destroy() {} }
      : createClients({ endpoint: aws.url, region: 'us-east-1', credentials });
  const ownSettings = {
    ...settings,
    cluster: ground.cluster,
    vpcId: ground.vpcId,
    balancers: [
      {
        listenerArn: ground.listenerArn,
        ...(options.path ? { domain: 'shared.localhost', path: true } : { domain: 'localhost' }),
      },
    ],
    fileSystemId: ground.fileSystemId,
  };
  const reconciler = () => createWorkspaceReconciler({ ...ownSettings, clients });
  const homes = () => createHomeReconciler({ ...ownSettings, clients });
  const students = () => createStudentReconciler({ clients, userPoolId: ground.userPoolId, deployment: 'school' });
  const counted = (matches: (operation: string) => boolean) =>
    Object.entries(aws.endpoint.calls.counts())
      .filter(([operation]) => matches(operation))
      .reduce((sum, [, count]) => sum + count, 0);
  return {
    ...test,
    clients,
    settings: ownSettings,
    reconciler,
    students,
    homes,
    homeRows: () => Rows.of<Home, never, never>(homes() as never),
    workspaceRows: () => Rows.of<Workspace, never, never>(reconciler() as never, (row, slot) => ({ ...row, slot })),
    studentRows: () => Rows.of<Student, never, never>(students() as never),
    calls: aws.endpoint.calls,
    writes: () => counted(operation => !isRead(operation)),
    reads: () => counted(isRead),
    async close() {
      clients.destroy();
      await test.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;
