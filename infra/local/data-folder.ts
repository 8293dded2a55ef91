import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { StartFault } from './options.ts';
import { processStart } from './process-start.ts';

/** Secrets of this installation, made at its first start and kept in a file that only its user can read. */
export interface Secrets {
  readonly awsAccessKeyId: string;
  readonly awsSecretAccessKey: string;
  readonly armadaSecret: string;
  readonly operatorToken: string;
  readonly outboxToken: string;
  /** One-time password of the first instructor. */
  readonly firstPassword: string;
}

/** Paths below the data folder. `stage` alone may be read by other uids: it holds programs, no data. */
export interface DataFolder {
  readonly root: string;
  readonly postgres: string;
  readonly stage: string;
  readonly homes: string;
  readonly tasks: string;
  readonly logs: string;
  readonly awsState: string;
  readonly ground: string;
  readonly secrets: Secrets;
  /** Gives the folder free for the next start. */
  release(): void;
}

/** Room that a first start needs: IDE 0.4 GB, PostgreSQL 0.1 GB, and something to work with. */
const neededBytes = 1 << 30;

/** Opens the data folder for this process alone, making it if need be. Throws StartFault with what to do. */
export function openDataFolder(root: string): DataFolder {
  try {
    fs.mkdirSync(root, { recursive: true, mode: 0o711 });
    fs.accessSync(root, fs.constants.W_OK);
    const below = (name: string, mode: number) => {
      const folder = path.join(root, name);
      fs.mkdirSync(folder, { recursive: true, mode });
      return folder;
    };
    const { bavail, bsize } = fs.statfsSync(root);
    const fresh = !fs.existsSync(path.join(root, 'secrets.json'));
    if (fresh && bavail * bsize < neededBytes)
      throw new StartFault(
        `The disk of ${root} has ${Math.floor((bavail * bsize) / 2 ** 20)} MB free; a first start needs 1024 MB. Free some, or choose another folder with --data.`,
      );
    const release = lock(root);
    return {
      root,
      postgres: below('postgres', 0o711),
      stage: below('stage', 0o755),
      homes: below('homes', 0o700),
      tasks: below('tasks', 0o711),
      logs: below('logs', 0o700),
      awsState: path.join(root, 'aws.sqlite'),
      ground: path.join(root, 'ground.json'),
      secrets: openSecrets(path.join(root, 'secrets.json')),
      release,
    };
  } catch (error) {
    throw explain(error, root);
  }
}

/** Turns what the file system says into a sentence with what to do. */
export function explain(error: unknown, root: string): unknown {
  if (error instanceof StartFault) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC')
    return new StartFault(`The disk of ${root} is full. Free some space, or choose another folder with --data.`);
  // Node answers ENOENT where a folder can't be made on a read-only file system.
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT')
    return new StartFault(
      `Armada can't write to ${root}. Make it writable for this user, or choose another folder with --data.`,
    );
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new StartFault(`${root} is not a folder. Choose another one with --data.`);
  return error;
}

/** Takes the folder for this process: the file names who has it, by pid and start time, so that a crash frees it. */
function lock(root: string): () => void {
  const file = path.join(root, 'running.json');
  const mine = JSON.stringify({ pid: process.pid, started: processStart(process.pid) });
  const holder = readHolder(file);
  if (holder && holder.pid !== process.pid && processStart(holder.pid) === holder.started)
    throw new StartFault(
      `Armada already runs on ${root} (process ${holder.pid}). Stop it first, or start this one with another --data and --port.`,
    );
  fs.writeFileSync(file, mine, { mode: 0o600 });
  return () => fs.rmSync(file, { force: true });
}

function readHolder(file: string): { pid: number; started: string | undefined } | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function openSecrets(file: string): Secrets {
  if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8'));
  const random = (bytes: number) => randomBytes(bytes).toString('base64url');
  const secrets: Secrets = {
    awsAccessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    awsSecretAccessKey: random(30),
    armadaSecret: random(32),
    operatorToken: random(32),
    outboxToken: random(32),
    firstPassword: readablePassword(),
  };
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
  return secrets;
}

/** A password that can be read aloud and typed: four groups without look-alikes, 77 bits. */
function readablePassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const groups = Array.from({ length: 4 }, () =>
    Array.from(randomBytes(4), byte => letters[byte % letters.length]).join(''),
  );
  return `A7-${groups.join('-')}`;
}
