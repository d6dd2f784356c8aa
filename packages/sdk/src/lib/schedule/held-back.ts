import type { Clock } from '../ports/clock.ts';

/** Finds out whether connections are held back one by one, so that more of them would carry more. */
export interface HeldBack {
  /** Follows an attempt to send a part, from its beginning. */
  follow(isTls: boolean): Flight;
  /**
   * Calls back once connections turn out to be held back; at once if the last evidence says so, or if there can be none.
   * Never after the signal has aborted.
   */
  whenKnown(signal: AbortSignal, listener: () => void): void;
}

/** An attempt that is followed. */
export interface Flight {
  /** Bytes handed to the network so far. */
  moved(sentBytes: number): void;
  end(): void;
}

interface Entry {
  readonly openedMs: number;
  sentBytes: number;
}

/**
 * Round trips that tell a slow beginning from a slow connection: every sender begins with a few packets and doubles them,
 * and the first bytes only fill the buffers of the machine.
 */
const ROUND_TRIPS = 10;

/** Less is noise, however short the line. */
const MIN_MS = 1_000;

/**
 * A sender that takes every loss for a full line (CUBIC, Reno) has some 1.2 / √loss packets on their way, that is 12 of them
 * at 1 %, whatever the line could carry. Who has more on their way than these has met few losses, and is held back by the line
 * itself, which others would only share.
 */
const HELD_BACK_BYTES = 96 * 1024;

/**
 * Watches what connections carry in a round trip, all together because single ones differ by luck.
 *
 * @param opensInRoundTrips from the beginning of an attempt to its first byte, where a connection has to be opened and
 * without TLS, which adds one. `undefined`: not known, so that nothing will be either
 */
export function createHeldBack(clock: Clock, opensInRoundTrips: number | undefined): HeldBack {
  const flying = new Set<Entry>();
  const listeners = new Set<() => void>();
  let isHeldBack = opensInRoundTrips === undefined;
  /** Of the connections that were opened first, when the line was empty. */
  let roundTripMs = Infinity;
  let hasEnded = false;

  const look = (nowMs: number): void => {
    isHeldBack = judge(flying, roundTripMs, nowMs) ?? isHeldBack;
    if (!isHeldBack) return;
    for (const listener of listeners) listener();
    listeners.clear();
  };

  return {
    follow(isTls) {
      const startedMs = clock.nowMs();
      const roundTrips = (opensInRoundTrips ?? Infinity) + Number(isTls);
      let entry: Entry | undefined;
      return {
        moved(sentBytes) {
          if (sentBytes === 0) return;
          const nowMs = clock.nowMs();
          if (!entry) {
            if (!hasEnded) roundTripMs = Math.min(roundTripMs, (nowMs - startedMs) / roundTrips);
            flying.add((entry = { openedMs: nowMs, sentBytes }));
          }
          entry.sentBytes = sentBytes;
          look(nowMs);
        },
        end() {
          if (!entry) return;
          hasEnded = true;
          flying.delete(entry);
        },
      };
    },
    whenKnown(signal, listener) {
      if (isHeldBack) return listener();
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener));
    },
  };
}

/** `undefined`: it is too early to tell. */
function judge(flying: Iterable<Entry>, roundTripMs: number, nowMs: number): boolean | undefined {
  let bytes = 0;
  let spentMs = 0;
  for (const { openedMs, sentBytes } of flying) {
    const flownMs = nowMs - openedMs;
    if (flownMs < Math.max(MIN_MS, ROUND_TRIPS * roundTripMs)) continue;
    bytes += sentBytes;
    spentMs += flownMs;
  }
  return spentMs > 0 ? (bytes / spentMs) * roundTripMs < HELD_BACK_BYTES : undefined;
}
