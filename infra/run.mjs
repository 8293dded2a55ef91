// Runs a script under the pinned Node, whatever Node npm itself runs on. Passes signals and the exit code on.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;
const oldestMajor = 24;

/** The Node binary that this project's lock file pins for the platform, or undefined where none was installed. */
function pinnedNode() {
  try {
    return path.join(path.dirname(require.resolve(`node-${platform}/package.json`)), 'bin', 'node');
  } catch {
    return undefined;
  }
}

const own = Number(process.versions.node.split('.')[0]) >= oldestMajor ? process.execPath : undefined;
const node = pinnedNode() ?? own;
if (!node) {
  console.error(`Armada needs Node ${oldestMajor} or newer; this is ${process.version}, and no node-${platform} was installed.
Install Node ${oldestMajor} from nodejs.org, or run \`npm ci\` again without --omit=optional.`);
  process.exit(1);
}
const env = { ...process.env, PATH: path.dirname(node) + path.delimiter + (process.env.PATH ?? '') };
const child = spawn(node, process.argv.slice(2), { stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1);
  for (const passed of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(passed);
  process.kill(process.pid, signal);
});
