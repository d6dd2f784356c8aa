/**
 * Words of this folder.
 *
 * - service: a real server (or browser) that `*.services.test.ts` files talk to
 * - variable: an environment variable by which tests find a service; the first one is its address
 * - given: the address was already in the environment, so we neither start nor stop the service
 * - launch: what `find` returns: a way to start the programs that it found
 * - place: where one service runs: its processes, containers and folders, all ended together
 */
import type { Place } from './place.ts';

/** What tests read from their environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Starts a service; resolves, when it answers, with the variables for the tests. Rejects with the reason. */
export type Launch = (place: Place) => Promise<Readonly<Record<string, string>>>;

/** What a look at the machine brought: programs ready to start, or the reason why there are none. */
export type Candidate =
  | { readonly kind: 'found'; readonly version: string; readonly launch: Launch }
  | {
      readonly kind: 'missing';
      readonly reason: string;
      /** Debian packages that would help. Default: those of the service. */
      readonly aptPackages?: readonly string[];
    };

/** Docker as the last way to have a service. */
export type DockerWay =
  | { readonly kind: 'image'; readonly image: string; readonly launch: Launch }
  | { readonly kind: 'none'; readonly reason: string };

/** One service: how to find it, how to get it, how to start it. */
export interface Service {
  readonly name: string;
  /** Variables that the tests read; the first is the address and decides whether the service is given. */
  readonly variables: readonly [string, ...string[]];
  /** Debian packages that hold its programs, or what builds them; empty when Debian has none that would do. */
  readonly aptPackages: readonly string[];
  readonly find: () => Promise<Candidate>;
  /** Builds the programs where Debian has none, once its packages are there. Rejects with the reason when it cannot. */
  readonly build?: (signal: AbortSignal) => Promise<void>;
  readonly docker: DockerWay;
  /** Asks the service one real question. Rejects when the answer is not right. */
  readonly probe: (env: Env) => Promise<void>;
}

/** A server of a test's own, which it may stop and start again, at the same address, with what it has stored. */
export interface OwnServer {
  readonly address: string;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The value of a variable. Throws when it is absent: every client library has a default address of its own. */
export function readVariable(env: Env, variable: string): string {
  const value = env[variable] ?? '';
  if (value === '') throw new Error(`${variable} is not set`);
  return value;
}
