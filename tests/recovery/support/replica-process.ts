import { spawn } from 'node:child_process';
import type { Death } from './kill-points.ts';
import type { Addresses } from './ports.ts';
import type { LosableCall } from './pressed-time.ts';

/**
 * What a replica does when told to. `serve`: migrates and listens, answers its URL. `work`: sweeps and relays until
 * `rest`. `reconcile`: aborts what is nobody's. `stop`: lets go of everything, answers how often each point was reached.
 */
export type ReplicaCommand = 'serve' | 'work' | 'rest' | 'reconcile' | 'stop';

/** What a replica says of a command. */
export interface ReplicaAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** How a replica ended. */
export interface ReplicaEnd {
  /** The point at which it killed itself. */
  readonly killedAt: string | undefined;
  readonly atMs: number;
}

/** A replica as a process of its own. */
export interface Replica {
  readonly isAlive: boolean;
  /** Set once it serves. */
  readonly url: string | undefined;
  readonly ended: Promise<ReplicaEnd>;
  /** What it said on its standard error. */
  readonly complaints: string;
  /** Gives a command; `undefined` when the process ends over it. Rejects when the command fails. */
  ask(command: ReplicaCommand): Promise<unknown>;
  kill(): Promise<void>;
}

/** What is odd about a replica. */
export interface ReplicaOptions {
  readonly death?: Death | undefined;
  readonly lose?: LosableCall | undefined;
  readonly clockAheadMs?: number | undefined;
}

/**
 * Starts a replica that connects to nobody before it is asked to serve.
 *
 * @param program what it runs: `replica.ts`, in one file
 */
export function startReplica(program: string, addresses: Addresses, options: ReplicaOptions = {}): Replica {
  const { death, lose, clockAheadMs = 0 } = options;
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      NODE_NO_WARNINGS: '1',
      NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'],
      LONGHAUL_TEST_ADDRESSES: JSON.stringify(addresses),
      ...(death && { LONGHAUL_TEST_KILL_AT: death.point, LONGHAUL_TEST_KILL_HIT: String(death.hit) }),
      LONGHAUL_TEST_CLOCK_AHEAD_MS: String(clockAheadMs),
      ...(lose && { LONGHAUL_TEST_LOSE: lose }),
    },
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk) => (said[name] += String(chunk)));
  const waiting = new Map<number, (answer: ReplicaAnswer | undefined) => void>();
  child.on('message', (message) => {
    const answer = message as ReplicaAnswer;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  // Sending to a process that has just died.
  child.on('error', () => undefined);
  let isAlive = true;
  let url: string | undefined;
  const ended = new Promise<ReplicaEnd>((resolve) => {
    let atMs = 0;
    child.once('exit', () => {
      isAlive = false;
      atMs = performance.now();
    });
    // After its last words have arrived.
    child.once('close', () => {
      for (const answer of waiting.values()) answer(undefined);
      resolve({ killedAt: /^killed (.*)$/m.exec(said.stdout)?.[1], atMs });
    });
  });
  let lastId = 0;
  const ask = async (command: ReplicaCommand): Promise<unknown> => {
    if (!isAlive) return undefined;
    const id = ++lastId;
    const answer = await new Promise<ReplicaAnswer | undefined>((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, command }, () => undefined);
    });
    if (answer?.error !== undefined) throw new Error(`a replica could not ${command}: ${answer.error}`);
    if (command === 'serve') url = answer?.value as string | undefined;
    return answer?.value;
  };
  return {
    get isAlive() {
      return isAlive;
    },
    get url() {
      return url;
    },
    get complaints() {
      return said.stderr;
    },
    ended,
    ask,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
