import { randomUUID } from 'node:crypto';
import { Secret } from '@longhaul/coordinator/key-vault';
import { describeObjectStore, type ObjectStoreHarness } from '@longhaul/coordinator/testing';
import { bytesOf } from './content.ts';
import { createSimulatedObjectStore } from './simulated-object-store.ts';
import { createSimulatedS3 } from './simulated-s3.ts';
import { S3Refusal } from './s3-refusal.ts';
import { assertOpens } from './seal.ts';
import { STORE_TRAITS, type StoreTraitsName } from './store-traits.ts';

// The same suite that real stores pass: what it says of the simulated one is as true.
for (const name of Object.keys(STORE_TRAITS) as StoreTraitsName[]) {
  describeObjectStore(`simulated, ${name}`, async ({ versioned }) => open(name, versioned));
}

async function open(name: StoreTraitsName, versioned: boolean): Promise<ObjectStoreHarness> {
  const traits = STORE_TRAITS[name];
  if (versioned && !traits.versioning) throw new S3Refusal(501, 'NotImplemented');
  let aheadMs = 0;
  const nowEpochMs = (): number => Date.now() + aheadMs;
  const s3 = createSimulatedS3({ traits, versioned, nowEpochMs, randomUuid: randomUUID });
  const believesAll = {
    ...traits,
    putIfNoneMatch: true,
    completeIfNoneMatch: true,
  };
  return {
    objectStore: createSimulatedObjectStore(s3, nowEpochMs),
    trusting: createSimulatedObjectStore(s3, nowEpochMs, believesAll),
    send: async ({ url, headers }, body, extraHeaders = {}) => {
      try {
        const request = { url, headers: { ...headers, ...extraHeaders }, sizeBytes: body.byteLength };
        const { etag } = s3.beginPut(request, [{ kind: 'bytes', bytes: body }]).finish();
        return { status: 200, etag };
      } catch (error) {
        if (!(error instanceof S3Refusal)) throw error;
        return { status: error.status, s3Code: error.s3Code };
      }
    },
    get: async ({ url, headers }, extraHeaders = {}) => {
      try {
        const bytes = bytesOf(s3.get({ url, headers: { ...headers, ...extraHeaders } }));
        const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(extraHeaders['range'] ?? '') ?? [];
        return start === undefined
          ? { status: 200, bytes }
          : { status: 206, bytes: bytes.subarray(Number(start), Number(last) + 1) };
      } catch (error) {
        if (!(error instanceof S3Refusal)) throw error;
        return { status: error.status, bytes: new Uint8Array() };
      }
    },
    // A PUT that is never finished stores nothing.
    sendCut: async ({ url, headers }, body) =>
      void s3.beginPut({ url, headers, sizeBytes: body.byteLength }, [{ kind: 'bytes', bytes: body }]),
    async read(key, customerKey) {
      const given = customerKey && new Secret(new Uint8Array(Buffer.from(customerKey.key, 'base64')));
      assertOpens(s3.sealOf(key), given);
      return bytesOf(s3.read(key) ?? []);
    },
    passSeconds: async (seconds) => void (aheadMs += seconds * 1000),
    close: () => Promise.resolve(),
  };
}
