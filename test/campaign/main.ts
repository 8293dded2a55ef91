import { setup } from '../support/global-setup.ts';
import { faultNames, fits } from './faults.ts';
import { refer, run } from './run.ts';
import { scenarios } from './scenarios.ts';
import { startWorld } from './world.ts';

const provided = new Map<string, string>();
const teardown = await setup({ provide: (name: string, value: string) => provided.set(name, value) } as never);
const url = new URL(provided.get('postgresUrl') ?? '');
url.pathname = `/${provided.get('templateDatabase')}`;
const wanted = process.argv.slice(2);
let world = await startWorld({ databaseUrl: url.href });
for (const scenario of scenarios.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  try {
    const begun = performance.now();
    await refer(world, scenario);
    const between = performance.now();
    const reference = await refer(world, scenario);
    console.log(
      scenario.name,
      Math.round(between - begun),
      Math.round(performance.now() - between),
      reference.points.length,
      JSON.stringify(reference.state),
    );
    if (process.env['ALL']) {
      let bad = 0;
      let runs = 0;
      let missed = 0;
      for (const point of reference.points)
        for (const fault of faultNames.filter(name => fits(name, point))) {
          const result = await run(world, scenario, reference, { scenario: scenario.name, fault, point });
          runs += 1;
          if (!result.reached) missed += 1;
          if (result.violations.length > 0) {
            bad += 1;
            console.log(
              'FAIL',
              fault,
              JSON.stringify(point),
              result.violations.join(' | ').slice(0, 1500),
              result.trace.join(' ').slice(-600),
            );
            await world.close();
            world = await startWorld({ databaseUrl: url.href });
            await world.pool.query(
              'truncate people, courses, cohorts, homes, workspaces, route_slots, last_balancers cascade',
            );
          }
        }
      console.log(scenario.name, { runs, bad, missed, seconds: (performance.now() - between) / 1000 });
    }
  } catch (error) {
    console.log('FAILED', scenario.name, error);
  }
}
await world.close();
await teardown();
