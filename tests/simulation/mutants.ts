import { createHash, randomUUID } from 'node:crypto';
import type { Catalog, StoredPart, UploadRecord } from '@longhaul/coordinator';
import { boundsOf } from '@longhaul/protocol';
import { createSimulatedObjectStore } from './store/simulated-object-store.ts';
import { withEdits } from './draw-plan.ts';
import { idIn } from './engine/observer.ts';
import { createRandom } from './engine/random.ts';
import { certainly, crowd, everyClient, toward } from './bias.ts';
import type { Mutation } from './mutation.ts';
import { ROTATION_MUTANTS } from './rotation-mutants.ts';

/** Every protection that the simulation has to miss when it is gone. */
export const MUTANTS: readonly Mutation[] = [
  ...ROTATION_MUTANTS,
  {
    name: 'epoch check removed',
    bias: toward(
      certainly(
        { saltsEtags: true },
        {
          'store slow': 0.4,
          'state down': 0.5,
          'part lands after it was given up': 0.4,
          'Complete goes on after its deadline': 1,
        },
      ),
      crowd(7),
      everyClient((client, index, first) => ({
        ...client,
        ...first,
        file: { ...first.file, sizeBytes: 17 * 1024 ** 2 },
        crashes: [],
        transferMs: 5_000,
        cancelAfterMs: index > 1 ? 60_000 * index : undefined,
      })),
      (plan) => ({
        ...plan,
        traits: 'loose',
        healsAtMs: 600_000,
        patienceMs: 60_000,
        killsAtMs: [],
        replicaCount: 3,
      }),
    ),
    mutate({ catalog }) {
      const epochOf = async (uploadId: string): Promise<number> => (await catalog.find(uploadId))?.epoch ?? 0;
      return {
        catalog: {
          ...catalog,
          finishCompletion: async (id, _epoch, object) =>
            await catalog.finishCompletion(id, await epochOf(id), object),
          refuseCompletion: async (id, _epoch, refusal) =>
            await catalog.refuseCompletion(id, await epochOf(id), refusal),
          postponeCompletion: async (id, _epoch, delay) =>
            await catalog.postponeCompletion(id, await epochOf(id), delay),
          fail: async (id, _epoch, failure) => await catalog.fail(id, await epochOf(id), failure),
        },
      };
    },
  },
  {
    name: 'write token not compared',
    mutate: ({ catalog, objectStore }) => ({
      objectStore: {
        ...objectStore,
        async headObject(ref) {
          const object = await objectStore.headObject(ref);
          const row = await catalog.find(idIn(ref.key));
          return object && row
            ? { ...object, metadata: { ...object.metadata, 'longhaul-write-token': row.writeToken } }
            : object;
        },
      },
    }),
  },
  {
    name: 'outbox outside the transaction',
    mutate({ catalog }) {
      const written = new Set<string>();
      return {
        catalog: {
          ...catalog,
          outbox: {
            ...catalog.outbox,
            claim: async (claim) =>
              (await catalog.outbox.claim(claim)).filter(({ event }) => written.has(event.data.nodeId)),
          },
        },
        ofProcess: (remote) => ({
          ...remote,
          finishCompletion: async (...values) =>
            await thenWrite(remote, written, remote.finishCompletion(...values)),
          finishAbort: async (...values) => await thenWrite(remote, written, remote.finishAbort(...values)),
          fail: async (...values) => await thenWrite(remote, written, remote.fail(...values)),
        }),
      };
    },
  },
  {
    name: 'reopen with an unresolved attempt',
    bias: toward(
      certainly(
        { saltsEtags: true },
        {
          'answer to Complete spoiled': 0.5,
          'part lands after it was given up': 0.4,
          'Complete goes on after its deadline': 0.8,
        },
      ),
      everyClient((client, index) => ({ ...client, crashes: [], cancelAfterMs: 40_000 * (index + 1) })),
    ),
    mutate: ({ catalog }) => ({
      catalog: {
        ...catalog,
        refuseCompletion: (id, epoch, refusal) =>
          catalog.refuseCompletion(id, epoch, { ...refusal, attemptOverAfterMs: 0 }),
      },
    }),
  },
  {
    name: 'abort without compare-and-set',
    bias: toward(
      certainly({}, { 'catalog slow': 0.5, 'Complete goes on after its deadline': 0.8 }),
      everyClient((client, index, first) => ({
        ...client,
        ...first,
        file: { ...first.file, sizeBytes: 6 * 1024 ** 2 },
        crashes: [],
        transferMs: 500,
        ...(index > 0 && { cancelAfterMs: 700 * index }),
      })),
    ),
    mutate: ({ catalog }) => ({
      catalog: {
        ...catalog,
        async beginAbort(id, abort) {
          const row = await catalog.find(id);
          if (row?.state === 'COMPLETING') {
            const refusal = { lastError: 'aborted', attemptOverAfterMs: 0, redriveAfterMs: 0 };
            await catalog.refuseCompletion(id, row.epoch, refusal);
          }
          return await catalog.beginAbort(id, abort);
        },
      },
    }),
  },
  {
    name: 'createId not kept',
    mutate: ({ catalog }) => ({
      catalog: { ...catalog, insert: (draft) => catalog.insert({ ...draft, createId: randomUUID() }) },
    }),
  },
  {
    name: 'digests not compared',
    bias: toward(
      everyClient((client) => ({
        ...client,
        resume: true,
        concurrency: 1,
        transferMs: 2_000,
        cancelAfterMs: undefined,
        abandons: false,
        crashes: [{ afterMs: 6_000, pauseMs: 1_000 }],
      })),
      (plan) => withEdits({ ...plan, traits: 'strict' }, createRandom('edits'), 1),
    ),
    mutate: ({ catalog }) => ({
      catalog: {
        ...catalog,
        insert: ({ checksumAlgorithm: _none, ...draft }) => catalog.insert(draft),
      },
    }),
  },
  {
    name: 'content not compared when completing',
    bias: toward(
      crowd(4),
      everyClient((client, index, first) => ({
        ...client,
        ...first,
        file: { ...first.file, sizeBytes: 27 * 1024 ** 2, isUniform: false },
        startMs: 2_000 * index,
        concurrency: 1,
        transferMs: 2_000,
        cancelAfterMs: undefined,
        abandons: false,
        editsWhileDead: index % 2 === 0,
        crashes: index % 2 === 0 ? [{ afterMs: 5_000, pauseMs: 500 }] : [],
      })),
      (plan) => ({
        ...plan,
        traits: 'strict',
        windows: plan.windows.filter(({ name }) => name !== 'call met an older coordinator'),
      }),
    ),
    mutate: () => ({}),
    onTheWay: (body) => body.replace(/"checksum":\{"algorithm":"MD5","value":"[^"]{24}-\d+"\},?/, ''),
  },
  {
    name: 'fingerprint not unique',
    mutate: ({ catalog }) => ({
      catalog: { ...catalog, insert: (draft) => catalog.insert({ ...draft, resumable: false }) },
    }),
  },
  {
    name: 'rebuild by HSET',
    bias: toward(
      certainly({ saltsEtags: true }, { 'part stored and its answer lost': 0.4, 'store slow': 0.3 }),
      everyClient((client, _index, first) => ({ ...client, ...first })),
    ),
    mutate: ({ state }) => ({
      state: {
        ...state,
        async restore(upload, parts) {
          await state.restore(upload, parts);
          await state.record(upload.uploadId, parts);
        },
      },
    }),
  },
  {
    name: 'single PUT without If-None-Match',
    mutate({ objectStore, s3, nowEpochMs }) {
      const careless = createSimulatedObjectStore(s3, nowEpochMs, { ...s3.traits, putIfNoneMatch: false });
      return { objectStore: { ...objectStore, signPut: careless.signPut } };
    },
  },
  {
    name: 'reconcile without the installation',
    mutate: ({ objectStore }) => ({
      objectStore: {
        ...objectStore,
        listMultipartUploadsPage: ({ prefix, ...page }) =>
          objectStore.listMultipartUploadsPage({
            ...page,
            prefix: prefix.endsWith('/') ? 'longhaul/' : prefix,
          }),
      },
    }),
  },
  {
    name: 'sweeper blind to activity',
    bias: toward(
      (plan) => ({ ...plan, idleLimitSeconds: 600, windows: [] }),
      everyClient((client) => ({ ...client, crashes: [], concurrency: 1, transferMs: 110_000 })),
    ),
    mutate: ({ catalog, state, objectStore }) => ({
      catalog: {
        ...catalog,
        recordActivity: () => Promise.resolve(),
        extendExpiry: () => Promise.resolve(),
      },
      state: { ...state, lastActiveAtEpochMs: () => Promise.resolve(undefined) },
      objectStore: {
        ...objectStore,
        listParts: async (ref) =>
          (await objectStore.listParts(ref))?.map(({ partNumber, sizeBytes, etag }) => ({
            partNumber,
            sizeBytes,
            etag,
          })),
      },
    }),
  },
  {
    name: 'parts in a sorted set by ETag',
    mutate: () => ({
      storeOfProcess: (remote) => ({
        ...remote,
        completeMultipartUpload: (input) =>
          remote.completeMultipartUpload({ ...input, parts: asSortedSet(input.parts) }),
      }),
    }),
  },
  {
    name: 'abort believed at once',
    bias: toward(
      certainly({ keepsLateParts: true }, { 'part lands after it was given up': 0.4 }),
      everyClient((client, index) => ({ ...client, crashes: [], cancelAfterMs: 5_000 * (index + 1) })),
      // Who reconciles would end it, too.
      (plan) => ({ ...plan, hasOperator: false, operatesAtMs: [] }),
    ),
    mutate: ({ catalog }) => ({ catalog: { ...catalog, finishAbort: (id) => catalog.finishAbort(id) } }),
  },
  {
    name: 'cancel does not outwait the URL of a single PUT',
    bias: toward(
      certainly({}, { 'part lands after it was given up': 0.4 }),
      everyClient((client) => ({
        ...client,
        file: { ...client.file, sizeBytes: 1024 ** 2 },
        cancelAfterMs: 3_000,
      })),
    ),
    mutate: ({ catalog }) => ({
      catalog: { ...catalog, recordGrant: async (id) => (await catalog.find(id))?.state === 'UPLOADING' },
    }),
  },
  {
    name: 'another list completed than the one that was frozen',
    // One completes the file as it was, while the other replaces parts of it.
    bias: toward(
      crowd(2),
      everyClient((client, index, first) => ({
        ...client,
        ...first,
        file: { ...first.file, sizeBytes: 27 * 1024 ** 2, isUniform: false },
        startMs: 0,
        concurrency: 1,
        transferMs: 2_000,
        cancelAfterMs: undefined,
        sleepsAfterMs: undefined,
        abandons: false,
        editsWhileDead: index === 1,
        crashes: index === 1 ? [{ afterMs: 500, pauseMs: 6_000 }] : [],
      })),
      (plan) => ({
        ...plan,
        traits: 'strict',
        replicaCount: 3,
        windows: [],
        strokes: [],
        killsAtMs: [],
        kill: { point: 'catalog.beginCompletion after', occurrence: 1 },
      }),
    ),
    mutate({ catalog, state }) {
      const thawed = async (row: UploadRecord): Promise<UploadRecord> =>
        row.state === 'COMPLETING' ? { ...row, partsDigest: etagOf(await state.parts(row.uploadId)) } : row;
      return {
        catalog: {
          ...catalog,
          async find(uploadId) {
            const row = await catalog.find(uploadId);
            return row && (await thawed(row));
          },
          claimDue: async (claim) => await Promise.all((await catalog.claimDue(claim)).map(thawed)),
        },
        // It would be closed, and take none of another list.
        state: { ...state, setStatus: () => Promise.resolve() },
      };
    },
  },
  {
    name: 'answer to Complete taken for a proof',
    mutate: ({ catalog, objectStore }) => ({
      objectStore: {
        ...objectStore,
        async headObject(ref) {
          const object = await objectStore.headObject(ref);
          const row = await catalog.find(idIn(ref.key));
          if (object || row?.state !== 'COMPLETING') return object;
          const etag = `"${createHash('md5').update(ref.key).digest('hex')}-${boundsOf(row.plan).partCount}"`;
          const metadata = { 'longhaul-write-token': row.writeToken };
          return { etag, sizeBytes: boundsOf(row.plan).endBytes, metadata };
        },
      },
    }),
  },
];

/** The event in a step of its own, behind the change that it tells of. */
async function thenWrite(
  remote: Catalog,
  written: Set<string>,
  change: Promise<UploadRecord | undefined>,
): Promise<UploadRecord | undefined> {
  const row = await change;
  if (!row) return row;
  await remote.ping();
  written.add(row.uploadId);
  return row;
}

/** ZADD etags partNumber etag: a member has one score, so equal parts become one. */
function asSortedSet(parts: readonly StoredPart[]): readonly StoredPart[] {
  return [...new Map(parts.map((part) => [part.etag, part])).values()];
}

/** What S3 calls an object of these parts. */
function etagOf(parts: readonly StoredPart[]): string {
  const md5s = parts.map(({ etag }) => Buffer.from(etag.replaceAll('"', ''), 'hex'));
  return `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${parts.length}"`;
}
