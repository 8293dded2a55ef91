import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

/** `npm run check`: format and lint, types, boundaries, dead code. Ends with 1 when any of them finds something. */

const rooms = ['api', 'controller', 'reconcilers', 'infra', 'ui', 'test'];
const cruiser = ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', '--output-type', 'err'];

interface Result {
  readonly status: number | null;
  readonly text: string;
}

function run(script: readonly string[]): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...script], { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

/** Boundaries, proven able to fail: a planted violation must be found, and modules must have been seen at all. */
function boundaries(): Result {
  const planted = 'ui/planted-violation.ts';
  mkdirSync('ui', { recursive: true });
  writeFileSync(planted, "import '../api/store/pool.ts';\n");
  try {
    if (run([...cruiser, planted]).status === 0) return { status: 1, text: 'a planted violation was not found' };
  } finally {
    rmSync(planted);
  }
  const result = run([...cruiser, ...rooms]);
  const sawModules = /\((\d+) modules/.exec(result.text)?.[1];
  if (result.status === 0 && !(Number(sawModules) > 0)) return { status: 1, text: 'no module was looked at' };
  return result;
}

const checks: ReadonlyArray<readonly [name: string, check: () => Result]> = [
  ['format and lint', () => run(['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'])],
  ['types', () => run(['node_modules/typescript/bin/tsc', '--noEmit'])],
  ['boundaries', boundaries],
  ['dead code', () => run(['node_modules/knip/bin/knip.js'])],
];

let failed = false;
for (const [name, check] of checks) {
  const start = performance.now();
  const { status, text } = check();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (status !== 0) {
    failed = true;
    console.log(text);
  }
}
process.exit(failed ? 1 : 0);
