import {
  type HotEnd,
  type HotUpload,
  type RecordOutcome,
  type StateStore,
  StateStoreError,
  type StoredPart,
} from '@longhaul/coordinator';
import type { UploadState } from '@longhaul/protocol';

/** Hot state in memory that behaves as the one in Redis does, and fails as Redis fails. */
export interface SimulatedState {
  readonly store: StateStore;
  /** FLUSHALL. */
  flush(): void;
  /** A failover to a replica that has seen nothing of the last `ms`. */
  loseLast(ms: number): void;
  /** `read-only` after a failover, `full` at its limit of memory: both read and do not write. */
  setTrouble(trouble: 'none' | 'read-only' | 'full' | 'down'): void;
  remainingSeconds(uploadId: string): readonly number[];
  shorten(uploadId: string, seconds: number): void;
}

/** What it is made of. */
export interface SimulatedStateOptions {
  readonly nowEpochMs: () => number;
  /** Life of a record after its last change. */
  readonly ttlSeconds: number;
}

interface Hot {
  readonly upload: HotUpload;
  readonly parts: ReadonlyMap<number, StoredPart>;
  readonly diesAtEpochMs: number;
  /** When parts were last written down. */
  readonly activeAtEpochMs: number | undefined;
}

interface Undo {
  readonly atEpochMs: number;
  readonly uploadId: string;
  readonly before: Hot | undefined;
}

/** How long back a failover can reach. */
const UNDO_FOR_MS = 60_000;

/** An empty one. */
export function createSimulatedState({ nowEpochMs, ttlSeconds }: SimulatedStateOptions): SimulatedState {
  const records = new Map<string, Hot>();
  let undos: Undo[] = [];
  let trouble: Parameters<SimulatedState['setTrouble']>[0] = 'none';
  let isClosed = false;

  const fail = (reason: string): never => {
    throw new StateStoreError('the simulated state store could not do it', { cause: new Error(reason) });
  };
  const read = (uploadId: string): Hot | undefined => {
    if (isClosed) fail('closed');
    if (trouble === 'down') fail('connection refused');
    const hot = records.get(uploadId);
    return hot && hot.diesAtEpochMs > nowEpochMs() ? hot : undefined;
  };
  const write = (uploadId: string, hot: Omit<Hot, 'diesAtEpochMs'> | undefined): void => {
    if (trouble === 'read-only') fail("READONLY You can't write against a read only replica.");
    if (trouble === 'full') fail("OOM command not allowed when used memory > 'maxmemory'.");
    undos = undos.filter(({ atEpochMs }) => nowEpochMs() - atEpochMs < UNDO_FOR_MS);
    undos.push({ atEpochMs: nowEpochMs(), uploadId, before: records.get(uploadId) });
    if (hot) records.set(uploadId, { ...hot, diesAtEpochMs: nowEpochMs() + ttlSeconds * 1000 });
    else records.delete(uploadId);
  };

  const store: StateStore = {
    find: async (uploadId) => read(uploadId)?.upload,
    parts: async (uploadId) =>
      [...(read(uploadId)?.parts.values() ?? [])].toSorted((one, other) => one.partNumber - other.partNumber),
    async record(uploadId, parts): Promise<RecordOutcome> {
      const hot = read(uploadId);
      if (!hot) return { kind: 'absent' };
      if (hot.upload.status !== 'UPLOADING') return { kind: 'closed', status: hot.upload.status };
      const all = new Map(hot.parts);
      const newOnes = parts.filter(
        (part) => JSON.stringify(hot.parts.get(part.partNumber)) !== JSON.stringify(plain(part)),
      );
      for (const part of parts) all.set(part.partNumber, plain(part));
      write(uploadId, { ...hot, parts: all, activeAtEpochMs: nowEpochMs() });
      const newPartNumbers = newOnes.map(({ partNumber }) => partNumber);
      return { kind: 'recorded', receivedCount: all.size, newPartNumbers };
    },
    async restore(upload, parts) {
      const known = read(upload.uploadId);
      const all = new Map(known?.parts);
      for (const part of parts) if (!all.has(part.partNumber)) all.set(part.partNumber, plain(part));
      const tokenVersion = Math.max(upload.tokenVersion, known?.upload.tokenVersion ?? 0);
      write(upload.uploadId, {
        upload: { ...upload, tokenVersion },
        parts: all,
        activeAtEpochMs: known?.activeAtEpochMs,
      });
    },
    async setStatus(uploadId: string, status: UploadState) {
      const hot = read(uploadId);
      if (hot) write(uploadId, { ...hot, upload: { ...hot.upload, status } });
    },
    async remove(uploadId) {
      if (read(uploadId)) write(uploadId, undefined);
    },
    async finish(uploadId: string, end: HotEnd) {
      const hot = read(uploadId);
      if (hot) write(uploadId, { ...hot, upload: { ...hot.upload, status: end.status }, parts: new Map() });
    },
    lastActiveAtEpochMs: async (uploadId) => read(uploadId)?.activeAtEpochMs,
    ping: async () => void read(''),
    async close() {
      isClosed = true;
    },
  };

  return {
    store,
    flush: () => records.clear(),
    loseLast(ms) {
      for (const { atEpochMs, uploadId, before } of undos.toReversed()) {
        if (nowEpochMs() - atEpochMs > ms) break;
        if (before) records.set(uploadId, before);
        else records.delete(uploadId);
      }
      undos = [];
    },
    setTrouble: (next) => void (trouble = next),
    remainingSeconds: (uploadId) =>
      [records.get(uploadId)].flatMap((hot) => (hot ? [(hot.diesAtEpochMs - nowEpochMs()) / 1000] : [])),
    shorten(uploadId, seconds) {
      const hot = records.get(uploadId);
      if (hot) records.set(uploadId, { ...hot, diesAtEpochMs: nowEpochMs() + seconds * 1000 });
    },
  };
}

/** What Redis keeps of a part. */
function plain({ partNumber, sizeBytes, etag, checksum }: StoredPart): StoredPart {
  return { partNumber, sizeBytes, etag, ...(checksum && { checksum }) };
}
