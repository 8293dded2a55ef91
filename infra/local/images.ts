import { chmod, copyFile, link, mkdir, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { ImageTable, LocalImage } from './aws/ecs/drivers/process.ts';

export interface LocalImagesOptions {
  /** The Node that gates and IDEs run under. */
  readonly node: string;
  /** A folder that every user of this machine can read, for the programs; made if missing. */
  readonly stageDirectory: string;
  /** code-server's entry.js, below the stage, once it is installed; rejected: the IDE's image can't be fetched. */
  readonly ide: { readonly entry: Promise<string> };
}

const root = path.join(import.meta.dirname, '..', '..');
/**
 * Young objects of a gate fit into 4 MB: V8's own choice would be paid once per workspace, and with 1 MB a quarter of a
 * busy gate's time goes into moving them.
 */
const gateFlags = ['--max-semi-space-size=4'];
/** Programs that others must run, and nobody change. */
const programMode = 0o755;

/**
 * The images `armada/gate:local` and `armada/ide:local` of the process driver. Their programs are copied to the stage:
 * other users can't read a clone that lies in root's home, and one file starts faster than a hundred.
 */
export async function localImages(options: LocalImagesOptions): Promise<ImageTable> {
  const stage = path.resolve(options.stageDirectory);
  const gate = path.join(stage, 'gate.cjs');
  const start = path.join(stage, 'ide-start.sh');
  const script = path.join(stage, 'ide-entry.js');
  // The table is fixed before the IDE is installed, so it names a link.
  const ready = options.ide.entry.then(entry => replaceLink(script, entry));
  // Whoever pulls the image is told; that may be nobody.
  ready.catch(() => {});
  await mkdir(stage, { recursive: true });
  await chmod(stage, programMode);
  const [node] = await Promise.all([
    stageNode(options.node, stage),
    replace(gate, bundleGate),
    replace(start, part => copyFile(path.join(root, 'infra/images/ide/start.sh'), part)),
  ]);
  return new Map<string, LocalImage>([
    [
      'armada/gate:local',
      {
        entryPoint: [node, ...gateFlags, gate],
        // Without a network of its own, a gate on every address would be open to the neighbourhood.
        environment: { ARMADA_GATE_ADDRESS: '127.0.0.1' },
        folders: [stage],
      },
    ],
    [
      'armada/ide:local',
      {
        entryPoint: ['/bin/sh', start],
        environment: { ARMADA_IDE_PROGRAM: node, ARMADA_IDE_SCRIPT: script },
        ready,
        folders: [stage],
      },
    ],
  ]);
}

/** As root the Node of the clone may be out of others' reach; a second name for the same file costs no room. */
async function stageNode(node: string, stage: string): Promise<string> {
  if (process.getuid?.() !== 0) return node;
  const staged = path.join(stage, 'node');
  await replace(staged, part => link(node, part).catch(() => copyFile(node, part)));
  return staged;
}

/** Bundles the gate into one CommonJS file, which Node starts in less time and memory than modules. */
async function bundleGate(outfile: string): Promise<void> {
  await build({
    entryPoints: [path.join(root, 'infra/gate/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'error',
    plugins: [withoutSchemas],
  });
}

/** The gate takes words from api/resources, no schemas: their library would be half of its code and 4 MB of its memory. */
const withoutSchemas: Plugin = {
  name: 'without-schemas',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^typebox$/ }, () => ({ path: 'typebox', namespace: 'without-schemas' }));
    onLoad({ filter: /.*/, namespace: 'without-schemas' }, () => ({
      contents: 'export const Type = new Proxy({}, { get: () => () => ({}) });',
    }));
  },
};

/** Writes a program beside its place, then puts it there: one that is running keeps its old one. */
async function replace(file: string, write: (part: string) => Promise<unknown>): Promise<void> {
  const part = `${file}.${process.pid}`;
  await rm(part, { force: true });
  await write(part);
  await chmod(part, programMode);
  await rename(part, file);
}

async function replaceLink(file: string, target: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const part = `${file}.${process.pid}`;
  await rm(part, { force: true });
  await symlink(target, part);
  await rename(part, file);
}
