import { chmod, chown, cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { runOrThrow, type Account, type CommandOptions } from './command.ts';
import { startDaemon, type Daemon, type DaemonOptions } from './daemon.ts';
import { startGuardian, type Guardian } from './guardian.ts';

/** Where everything that the services need on disk lives; git-ignored. */
export const SERVICES_FOLDER: string = resolve(import.meta.dirname, '../../.services');

/** Where the logs of the last run that failed are kept. */
export const FAILURE_FOLDER: string = join(SERVICES_FOLDER, 'last-failure');

/** Where one service runs: its processes, containers and folders, all ended together. */
export interface Place {
  /** Aborted when the run must end; starting things is pointless then. */
  readonly signal: AbortSignal;
  readonly guardian: Guardian;
  /** A new empty folder, removed at the end; owned by `account` if one is named. */
  readonly makeFolder: (name: string, account?: Account) => Promise<string>;
  /** Where the log `name` is to be written. */
  readonly logFile: (name: string) => string;
  readonly startDaemon: (
    name: string,
    options: Omit<DaemonOptions, 'logFile' | 'guardian'>,
  ) => Promise<Daemon>;
  /** Runs a command to its end, or to the end of the place. Rejects with its last words when it fails. */
  readonly runTool: (
    command: string,
    args: readonly string[],
    options?: Pick<CommandOptions, 'account' | 'cwd' | 'timeoutMs'>,
  ) => Promise<string>;
  /** Adds something to do when the place is stopped; the last added is done first. */
  readonly onStop: (end: () => Promise<void>) => void;
  /** Ends what runs here. */
  readonly stop: () => Promise<void>;
}

/** One run: a folder for all its places, and a guardian should we be killed. */
export interface Run {
  readonly folder: string;
  readonly guardian: Guardian;
  readonly openPlace: () => Place;
  /** Copies the logs to {@link FAILURE_FOLDER}. */
  readonly keepLogs: () => Promise<void>;
  /** Stops every place and removes every folder. Rejects, after trying everything, if something resisted. */
  readonly close: () => Promise<void>;
}

/** Opens a run in a new folder `.services/run-XXXXXX`. */
export async function openRun(signal: AbortSignal): Promise<Run> {
  await mkdir(SERVICES_FOLDER, { recursive: true });
  const guardian = startGuardian();
  const folders: string[] = [];
  const places: Place[] = [];

  const makeTopFolder = async (prefix: string): Promise<string> => {
    const made = await mkdtemp(prefix);
    guardian.watch({ kind: 'folder', path: made });
    folders.push(made);
    await chmod(made, 0o755);
    return made;
  };
  const folder = await makeTopFolder(join(SERVICES_FOLDER, 'run-'));
  const logs = join(folder, 'logs');
  await mkdir(logs);

  const makeFolder = async (name: string, account?: Account): Promise<string> => {
    if (account === undefined) return mkdtemp(join(folder, `${name}-`));
    const parent = (await isOpenToAll(folder)) ? folder : tmpdir();
    const made = await makeTopFolder(join(parent, `longhaul-${name}-`));
    await chown(made, account.uid, account.gid);
    return made;
  };
  const openPlace = (): Place => {
    const place = createPlace({ signal, guardian, makeFolder, logFile: (name) => join(logs, `${name}.log`) });
    places.push(place);
    return place;
  };
  const removeFolders = async (): Promise<void> => {
    for (const each of folders.toReversed()) {
      await rm(each, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      guardian.release({ kind: 'folder', path: each });
    }
  };
  return {
    folder,
    guardian,
    openPlace,
    keepLogs: async () => {
      await rm(FAILURE_FOLDER, { recursive: true, force: true });
      await cp(logs, FAILURE_FOLDER, { recursive: true });
    },
    close: async () => {
      const results = await Promise.allSettled(places.map((place) => place.stop()));
      const removal = await Promise.allSettled([removeFolders()]);
      guardian.close();
      throwFailures([...results, ...removal]);
    },
  };
}

function createPlace(ground: Pick<Place, 'signal' | 'guardian' | 'makeFolder' | 'logFile'>): Place {
  const ends: (() => Promise<void>)[] = [];
  const stopping = new AbortController();
  const toolSignal = AbortSignal.any([ground.signal, stopping.signal]);
  return {
    ...ground,
    startDaemon: async (name, options) => {
      ground.signal.throwIfAborted();
      const { guardian, logFile } = ground;
      const daemon = await startDaemon({ ...options, guardian, logFile: logFile(name) });
      ends.push(daemon.stop);
      return daemon;
    },
    runTool: (command, args, options = {}) =>
      runOrThrow(command, args, {
        ...options,
        signal: toolSignal,
        watchGroup: (pid) => {
          const watched = { kind: 'group', pid, signal: 'SIGKILL' } as const;
          ground.guardian.watch(watched);
          return () => ground.guardian.release(watched);
        },
      }),
    onStop: (end) => {
      ends.push(end);
    },
    stop: async () => {
      stopping.abort();
      const results: PromiseSettledResult<void>[] = [];
      for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
        results.push(...(await Promise.allSettled([end()])));
      }
      throwFailures(results);
    },
  };
}

function throwFailures(results: readonly PromiseSettledResult<unknown>[]): void {
  const reasons = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (reasons.length > 0) throw new AggregateError(reasons, `could not clean up: ${reasons.join('; ')}`);
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
