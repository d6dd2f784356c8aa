import { chmod, chown, cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { runOrThrow, type Account } from './command.ts';
import type { Guardian } from './guardian.ts';

/** Where everything that the services need on disk lives; git-ignored. */
export const SERVICES_FOLDER: string = resolve(import.meta.dirname, '../../.services');

/** Where the logs of the last run that failed are kept. */
export const FAILURE_FOLDER: string = join(SERVICES_FOLDER, 'last-failure');

/** The folders of one run: all are removed together. */
export interface RunFolders {
  readonly top: string;
  readonly make: (name: string, account?: Account) => Promise<string>;
  readonly logFile: (name: string) => string;
  readonly keepLogs: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Makes `.services/run-XXXXXX`; the guardian removes it, should we be killed. */
export async function openRunFolders(guardian: Guardian): Promise<RunFolders> {
  const watched: string[] = [];
  const makeWatched = async (prefix: string): Promise<string> => {
    const made = await mkdtemp(prefix);
    guardian.watch({ kind: 'folder', path: made });
    watched.push(made);
    await chmod(made, 0o755);
    return made;
  };
  await mkdir(SERVICES_FOLDER, { recursive: true });
  const top = await makeWatched(join(SERVICES_FOLDER, 'run-'));
  const logs = join(top, 'logs');
  await mkdir(logs);
  return {
    top,
    make: async (name, account) => {
      if (account === undefined) return mkdtemp(join(top, `${name}-`));
      const parent = (await isOpenToAll(top)) ? top : tmpdir();
      const made = await makeWatched(join(parent, `longhaul-${name}-`));
      await chown(made, account.uid, account.gid);
      return made;
    },
    logFile: (name) => join(logs, `${name}.log`),
    keepLogs: async () => {
      await rm(FAILURE_FOLDER, { recursive: true, force: true });
      await cp(logs, FAILURE_FOLDER, { recursive: true });
    },
    remove: async () => {
      for (const path of watched.toReversed()) {
        await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
        guardian.release({ kind: 'folder', path });
      }
    },
  };
}

/** Whether any account can reach the folder: each folder above it must let others pass. */
async function isOpenToAll(folder: string): Promise<boolean> {
  for (let each = folder; ; each = dirname(each)) {
    const { mode } = await stat(each);
    if ((mode & 0o001) === 0) return false;
    if (each === dirname(each)) return true;
  }
}

/** An account without rights, for servers that refuse to run as root; undefined when we are not root. */
export async function findPlainAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all([
    runOrThrow('id', ['-u', 'nobody']),
    runOrThrow('id', ['-g', 'nobody']),
  ]);
  return { uid: Number(uid), gid: Number(gid) };
}
