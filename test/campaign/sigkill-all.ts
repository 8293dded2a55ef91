import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { conditionOf } from '../../api/resources/resource.ts';
import type { Workspace } from '../../api/resources/workspace.ts';
import { homePath } from '../../reconcilers/aws/names.ts';
import { eventually } from '../support/eventually.ts';
import { anyPort, temporaryDataFolder } from '../support/product.ts';
import { gateAnswers, homeFolder, ideIn, judgeHome, lockHolders } from './home-watch.ts';
import { type HomeWriter, judgeSaved, startWriter } from './home-writer.ts';
import { mulberry } from './mulberry.ts';
import { keepUp } from './product-life.ts';
import type { KillReport } from './sigkill.ts';

/** A machine under load may take this long to come to rest; the first time an editor is installed. */
const restMilliseconds = 240_000;
/** How often it is looked whether two run on one home. */
const lookMilliseconds = 100;
/** The latest moment of a kill: after the lines began, and of a start that does not get to its end. */
const [latestWriting, latestStarting] = [1_500, 8_000];
/** How many of the starts are cut off. */
const cutOff = 0.25;

/** Ada's workspace runs all the time; Bob's is asked for something else each round, right before the kill. */
const [ada, bob] = ['fall-intro-ada', 'fall-intro-bob'];
const asks = ['stop', 'start', 'restart', undefined] as const;

/** A student's home on this machine, and the programs that saved lines in it, in their order. */
interface Home {
  readonly slug: string;
  readonly place: string;
  readonly uid: number;
  readonly writers: HomeWriter[];
}

/**
 * Kills a whole `npm start` with SIGKILL, `count` times at moments that follow from `seed`, while programs in the
 * containers of two real code-servers save lines in their homes. As root on Linux. Each time: all that was asked comes
 * to be, every line of which it was said that it is saved is there, and never do two run on one home.
 */
export async function killAll(count: number, seed: number, told: (done: number) => void): Promise<KillReport> {
  const folder = await temporaryDataFolder();
  const port = await anyPort();
  const random = mulberry(seed);
  const violations: string[] = [];
  const product = keepUp(folder.path, port);
  const looking = new AbortController();
  let kills = 0;
  let looks: Promise<void> | undefined;
  const kill = async () => {
    await product.killed();
    kills += 1;
    told(kills);
  };

  async function call(method: string, route: string, body?: object): Promise<unknown> {
    const token = JSON.parse(readFileSync(path.join(folder.path, 'secrets.json'), 'utf8')).operatorToken;
    const response = await fetch(`http://127.0.0.1:${port}/v1${route}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
  const load = async (slug: string) => (await call('GET', `/workspaces/${slug}`)) as Workspace;

  /** What the row says outlives a kill: whether it is so, the gate and the processes say. */
  async function isAsAsked(slug: string): Promise<boolean> {
    const { status, generation, spec, home } = await load(slug);
    if (status.observedGeneration !== generation || conditionOf(status, 'Ready')?.status !== 'True') return false;
    const place = homeFolder(folder.path, homePath(home.id));
    if (!spec.running) return status.step === 'stopped' && ideIn(place) === undefined;
    return status.step === 'ready' && ideIn(place) !== undefined && (await gateAnswers(port, slug));
  }
  const rest = () =>
    eventually(async () => (await isAsAsked(ada)) && (await isAsAsked(bob)), { within: restMilliseconds, every: 150 });

  async function look(homes: readonly Home[]): Promise<void> {
    while (!looking.signal.aborted) {
      for (const { place } of homes) violations.push(...judgeHome(place).filter(text => !violations.includes(text)));
      await delay(lookMilliseconds);
    }
  }

  try {
    const isMade = await eventually(() => call('PUT', '/cohorts/fall', { name: 'Fall' }).then(() => true), {
      within: restMilliseconds,
    });
    if (!isMade) return { kills, violations };
    await call('PUT', '/courses/intro', { name: 'Intro' });
    await call('PUT', '/courses/intro/cohorts/fall');
    await call('POST', '/cohorts/fall/roster', { text: 'Ada <ada@school.example>\nBob <bob@school.example>' });
    await call('POST', '/workspaces:start', { course: 'intro', cohort: 'fall' });
    await rest();
    const homes: Home[] = [];
    for (const slug of [ada, bob]) {
      const place = homeFolder(folder.path, homePath((await load(slug)).home.id));
      homes.push({ slug, place, uid: statSync(place).uid, writers: [] });
    }
    looks = look(homes);
    for (let round = 0; ; round += 1) {
      for (const { slug, place, writers } of homes) {
        const found = await judgeSaved(place, writers);
        violations.push(...found.map(text => `${text} (${slug}, after ${kills} kills)`));
      }
      if (lockHolders(homes[0]?.place ?? '').length !== 1) violations.push(`nobody holds the lock of ${ada}'s home`);
      if (kills >= count || violations.length > 0) break;
      for (const { place, uid, writers } of homes) {
        const ide = ideIn(place);
        if (ide !== undefined) writers.push(startWriter(ide, uid, `${round}`));
      }
      await Promise.all(homes.map(({ writers }) => writers.at(-1)?.begun));
      const ask = asks[round % asks.length];
      await delay(random() * latestWriting);
      if (ask) await call('POST', `/workspaces:${ask}`, { ids: [(await load(bob)).id] });
      await delay((random() * latestWriting) / 2);
      await kill();
      while (kills < count && random() < cutOff) {
        await delay(random() * latestStarting);
        await kill();
      }
      await rest();
    }
  } catch (error) {
    violations.push(`wedged: ${error instanceof Error ? error.message : String(error)}\n${product.output()}`);
  } finally {
    looking.abort();
    await looks;
    await product.end();
    await folder.remove();
  }
  return { kills, violations };
}
