import { createDockerDriver, findEngine } from './aws/ecs/drivers/docker.ts';
import { runLocalAws } from './aws-process.ts';

/** The process of the local AWS with workspaces in a container engine: `npm start -- --driver docker`. */

const engine = await findEngine();
await runLocalAws(new Map(), {
  driver: given =>
    createDockerDriver(engine, {
      ...given,
      installation: 'armada',
      // Gates report to this machine's loopback, and are reached there by the balancer alone.
      publishing: { ARMADA_GATE_ADDRESS: '127.0.0.1' },
    }),
});
