import { writeSync } from 'node:fs';
import { callsOf, type CallWatch } from './port-calls.ts';
import type { Ports } from './ports.ts';

/** Calls that no upload and no work in the background makes, and who makes them. */
export const CALLS_OF_NOBODY: ReadonlyMap<string, string> = new Map([
  ['catalog.oldestOpenCreatedAtEpochMs', 'the command `bucket lifecycle`, which changes nothing'],
  ['outbox.status', 'the command `events`, which changes nothing'],
  ['outbox.replay', 'the command `events replay`: one statement, which its person repeats'],
]);

/** Before and after every call, as `catalog.insert before`. */
export function killPointsOf(ports: Ports): readonly string[] {
  return callsOf(ports)
    .filter((call) => !CALLS_OF_NOBODY.has(call))
    .flatMap((call) => [`${call} before`, `${call} after`]);
}

/** Where a process ends itself: at the n-th time that it comes to a point. */
export interface Death {
  readonly point: string;
  readonly hit: number;
}

/**
 * Counts how often each point is reached, and kills the process at one of them, as the machine would: nothing of it
 * runs any more, nothing is flushed.
 */
export function createKillWatch(
  death: Death | undefined,
): CallWatch & { readonly hits: ReadonlyMap<string, number> } {
  const hits = new Map<string, number>();
  const reach = (point: string): void => {
    const hit = (hits.get(point) ?? 0) + 1;
    hits.set(point, hit);
    if (point !== death?.point || hit !== death.hit) return;
    // Said first, and not through a stream: there is no later.
    writeSync(process.stdout.fd, `killed ${point}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  return {
    hits,
    before: (call) => reach(`${call} before`),
    after(call, result) {
      // Nothing was found, so nothing can be lost: a sweep or a relay without work is no place worth dying at.
      if (!Array.isArray(result) || result.length > 0) reach(`${call} after`);
    },
  };
}
