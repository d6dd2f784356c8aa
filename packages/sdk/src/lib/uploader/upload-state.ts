import type { OpenPlan, PartPlan, UploadMode, UploadResult } from '@longhaul/protocol';

/** What is fixed once the coordinator has opened an upload. */
export interface OpenedUpload {
  readonly uploadId: string;
  readonly mode: UploadMode;
  /** How it is cut, and why, in one sentence. Without a `partCount` for a stream whose size nobody knows. */
  readonly plan: (PartPlan | OpenPlan) & { readonly reason: string };
  /** Parts that the store had already, from an earlier run or another device. */
  readonly resumedParts: number;
}

/**
 * Where an upload stands, seen from here. `completed`, `cancelled`, `stopped` and `failed` are final. `upload` is
 * known from the moment that the coordinator has opened it.
 *
 * `stopped`: the caller's signal was aborted; the upload is still open and goes on when the same source is uploaded
 * again. `failed` may be so too, unless its error says that the upload has ended.
 */
export type TransferState =
  | { readonly kind: 'opening'; readonly upload?: undefined }
  | { readonly kind: 'sending' | 'completing'; readonly upload: OpenedUpload }
  | { readonly kind: 'completed'; readonly upload?: OpenedUpload | undefined; readonly result: UploadResult }
  | { readonly kind: 'cancelling' | 'cancelled'; readonly upload?: OpenedUpload | undefined }
  | { readonly kind: 'stopped'; readonly upload?: OpenedUpload | undefined; readonly reason: unknown }
  | { readonly kind: 'failed'; readonly upload?: OpenedUpload | undefined; readonly error: unknown };

const FINAL = /ed$/;

/** Whether nothing can happen any more. */
export function isFinal({ kind }: TransferState): boolean {
  return FINAL.test(kind);
}

/**
 * The only place where the state changes: what follows when `next` happens in `state`. What cannot happen leaves the
 * state as it is: the races between an answer and a cancel end here.
 */
export function reduceTransfer(state: TransferState, next: TransferState): TransferState {
  if (isFinal(state)) return state;
  const upload = next.upload ?? state.upload;
  // Once asked for, a cancel is only left for an end; opening may still tell which upload it is.
  if (state.kind === 'cancelling' && !isFinal(next)) return { ...state, upload };
  return { ...next, upload } as TransferState;
}
