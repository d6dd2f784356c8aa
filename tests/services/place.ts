import { runOrThrow, type Account, type CommandOptions } from './command.ts';
import { startDaemon, type Daemon, type DaemonOptions } from './daemon.ts';
import { startGuardian, type Guardian } from './guardian.ts';
import { openRunFolders } from './run-folders.ts';

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
  /** Copies the logs to where the last failure is kept. */
  readonly keepLogs: () => Promise<void>;
  /** Stops every place and removes every folder. Rejects, after trying everything, if something resisted. */
  readonly close: () => Promise<void>;
}

/** Opens a run in a new folder `.services/run-XXXXXX`. */
export async function openRun(signal: AbortSignal): Promise<Run> {
  const guardian = startGuardian();
  const folders = await openRunFolders(guardian);
  const places: Place[] = [];
  return {
    folder: folders.top,
    guardian,
    openPlace: () => {
      const { make: makeFolder, logFile } = folders;
      const place = createPlace({ signal, guardian, makeFolder, logFile });
      places.push(place);
      return place;
    },
    keepLogs: folders.keepLogs,
    close: async () => {
      const stops = await Promise.allSettled(places.map((place) => place.stop()));
      const removal = await Promise.allSettled([folders.remove()]);
      guardian.close();
      throwFailures([...stops, ...removal]);
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
