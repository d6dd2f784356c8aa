import { createHash } from 'node:crypto';

/** Something that will happen. */
export interface Appointment {
  cancel(): void;
}

/**
 * Virtual time. Nothing waits for real: the program runs until it has nothing left to do, then the next appointment
 * is kept and time jumps there.
 */
export interface Scheduler {
  /** Milliseconds since the schedule began. */
  nowMs(): number;
  nowEpochMs(): number;
  after(delayMs: number, work: () => void): Appointment;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Writes a line into the trace. */
  note(line: string): void;
  /** Keeps appointments in order until `isOver`. @throws SchedulerError when that never comes */
  run(isOver: () => boolean): Promise<void>;
  readonly trace: Trace;
}

/** What happened, and a hash of it by which two runs are compared. */
export interface Trace {
  /** Empty unless lines are kept. */
  readonly lines: readonly string[];
  hash(): string;
  readonly eventCount: number;
}

/** A schedule came to no end. */
export class SchedulerError extends Error {
  override readonly name = 'SchedulerError';
}

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  work: (() => void) | undefined;
}

/** Appointments of one run after which it is going in circles. */
const MAX_EVENTS = 400_000;

/** Where virtual time begins: any date will do. */
const START_EPOCH_MS = Date.UTC(2026, 0, 1);

// Taken before anybody replaces it.
const realSetImmediate = setImmediate;

/** Resolves when every promise that could go on has gone on. */
function quiescence(): Promise<void> {
  return new Promise((resolve) => void realSetImmediate(resolve));
}

/** A scheduler at time 0. */
export function createScheduler(options: { readonly keepTrace?: boolean } = {}): Scheduler {
  const heap = createHeap();
  const digest = createHash('sha256');
  const lines: string[] = [];
  let nowMs = 0;
  let order = 0;
  let eventCount = 0;

  const after = (delayMs: number, work: () => void): Appointment => {
    const entry: Entry = { dueMs: nowMs + Math.max(0, delayMs), order: order++, work };
    heap.push(entry);
    return { cancel: () => void (entry.work = undefined) };
  };

  return {
    nowMs: () => nowMs,
    nowEpochMs: () => START_EPOCH_MS + Math.floor(nowMs),
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const leave = (): void => {
          appointment.cancel();
          reject(signal?.reason);
        };
        const appointment = after(delayMs, () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        });
        signal?.addEventListener('abort', leave);
      }),
    note(line) {
      digest.update(`${nowMs} ${line}\n`);
      if (options.keepTrace) lines.push(`${timeOf(nowMs)}  ${line}`);
    },
    async run(isOver) {
      for (;;) {
        await quiescence();
        if (isOver()) return;
        const entry = heap.pop();
        if (!entry) throw new SchedulerError('nothing is left to happen, and it is not over');
        if (++eventCount > MAX_EVENTS) throw new SchedulerError(`not over after ${MAX_EVENTS} events`);
        nowMs = entry.dueMs;
        entry.work?.();
      }
    },
    trace: {
      lines,
      hash: () => digest.copy().digest('hex'),
      get eventCount() {
        return eventCount;
      },
    },
  };
}

function timeOf(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`;
  return `${String(Math.floor(seconds / 3600)).padStart(3)}:${clock}`;
}

interface Heap {
  push(entry: Entry): void;
  /** The earliest entry that was not cancelled. */
  pop(): Entry | undefined;
}

function createHeap(): Heap {
  const entries: Entry[] = [];
  const isBefore = (one: Entry, other: Entry): boolean =>
    one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);

  const takeFirst = (): Entry | undefined => {
    const first = entries[0];
    const last = entries.pop();
    if (!first || !last || first === last) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child++;
      if (!isBefore(entries[child]!, last)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = last;
    return first;
  };

  return {
    push(entry) {
      let at = entries.length;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!isBefore(entry, entries[parent]!)) break;
        entries[at] = entries[parent]!;
        at = parent;
      }
      entries[at] = entry;
    },
    pop() {
      for (;;) {
        const entry = takeFirst();
        if (!entry || entry.work) return entry;
      }
    },
  };
}
