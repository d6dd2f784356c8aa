import type { UploadEvent } from '@longhaul/protocol';
import type { Outbox } from '../../src/lib/ports/outbox.ts';

/** An outbox in memory, for tests of the relay. Time passes in it only when a test says so. */
export interface MemoryOutbox extends Outbox {
  /** What a catalog does in the transaction of the row. */
  write(...events: readonly UploadEvent[]): void;
  pass(timeMs: number): void;
  /** How long until an event is due. */
  dueInMs(eventId: string): number;
  readonly claimCount: number;
}

interface Row {
  readonly event: UploadEvent;
  state: 'unsent' | 'parked' | 'sent';
  attempts: number;
  deliveredTo: readonly string[];
  dueAtMs: number;
  writtenAtMs: number;
  sentAtMs: number;
  lastError: string;
}

/** Keeps the promises of the port, one process and no restart. */
export function createMemoryOutbox(): MemoryOutbox {
  const rows: Row[] = [];
  let nowMs = 0;
  let claimCount = 0;
  const unsent = (): Row[] => rows.filter(({ state }) => state !== 'sent');
  const heads = (): Row[] => {
    const seen = new Set<string>();
    return unsent().filter(({ event: { data } }) => !seen.has(data.nodeId) && seen.add(data.nodeId));
  };
  const find = (eventId: string): Row | undefined => rows.find(({ event }) => event.id === eventId);

  return {
    get claimCount() {
      return claimCount;
    },
    write(...events) {
      for (const event of events) {
        const fresh = { state: 'unsent', attempts: 0, deliveredTo: [], lastError: '' } as const;
        rows.push({ event, ...fresh, dueAtMs: nowMs, writtenAtMs: nowMs, sentAtMs: 0 });
      }
    },
    pass: (timeMs) => void (nowMs += timeMs),
    dueInMs: (eventId) => (find(eventId)?.dueAtMs ?? Number.NaN) - nowMs,
    async claim({ limit, leaseMs }) {
      claimCount += 1;
      const due = heads().filter(({ state, dueAtMs }) => state === 'unsent' && dueAtMs <= nowMs);
      return due.slice(0, limit).map((row) => {
        row.dueAtMs = nowMs + leaseMs;
        row.attempts += 1;
        return { event: row.event, attempts: row.attempts - 1, deliveredTo: row.deliveredTo };
      });
    },
    async settle(eventId, outcome) {
      const row = find(eventId);
      if (row === undefined || row.state === 'sent') return;
      if (outcome.kind === 'sent') Object.assign(row, { state: 'sent', sentAtMs: nowMs });
      else {
        const { deliveredTo, lastError, afterMs } = outcome;
        const state = outcome.kind === 'parked' ? 'parked' : 'unsent';
        Object.assign(row, { state, deliveredTo, lastError, dueAtMs: nowMs + afterMs });
      }
    },
    async status() {
      const parked = rows.filter(({ state }) => state === 'parked');
      const [oldest] = unsent();
      return {
        unsentCount: unsent().length,
        ...(oldest && { oldestUnsentAgeMs: nowMs - oldest.writtenAtMs }),
        parkedCount: parked.length,
        parked: parked.slice(0, 100).map(({ event, attempts, lastError }) => {
          const { id, type, data } = event;
          return { eventId: id, nodeId: data.nodeId, type, attempts, lastError };
        }),
      };
    },
    async replay(selection) {
      const chosen = rows.filter(({ event, state, writtenAtMs }) => {
        if (selection.kind === 'parked') return state === 'parked';
        if (selection.kind === 'event') return event.id === selection.eventId;
        return writtenAtMs >= selection.sinceEpochMs && state !== 'unsent';
      });
      const fresh = { state: 'unsent', attempts: 0, deliveredTo: [], lastError: '' } as const;
      for (const row of chosen) Object.assign(row, fresh, { dueAtMs: nowMs });
      return chosen.length;
    },
    async removeSent(retainMs) {
      const old = rows.filter(({ state, sentAtMs }) => state === 'sent' && nowMs - sentAtMs > retainMs);
      for (const row of old) rows.splice(rows.indexOf(row), 1);
      return old.length;
    },
  };
}
