import type { Catalog, NewObject, RotationRecord, Rotations } from '@longhaul/coordinator';
import { type Bias, certainly, everyClient, manyRotations, toward } from './bias.ts';
import type { Mutation } from './mutation.ts';
import { renamed } from './renamed-catalog.ts';

/** Copies that take minutes while their drivers cannot say that they are at it, and other drivers at hand. */
const slowDrivers: Bias = toward(
  certainly(
    { saltsEtags: true },
    { 'copy slow': 0.6, 'lease not renewed': 0.9, 'answer to a copy lost': 0.2 },
  ),
  manyRotations,
  (plan) => ({ ...plan, hasVault: true, replicaCount: 3, healsAtMs: 540_000 }),
);

/** Every protection of rotations that the simulation has to miss when it is gone. */
export const ROTATION_MUTANTS: readonly Mutation[] = [
  {
    name: 'epoch of a rotation not compared',
    bias: slowDrivers,
    mutate: ({ catalog }) => withRotations(catalog, (rotations) => withoutEpochs(rotations)),
  },
  {
    name: 'lease of a rotation ignored',
    bias: slowDrivers,
    mutate: ({ catalog }) =>
      withRotations(catalog, (rotations) => ({
        async take(ref, leaseMs) {
          const rotation = await rotations.find(ref.uploadId, ref.rotationId);
          const isOpen = rotation && rotation.state !== 'DONE' && rotation.state !== 'FAILED';
          if (isOpen) await rotations.postpone(rotation, { delayMs: 0 });
          return await rotations.take(ref, leaseMs);
        },
      })),
  },
  {
    name: 'old object deleted before the switch',
    bias: manyRotations,
    mutate: ({ objectStore }) => ({
      ofProcess: (remote) => ({
        ...remote,
        rotations: {
          ...remote.rotations,
          async switchObject(driven, copy) {
            const rotation = await remote.rotations.find(driven.uploadId, driven.rotationId);
            if (rotation) await objectStore.deleteObject({ key: rotation.sourceKey });
            return await remote.rotations.switchObject(driven, copy);
          },
        },
      }),
    }),
  },
  {
    name: 'copy not proved',
    bias: toward(certainly({}, { 'answer to Complete spoiled': 0.6 }), manyRotations),
    mutate: () => ({
      storeOfProcess(remote) {
        const begun = new Map<string, NewObject>();
        const sizes = new Map<string, number>();
        return {
          ...remote,
          async createMultipartUpload(object) {
            begun.set(object.key, object);
            return await remote.createMultipartUpload(object);
          },
          async completeMultipartUpload(request) {
            if (begun.has(request.key)) sizes.set(request.key, request.sizeBytes);
            return await remote.completeMultipartUpload(request);
          },
          async headObject(ref) {
            const object = begun.get(ref.key);
            const sizeBytes = sizes.get(ref.key);
            const isCopy = object && sizeBytes !== undefined && isKeyOfCopy(ref.key);
            if (!isCopy) return await remote.headObject(ref);
            const { metadata, encryption } = object;
            return {
              etag: '"good"',
              sizeBytes,
              metadata,
              ...(encryption && { encryption: encryption.mode }),
            };
          },
        };
      },
    }),
  },
  {
    name: 'generation of a rotation that failed used again',
    bias: toward(
      certainly({}, { 'a part of the object lost by the store': 0.5 }),
      manyRotations,
      everyClient((client) => ({ ...client, file: { ...client.file, sizeBytes: 23 * 1024 ** 2 } })),
      (plan) => ({ ...plan, traits: 'loose' }),
    ),
    mutate({ catalog }) {
      const names = new Map<string, string>();
      const nameOf = (key: string): string => names.get(key) ?? key;
      const insert: Rotations['insert'] = async (draft) => {
        const { s3Key = draft.sourceKey } = (await catalog.find(draft.uploadId)) ?? {};
        const isMeant = nameOf(s3Key) === draft.sourceKey;
        const outcome = await catalog.rotations.insert({ ...draft, ...(isMeant && { sourceKey: s3Key }) });
        if (outcome.kind !== 'inserted') return outcome;
        const generation = Number(/\.(\d+)$/.exec(draft.sourceKey)?.[1] ?? 0) + 1;
        names.set(outcome.rotation.s3Key, `${draft.baseKey}.${generation}`);
        return outcome;
      };
      const shown = renamed({ ...catalog, rotations: { ...catalog.rotations, insert } }, nameOf);
      return { catalog: shown, shown };
    },
  },
  {
    name: 'late PUT to the old key not looked for',
    bias: toward(
      certainly({}, { 'part lands after it was given up': 0.6 }),
      manyRotations,
      everyClient((client) => ({ ...client, file: { ...client.file, sizeBytes: 1024 ** 2 } })),
    ),
    mutate: ({ catalog }) =>
      withRotations(catalog, (rotations) => ({
        finish: (rotation, { lastError }) =>
          rotations.finish(rotation, lastError === undefined ? {} : { lastError }),
      })),
  },
];

function isKeyOfCopy(key: string): boolean {
  return /\.\d+$/.test(key);
}

function withRotations(
  catalog: Catalog,
  change: (rotations: Rotations) => Partial<Rotations>,
): { readonly catalog: Catalog } {
  return { catalog: { ...catalog, rotations: { ...catalog.rotations, ...change(catalog.rotations) } } };
}

/** Whoever writes is taken for the driver. */
function withoutEpochs(rotations: Rotations): Partial<Rotations> {
  type Driven = Pick<RotationRecord, 'uploadId' | 'rotationId' | 'epoch'>;
  const asDriver = async ({ uploadId, rotationId, epoch }: Driven): Promise<Driven> => {
    const rotation = await rotations.find(uploadId, rotationId);
    return { uploadId, rotationId, epoch: rotation?.epoch ?? epoch };
  };
  return {
    renew: async (driven, progress) => await rotations.renew(await asDriver(driven), progress),
    saveCopy: async (driven, s3UploadId) => await rotations.saveCopy(await asDriver(driven), s3UploadId),
    recordComplete: async (driven) => await rotations.recordComplete(await asDriver(driven)),
    switchObject: async (driven, copy) => await rotations.switchObject(await asDriver(driven), copy),
    finish: async (driven, end) => await rotations.finish(await asDriver(driven), end),
    fail: async (driven, failure) => await rotations.fail(await asDriver(driven), failure),
    postpone: async (driven, delay) => await rotations.postpone(await asDriver(driven), delay),
  };
}
