import {
  type CreateUploadResponse,
  type PartPlan,
  partRanges,
  planParts,
  type PartToSign,
} from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import type { LearntOfCoordinator } from '../ports/coordinator.ts';
import type { Digester } from '../ports/digester.ts';
import { evenOut } from '../schedule/even-plan.ts';
import type { WishedPlan } from '../schedule/wish-plan.ts';
import { createDigests, type Digests } from '../stages/digest-parts.ts';

/** What is done for an upload in the hope that the coordinator will want it as it is wished for here. */
export interface Foresight {
  /** How it is to be cut. */
  readonly wished: WishedPlan;
  /** Left out: there is nothing to digest, or none is wanted. */
  readonly digests?: Digests;
  /** Resolves once the parts that are sent first are digested, or soon: create must not wait for a slow disk. */
  ready(): Promise<unknown>;
  /** Parts that are digested by now. */
  toSign(): readonly PartToSign[];
  /** Whether it has come as hoped. */
  fits(created: CreateUploadResponse): boolean;
}

/** What foreseeing takes. */
export interface ForeseeInput<Source> {
  readonly source: Source & { readonly sizeBytes: number };
  readonly digester?: Digester<Source> | undefined;
  readonly integrity: boolean;
  /** Parts in flight to begin with: those that are to be ready. */
  readonly concurrency: number;
  readonly maxPartSizeBytes?: number | undefined;
  readonly clock: Clock;
  readonly coordinator: { readonly learnt: LearntOfCoordinator };
  readonly stopSignal: AbortSignal;
}

/** Waiting longer would cost more than the round trip that it saves: what is digested later is asked for once there is an upload. */
const READY_WITHIN_MS = 50;

/** Cuts the file as it is wished for, and digests what will be sent first. */
export function foresee<Source>(input: ForeseeInput<Source>, rough: WishedPlan): Foresight {
  const { source, digester, integrity, concurrency, clock, stopSignal } = input;
  const wished = evenOut(rough, { ...input, sizeBytes: source.sizeBytes });
  const { checksumAlgorithm: asked } = input.coordinator.learnt;
  if (!digester || !integrity || asked === null)
    return { wished, ready: async () => {}, toSign: () => [], fits: () => false };
  const algorithm = asked ?? digester.algorithms[0];
  const plan: PartPlan = planParts(source.sizeBytes, wished.partSizeBytes);
  const parts = partRanges(plan);
  const ahead = 2 * concurrency;
  const digests = createDigests({ ...input, digester, algorithm, parts, ahead });
  // Who sends a part that could not be digested is told then.
  const first = Promise.allSettled(parts.slice(0, concurrency).map(digests.of));
  return {
    wished,
    digests,
    async ready() {
      const over = new AbortController();
      const late = clock.sleep(READY_WITHIN_MS, AbortSignal.any([stopSignal, over.signal])).catch(() => {});
      await Promise.race([first, late]);
      over.abort();
    },
    toSign: () =>
      parts.slice(0, ahead).flatMap(({ partNumber, sizeBytes }) => {
        const checksum = digests.known(partNumber);
        return checksum ? [{ partNumber, sizeBytes, checksum }] : [];
      }),
    fits: (created) =>
      created.checksumAlgorithm === algorithm &&
      created.plan.sizeBytes === plan.sizeBytes &&
      created.plan.partSizeBytes === plan.partSizeBytes,
  };
}
