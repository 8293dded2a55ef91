import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  ElasticLoadBalancingV2Client,
  type ElasticLoadBalancingV2ClientConfig,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type pg from 'pg';
import { listenerPort } from '../../infra/local/ground.ts';

/** As the controller's own. */
export const placesPerBalancer = 98;

/** Gives those that are to run their places, as the controller would. */
export async function placeRunning(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into route_slots (workspace_id, balancer, priority)
     select id, (row_number() over (order by id) - 1) / $1, (row_number() over (order by id) - 1) % $1 + 1
     from workspaces where (spec->>'running')::boolean`,
    [placesPerBalancer],
  );
}

/** Listeners at balancers beside the ground's own: each has places for 98 workspaces. */
export async function moreListeners(own: ElasticLoadBalancingV2ClientConfig, count: number): Promise<string[]> {
  const elb = new ElasticLoadBalancingV2Client(own);
  const arns: string[] = [];
  for (let index = 1; index <= count; index += 1) {
    const Subnets = ['subnet-0a0a0a0a0a0a0a0a0', 'subnet-0b0b0b0b0b0b0b0b0'];
    const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: `armada-${index}`, Subnets }));
    const { Listeners } = await elb.send(
      new CreateListenerCommand({
        LoadBalancerArn: LoadBalancers?.[0]?.LoadBalancerArn,
        Protocol: 'HTTP',
        Port: listenerPort + index,
        DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503' } }],
      }),
    );
    arns.push(Listeners?.[0]?.ListenerArn ?? '');
  }
  elb.destroy();
  return arns;
}
