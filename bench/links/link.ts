import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from './usage-error.ts';

/** A line as one would order it. */
export interface LinkSpec {
  readonly name: string;
  readonly rateMbit: number;
  readonly roundTripMs: number;
  /** Of the packets of each way. */
  readonly lossPercent: number;
  /** Files that one sends over it, in MiB. */
  readonly sizesMiB: readonly number[];
  /** A file of a few parts, where that is another; asked for by name. */
  readonly smallMiB?: number;
}

/** At least one. */
type Words = readonly [string, ...string[]];

/** A line with a machine at either end. */
export interface Link {
  /** Words before a command that is to run at the near end, where clients are. */
  readonly near: Words;
  /** The same for the far end, where sink and coordinator are. */
  readonly far: Words;
  readonly farHost: string;
  /** How those at the near end find their pace. */
  readonly congestionControl: string;
  /** Nothing passes for so long. */
  blackout(seconds: number, signal: AbortSignal): Promise<void>;
  /** Makes the kernel forget what it has learnt of the line from earlier connections. */
  forget(): void;
  /** Ends the line and says what became of its packets. */
  close(): Promise<string>;
}

const BUILD_FOLDER = join(import.meta.dirname, '../../.longhaul/bench');
const NEAR_HOST = '10.77.0.1';
const FAR_HOST = '10.77.0.2';
const DEVICE = ['dev', 'link'];
const MTU = '1500';
const CONGESTION_CONTROL = 'net.ipv4.tcp_congestion_control';
/** The device hands packets over at once; it must not drop those of a burst. */
const DEVICE_QUEUE_PACKETS = '5000';

/** What is not the line's own. */
export interface LinkOptions {
  /** Which packets get lost. */
  readonly seed: number;
  /** How senders find their pace; `undefined`: as the kernel has it. */
  readonly congestion: string | undefined;
}

/**
 * Lays a line between two new network namespaces. Needs root, `ip` and `cc`.
 *
 * @throws UsageError if the kernel has no such congestion control, or does not allow it here
 */
export async function openLink(spec: LinkSpec, { seed, congestion }: LinkOptions): Promise<Link> {
  removeOrphans();
  const near = `longhaul-${process.pid}-near`;
  const far = `longhaul-${process.pid}-far`;
  const line = await startLine(spec, [near, far], seed);
  try {
    connect(near, NEAR_HOST, FAR_HOST);
    connect(far, FAR_HOST, NEAR_HOST);
    if (congestion) setCongestion(near, congestion);
  } catch (error) {
    line.kill();
    removeNamespaces(near, far);
    throw error;
  }
  return {
    near: ['ip', 'netns', 'exec', near],
    far: ['ip', 'netns', 'exec', far],
    farHost: FAR_HOST,
    congestionControl: sysctl(near, '-n', CONGESTION_CONTROL).trim(),
    async blackout(seconds, signal) {
      line.kill('SIGUSR1');
      await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
      line.kill('SIGUSR2');
    },
    forget() {
      for (const name of [near, far]) ip('-n', name, 'tcp_metrics', 'flush', 'all');
    },
    async close() {
      const said = endOf(line);
      line.stdin?.end();
      const report = await said;
      removeNamespaces(near, far);
      return report;
    },
  };
}

/** The program that is the line. It ends when its standard input does, and so with this process, however that ends. */
async function startLine(
  spec: LinkSpec,
  names: readonly [string, string],
  seed: number,
): Promise<ChildProcess> {
  const program = compileLine();
  for (const name of names) ip('netns', 'add', name);
  const words = [...names, spec.rateMbit, spec.roundTripMs / 2, spec.lossPercent, queueKiB(spec), seed].map(
    String,
  );
  const line = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [first] = (await Promise.race([once(line.stdout, 'data'), once(line, 'exit')])) as [unknown];
  if (String(first).trim() !== 'ready') {
    removeNamespaces(...names);
    throw new Error(`the link ended before it was ready (${String(first)})`);
  }
  return line;
}

/** As much as is on its way when the line is full: the rule of thumb for the buffer of a router. */
function queueKiB({ rateMbit, roundTripMs }: LinkSpec): number {
  return Math.round((rateMbit * 1e6 * roundTripMs) / 1000 / 8 / 1024);
}

function compileLine(): string {
  mkdirSync(BUILD_FOLDER, { recursive: true });
  const program = join(BUILD_FOLDER, 'link');
  execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'link.c')]);
  return program;
}

function connect(namespace: string, host: string, peer: string): void {
  ip('-n', namespace, 'address', 'add', host, 'peer', peer, ...DEVICE);
  ip('-n', namespace, 'link', 'set', ...DEVICE, 'mtu', MTU, 'txqueuelen', DEVICE_QUEUE_PACKETS, 'up');
  ip('-n', namespace, 'link', 'set', 'dev', 'lo', 'up');
}

function setCongestion(namespace: string, congestion: string): void {
  try {
    sysctl(namespace, '-qw', `${CONGESTION_CONTROL}=${congestion}`);
  } catch {
    const allowed = sysctl(namespace, '-n', 'net.ipv4.tcp_allowed_congestion_control').trim();
    throw new UsageError(`--congestion ${congestion}: in a namespace this kernel allows only ${allowed}`);
  }
}

async function endOf(line: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of line.stdout ?? []) text += String(chunk);
  return text.trim();
}

/** Those of runs that were killed before they could clean up. */
function removeOrphans(): void {
  const names = ip('netns', 'list').match(/^longhaul-\d+-\w+/gm) ?? [];
  removeNamespaces(...names.filter((name) => !existsSync(`/proc/${name.split('-')[1]}`)));
}

function removeNamespaces(...names: readonly string[]): void {
  for (const name of names) ip('netns', 'delete', name);
}

function sysctl(namespace: string, ...words: readonly string[]): string {
  return ip('netns', 'exec', namespace, 'sysctl', ...words);
}

function ip(...words: readonly string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
