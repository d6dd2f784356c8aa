import { type ObjectStore, ObjectStoreError } from '@longhaul/coordinator';
import type { Ports } from './ports.ts';

const LEASE_MS = 1_500;

/** Most that the catalog is let wait, by the names of its arguments; a minute and more in a coordinator's own life. */
const LONGEST_MS: Readonly<Record<string, number>> = {
  leaseMs: LEASE_MS,
  redriveAfterMs: 1_000,
  delayMs: 1_000,
  afterMs: 1_000,
  checkAgainAfterMs: 1_000,
  quietForMs: 1_000,
  attemptOverAfterMs: 3_000,
};

/**
 * The same ports with less patience: leases and waits that settings cannot shorten last a second. What they are for is
 * unchanged; recovery takes that much less than it would take elsewhere.
 */
export function pressTime({ catalog, ...ports }: Ports): Ports {
  const { outbox, rotations } = catalog;
  const pressedRotations: typeof rotations = {
    ...pressed(rotations),
    take: (ref, leaseMs) => rotations.take(ref, Math.min(leaseMs, LEASE_MS)),
  };
  return {
    ...ports,
    catalog: { ...pressed(catalog), outbox: pressed(outbox), rotations: pressedRotations },
  };
}

function pressed<Port extends object>(port: Port): Port {
  const entries = Object.entries(port).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'function' ? (...args: unknown[]) => value(...args.map(shortened)) as unknown : value,
  ]);
  return Object.fromEntries(entries) as Port;
}

function shortened(arg: unknown): unknown {
  if (typeof arg !== 'object' || arg === null || Array.isArray(arg)) return arg;
  return Object.fromEntries(
    Object.entries(arg).map(([name, value]) => {
      const longestMs = LONGEST_MS[name];
      return [
        name,
        longestMs !== undefined && typeof value === 'number' ? Math.min(value, longestMs) : value,
      ];
    }),
  );
}

/** Calls whose answer a test may lose. */
export type LosableCall = keyof Pick<ObjectStore, 'createMultipartUpload' | 'headObject'>;

/** The same ports, where the first answer of one call to the store gets lost after the store has done its work. */
export function loseFirstAnswer(ports: Ports, call: LosableCall | undefined): Ports {
  if (!call) return ports;
  let isLost = false;
  const method = ports.objectStore[call] as (...args: unknown[]) => Promise<unknown>;
  const losing = async (...args: unknown[]): Promise<unknown> => {
    const answer = await method(...args);
    if (isLost) return answer;
    isLost = true;
    throw new ObjectStoreError('unreachable', `the answer of ${call} got lost`);
  };
  return { ...ports, objectStore: { ...ports.objectStore, [call]: losing } };
}
