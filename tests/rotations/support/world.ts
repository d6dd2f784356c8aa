import { createHash, randomBytes } from 'node:crypto';
import {
  type CoordinatorOptions,
  createListenerSink,
  relay,
  sweep,
  type UploadRecord,
} from '@longhaul/coordinator';
import { createEnvelopeSealer, createKeyVault, readMasterKeys } from '@longhaul/coordinator/key-vault';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import type { UploadEvent } from '@longhaul/protocol';
import { createUploader, type ObjectOptions, type UploadEncryption, type UploadResult } from '@longhaul/sdk';
import { startBackend } from '../../e2e/support/backend.ts';
import { MEMORIES } from '../../e2e/support/memories.ts';
import type { StoreKind, TestStore } from '../../e2e/support/stores.ts';

const MIB = 1024 ** 2;
/** 12 MiB are three parts of a copy. */
const COPY_BYTES = 5 * MIB;

/** A coordinator on a real store, and objects that it has uploaded. */
export interface RotationWorld {
  readonly url: string;
  readonly store: TestStore;
  upload(sizeBytes: number, options?: UploadOptions): Promise<Uploaded>;
  rowOf(nodeId: string): Promise<UploadRecord | undefined>;
  /** What was told of a node, in order. */
  eventsOf(nodeId: string): Promise<readonly UploadEvent[]>;
  sweep(): Promise<unknown>;
  close(): Promise<void>;
}

interface UploadOptions {
  readonly encryption?: UploadEncryption;
  readonly objectOptions?: ObjectOptions;
}

/** An object as it was uploaded. */
export interface Uploaded extends UploadResult {
  /** SHA-256 (hex) of its content. */
  readonly sha256: string;
}

export async function openWorld(
  kind: StoreKind,
  settings: Partial<CoordinatorOptions> = {},
): Promise<RotationWorld> {
  const keys = createSqliteStore({ path: ':memory:' });
  await keys.catalog.migrate();
  const masterKeys = readMasterKeys(`test:${randomBytes(32).toString('base64')}`);
  const keyVault = createKeyVault({
    sealer: createEnvelopeSealer({ masterKeys }),
    storage: keys.sealedKeys,
    onAudit: () => undefined,
  });
  const backend = await startBackend(withSmallCopies(kind), MEMORIES[0]!, { keyVault, ...settings });
  const { url, store, memory } = backend;
  const { catalog, state } = memory;
  const events: UploadEvent[] = [];
  const sinks = [createListenerSink((event) => void events.push(event))];
  const tokenKeys = ['a key for tests that is long enough'];
  const options = { catalog, state, objectStore: store.objectStore, keyVault, sinks, tokenKeys, ...settings };
  const uploader = createUploader({ coordinator: url, partSizeBytes: 5 * MIB });
  return {
    url,
    store,
    async upload(sizeBytes, given = {}) {
      const content = randomBytes(sizeBytes);
      const result = await uploader.upload(new Blob([content]), { ...given, resume: false }).result;
      return { ...result, sha256: createHash('sha256').update(content).digest('hex') };
    },
    rowOf: (nodeId) => catalog.find(nodeId),
    async eventsOf(nodeId) {
      // Those of one node are told one after the other.
      for (const _ of [1, 2]) await relay(options);
      return events.filter(({ data }) => data.nodeId === nodeId);
    },
    sweep: () => sweep(options),
    async close() {
      await backend.close();
      await keys.catalog.close();
    },
  };
}

/** The same store, which takes no more than a few megabytes in one copy. */
function withSmallCopies(kind: StoreKind): StoreKind {
  return {
    ...kind,
    async open(publish) {
      const opened = await kind.open(publish);
      const { objectStore } = opened;
      const profile = { ...objectStore.profile, maxCopySizeBytes: COPY_BYTES };
      return { ...opened, objectStore: { ...objectStore, profile } };
    },
  };
}
