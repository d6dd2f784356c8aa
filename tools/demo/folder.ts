import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SAMPLE_SIZE_BYTES = 64 * 1024 ** 2;
const CHUNK_BYTES = 1024 ** 2;

/** Where the demo keeps what must survive a kill. */
export interface DemoFolder {
  readonly path: string;
  readonly objectsPath: string;
  readonly databasePath: string;
  readonly tokenKeyPath: string;
  readonly resumePath: string;
  /** Lets another demo have the folder. The lock lasts as long as this object: SQLite gives up what is collected. */
  release(): void;
}

/** What the demo made up at its first run and keeps: who may use the local S3, and the ports it had. */
export interface DemoIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly storePort: number;
  readonly webPort: number;
}

/**
 * Opens the folder for this process alone.
 *
 * @throws Error when another demo is running in it
 */
export async function openFolder(path: string): Promise<DemoFolder> {
  await mkdir(path, { recursive: true });
  const lock = takeLock(join(path, 'running.lock'));
  return {
    path,
    objectsPath: join(path, 'objects'),
    databasePath: join(path, 'coordinator.sqlite'),
    tokenKeyPath: join(path, 'coordinator.token-key'),
    resumePath: join(path, 'resume'),
    release: () => lock.close(),
  };
}

/** A lock of SQLite goes with its process, however that ends; a file with a process id would stay. */
function takeLock(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    return database;
  } catch (cause) {
    throw new Error('Another demo is running in this checkout. End it first, then try again.', { cause });
  }
}

export async function readIdentity(folder: DemoFolder): Promise<DemoIdentity> {
  const path = join(folder.path, 'identity.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as DemoIdentity;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const identity = {
    accessKeyId: `demo${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('base64url'),
    storePort: 0,
    webPort: 0,
  };
  await writeIdentity(folder, identity);
  return identity;
}

export async function writeIdentity(folder: DemoFolder, identity: DemoIdentity): Promise<void> {
  const path = join(folder.path, 'identity.json');
  await writeFile(`${path}.new`, JSON.stringify(identity), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** A file of 64 MiB to upload when none was named; the same one each time, so that it can be resumed. */
export async function makeSample(folder: DemoFolder): Promise<string> {
  const path = join(folder.path, 'sample-64MiB.bin');
  const existing = await stat(path).catch(() => undefined);
  if (existing?.size === SAMPLE_SIZE_BYTES) return path;
  const file = await open(`${path}.new`, 'w');
  try {
    for (let written = 0; written < SAMPLE_SIZE_BYTES; written += CHUNK_BYTES)
      await file.write(randomBytes(CHUNK_BYTES));
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return path;
}
