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
 * `opening` with a `restartReason`: the upload had expired, so that what was stored is gone, or others have made another
 * content of it; the whole is sent again as another upload.
 *
 * `paused`: nothing is being sent until `resume()`. What is stored is kept, and the upload stays open.
 *
 * `stopped`: the caller's signal was aborted; the upload is still open and goes on when the same source is uploaded
 * again. `failed` may be so too, unless its error says that the upload has ended.
 */
export type TransferState =
  | { readonly kind: 'opening'; readonly upload?: undefined; readonly restartReason?: unknown }
  | { readonly kind: 'sending' | 'completing'; readonly upload: OpenedUpload }
  | { readonly kind: 'paused'; readonly upload?: OpenedUpload | undefined }
  | { readonly kind: 'completed'; readonly upload?: OpenedUpload | undefined; readonly result: UploadResult }
  | { readonly kind: 'cancelling' | 'cancelled'; readonly upload?: OpenedUpload | undefined }
  | { readonly kind: 'stopped'; readonly upload?: OpenedUpload | undefined; readonly reason: unknown }
  | { readonly kind: 'failed'; readonly upload?: OpenedUpload | undefined; readonly error: unknown };

/** What may happen to an upload: it comes to a state, or leaves the one that `resume()` ends. */
export type TransferEvent = TransferState | { readonly kind: 'resumed'; readonly upload?: undefined };

const FINAL = /^(completed|cancelled|stopped|failed)$/;

/** Whether nothing can happen any more. */
export function isFinal({ kind }: TransferEvent): boolean {
  return FINAL.test(kind);
}

/**
 * The only place where the state changes: what follows when `next` happens in `state`. What cannot happen leaves the
 * state as it is: the races between an answer, a pause and a cancel end here.
 *
 * An end stays. A cancel that was asked for is only left for an end. A pause is left for an end, for a cancel, and by
 * resuming; there is none once everything was sent. Opening may tell which upload it is at any time.
 */
export function reduceTransfer(state: TransferState, next: TransferEvent): TransferState {
  if (isFinal(state)) return state;
  const { upload } = state;
  if (next.kind === 'resumed') {
    if (state.kind !== 'paused') return state;
    return upload ? { kind: 'sending', upload } : { kind: 'opening' };
  }
  // What is opened anew is another upload.
  const known = next.kind === 'opening' ? undefined : (next.upload ?? upload);
  if (!holds(state, next)) return { ...next, upload: known } as TransferState;
  return known === upload ? state : ({ ...state, upload: known } as TransferState);
}

function holds(state: TransferState, next: TransferEvent): boolean {
  if (isFinal(next)) return false;
  if (state.kind === 'paused') return next.kind !== 'cancelling';
  return state.kind === 'cancelling' || (state.kind === 'completing' && next.kind === 'paused');
}
