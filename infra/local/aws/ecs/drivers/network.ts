import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { addressesOf, chooseBlock, linkOf, linksPerBlock, usedRanges } from './addresses.ts';
import { loopbackResolver, taskRules } from './network-rules.ts';
import {
  findNetworkTools,
  layRouter,
  type NetworkTools,
  namespaces,
  type Plug,
  plug,
  plugged,
  removal,
  tableOf,
  unplug,
} from './router.ts';
import { together } from './together.ts';

/** One task's own network: a loopback of its own, and one link to the router. */
export interface TaskNetwork {
  /** The namespace, for nsenter. */
  readonly file: string;
  /** Shown in place of /etc/resolv.conf, where that names a resolver on the machine's loopback. */
  readonly resolvConf: string | undefined;
}

/** What one container is given at the network. */
export interface Published {
  readonly uid: number;
  /** Of the machine's loopback, led to the same port of the task's loopback. */
  readonly ports: readonly number[];
  /** Ports of the machine's loopback that this container's user, and nobody else in the task, may reach as its own. */
  readonly reaches: readonly number[];
}

interface Joined extends TaskNetwork, Plug {
  published: readonly Published[];
  /** Settled once its rules stand; undefined before the first are asked for. */
  ruled: Promise<void> | undefined;
}

/** Elements of the machine's rules that come or go, and what is run inside a task's namespace. */
interface Publication {
  readonly elements: readonly string[];
  readonly inside: string;
}

/** What a shell script does for one task after the other; the first is not to wait for the last for long. */
const mostTogether = 16;

/** One file per installation, named by its mark, with the path of its folder. */
const notes = '/run/armada-networks';

/**
 * Gives each task a network namespace: it reaches the world, but neither the machine's own services nor other tasks,
 * and of it the machine reaches published ports alone.
 */
export class Networks {
  readonly #tools: NetworkTools;
  readonly #directory: string;
  /** Names everything of ours on this machine; other installations have other folders. */
  readonly #mark: string;
  readonly #block: number;
  readonly #tasks = new Map<string, Promise<Joined>>();
  readonly #indexes = new Set<number>();
  readonly #plug = together<Plug>(plugs => shell(plug(this.#tools, this.#mark, plugs)), mostTogether);
  readonly #publish = together<Publication>(each => this.#publishAll(each), mostTogether);
  readonly #unplug = together<Joined>(each => this.#unplugAll(each), mostTogether);

  private constructor(directory: string, tools: NetworkTools) {
    this.#tools = tools;
    this.#directory = directory;
    const hash = createHash('sha256').update(path.resolve(directory)).digest();
    this.#mark = `ar${hash.toString('hex', 0, 3)}`;
    this.#block = chooseBlock(usedRanges(), hash.readUInt16BE(4));
  }

  /**
   * Removes what an earlier life left, and tries all of it once. Undefined, with one line in the log, where this machine
   * can't do it.
   */
  static async open(directory: string): Promise<Networks | undefined> {
    const tools = findNetworkTools();
    let networks: Networks | undefined;
    try {
      if (!tools) throw new Error('ip (iproute2) or nft (nftables) is missing');
      networks = new Networks(directory, tools);
      await networks.close();
      for (const mark of foldersIn(notes))
        if (!existsSync(readFileSync(path.join(notes, mark), 'utf8'))) await remove(tools, mark);
      await networks.#lay();
      await networks.join('trial');
      await networks.publish('trial', { uid: 0, ports: [1], reaches: [1] });
      await networks.leave('trial');
      return networks;
    } catch (error) {
      await networks?.close().catch(() => {});
      const why = error instanceof Error ? error.message.trim() : String(error);
      console.warn(`tasks share this machine's network, for namespaces of their own can't be had: ${why}`);
      return undefined;
    }
  }

  /** The task's network, made at the first call. */
  join(task: string): Promise<TaskNetwork> {
    const known = this.#tasks.get(task);
    if (known) return known;
    const made = this.#make();
    this.#tasks.set(task, made);
    made.catch(() => this.#tasks.delete(task));
    return made;
  }

  /** Call before each container of the task starts: until the first call the task's own rules are not there. */
  async publish(task: string, published: Published): Promise<void> {
    const joined = await this.#tasks.get(task);
    if (!joined) throw new Error('CannotStartContainerError: the task has no network');
    const isNew = published.ports.length > 0 && !joined.published.some(same => sameAs(same, published));
    if (!joined.ruled || isNew) joined.ruled = this.#rule(joined, isNew ? published : undefined);
    await joined.ruled;
  }

  async #rule(joined: Joined, added: Published | undefined): Promise<void> {
    const isFirst = joined.ruled === undefined;
    if (added) joined.published = [...joined.published, added];
    const { nft, nsenter } = this.#tools;
    const rules = taskRules(addressesOf(this.#block), joined.published);
    await this.#publish({
      elements: added ? elementsOf(tableOf(this.#mark), joined.link.address, added) : [],
      inside: `${nsenter} --net=${joined.file} /bin/sh -ec '
${isFirst ? `echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet\n${plugged(this.#tools, joined)}` : ''}
exec ${nft} -f -' <<'RULES'
${rules}
RULES`,
    });
  }

  /** Removes the task's network; whoever still is in it is cut off. */
  async leave(task: string): Promise<void> {
    const joined = await this.#tasks.get(task)?.catch(() => undefined);
    this.#tasks.delete(task);
    if (!joined) return;
    await this.#unplug(joined).catch(() => {});
    this.#indexes.delete(joined.index);
  }

  /** Removes every namespace, link and rule of ours. */
  async close(): Promise<void> {
    this.#tasks.clear();
    this.#indexes.clear();
    await remove(this.#tools, this.#mark);
  }

  async #lay(): Promise<void> {
    mkdirSync(notes, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(notes, this.#mark), path.resolve(this.#directory));
    await shell(layRouter(this.#tools, this.#mark, addressesOf(this.#block)));
    // Answers to tasks come in here. Left on afterwards, for somebody else may have come to need it.
    for (const name of Object.keys(os.networkInterfaces()))
      if (name !== 'lo') writeFileSync(`/proc/sys/net/ipv4/conf/${name}/forwarding`, '1');
  }

  async #make(): Promise<Joined> {
    const index = Array.from({ length: linksPerBlock }, (_, each) => each).find(each => !this.#indexes.has(each));
    if (index === undefined) throw new Error('CannotStartContainerError: no network is free');
    this.#indexes.add(index);
    const link = linkOf(this.#block, index);
    const name = `${this.#mark}-${index}`;
    await this.#plug({ name, index, link });
    return {
      index,
      name,
      link,
      file: path.join(namespaces, name),
      resolvConf: this.#resolvConf(),
      published: [],
      ruled: undefined,
    };
  }

  async #publishAll(publications: readonly Publication[]): Promise<void> {
    const { nft } = this.#tools;
    const elements = publications.flatMap(each => each.elements);
    const outside = elements.length > 0 ? [`${nft} -f - <<'END'\n${elements.join('\n')}\nEND`] : [];
    await shell([...outside, ...publications.map(each => each.inside)].join('\n'));
  }

  async #unplugAll(left: readonly Joined[]): Promise<void> {
    const { nft } = this.#tools;
    const table = tableOf(this.#mark);
    const ports = left.flatMap(({ published }) => published.flatMap(each => each.ports));
    const forget = `${nft} 'delete element inet ${table} ports { ${ports.join(', ')} }'`;
    // One that is gone already refuses all of several; alone it is passed over.
    const alone = left.length === 1 ? ' || true' : '';
    await shell(`${ports.length > 0 ? `${forget}${alone}\n` : ''}${unplug(this.#tools, this.#mark, left)}`);
  }

  #resolvConf(): string | undefined {
    if (loopbackResolver() === undefined) return undefined;
    const file = path.join(this.#directory, 'resolv.conf');
    writeFileSync(file, `nameserver ${addressesOf(this.#block).machine}\n`, { mode: 0o644 });
    return file;
  }
}

/** What a container publishes, as elements of the machine's rules. */
function elementsOf(table: string, address: string, { ports, reaches }: Published): string[] {
  return [
    ...ports.map(port => `add element inet ${table} ports { ${port} : ${address} }`),
    ...reaches.map(port => `add element inet ${table} reached { ${port} }`),
  ];
}

function sameAs(one: Published, other: Published): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

async function remove(tools: NetworkTools, mark: string): Promise<void> {
  const names = foldersIn(namespaces).filter(name => name.startsWith(`${mark}-`));
  await shell(removal(tools, mark, names));
  rmSync(path.join(notes, mark), { force: true });
}

function foldersIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Runs a script of ours; rejects with what it said when any of it fails. */
function shell(script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-ec', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    child.once('error', reject);
    child.once('close', code => (code === 0 ? resolve() : reject(new Error(said || `ended with ${code}`))));
  });
}
