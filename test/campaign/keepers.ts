import { keeperExits, purgeCommand } from '../../api/resources/keeper.ts';
import type { Clock } from '../../infra/local/aws/clock.ts';
import type { NoneDriver } from '../../infra/local/aws/ecs/drivers/none.ts';
import { isHomeFree, pathOf } from './oracles.ts';
import type { Truth } from './truth.ts';

/** How long a keeper goes through a home: a look or two of the controller. */
const workMilliseconds = 700;

/**
 * Lets the keepers of a driver without processes do as `infra/gate/purge.ts` does: one takes the home's lock or says that
 * it is in use, and empties the home. `emptied` is told the home's path on the file system.
 */
export function letKeepersWork(driver: NoneDriver, clock: Clock, truth: Truth, emptied: (path: string) => void): void {
  const { run } = driver;
  const keep: NoneDriver['run'] = async (taskId, container, exited) => {
    const { name = '', command } = container.definition;
    const path = pathOf(truth, taskId);
    const isKeeper = command?.[0] === purgeCommand;
    if (isKeeper && path === undefined) throw new Error('ResourceInitializationError: the access point is gone');
    await run(taskId, container, exited);
    if (!isKeeper || path === undefined) return;
    const isFree = isHomeFree(truth, taskId);
    clock.after(isFree ? workMilliseconds : 0, () => {
      if (isFree) emptied(path);
      driver.exit(taskId, name, { exitCode: isFree ? keeperExits.done : keeperExits.inUse });
    });
  };
  Object.assign(driver, { run: keep });
}
