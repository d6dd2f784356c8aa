import type { PartPlan, UploadMode, UploadResult } from '@longhaul/protocol';

/** What is fixed once the coordinator has opened an upload. */
export interface OpenedUpload {
  readonly uploadId: string;
  readonly mode: UploadMode;
  readonly plan: PartPlan;
  /** Parts that the store had already, from an earlier run or another device. */
  readonly resumedParts: number;
}

/**
 * Where an upload stands, seen from here. `completed`, `cancelled`, `stopped` and `failed` are final.
 *
 * `stopped`: the caller's signal was aborted; the upload is still open and goes on when the same source is uploaded
 * again. `failed` may be so too, unless its error says that the upload has ended.
 */
export type TransferState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'sending'; readonly upload: OpenedUpload }
  | { readonly kind: 'completing'; readonly upload: OpenedUpload }
  | { readonly kind: 'completed'; readonly upload?: OpenedUpload; readonly result: UploadResult }
  | { readonly kind: 'cancelling'; readonly upload?: OpenedUpload }
  | { readonly kind: 'cancelled'; readonly upload?: OpenedUpload }
  | { readonly kind: 'stopped'; readonly upload?: OpenedUpload; readonly reason: unknown }
  | { readonly kind: 'failed'; readonly upload?: OpenedUpload; readonly error: unknown };

/** What happens to an upload. */
export type TransferAction =
  | { readonly type: 'opened'; readonly upload: OpenedUpload }
  /** Every part is sent and reported. */
  | { readonly type: 'all-sent' }
  /** The coordinator lacks parts: they are sent again. */
  | { readonly type: 'parts-missing' }
  | { readonly type: 'completed'; readonly result: UploadResult }
  | { readonly type: 'cancel-asked' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'stopped'; readonly reason: unknown }
  | { readonly type: 'failed'; readonly error: unknown };

const ENDS: ReadonlySet<string> = new Set(['completed', 'cancelled', 'stopped', 'failed']);

/** Whether nothing can happen any more. */
export function isFinal({ kind }: TransferState): boolean {
  return ENDS.has(kind);
}

/**
 * The only place where the state changes. What cannot happen in a state leaves it as it is, the same object: races
 * between an answer and a cancel end here.
 */
export function reduceTransfer(state: TransferState, action: TransferAction): TransferState {
  if (isFinal(state)) return state;
  if (isEnd(action)) return { ...endOf(action), ...knownOf(state) };
  switch (action.type) {
    case 'opened':
      return { kind: state.kind === 'cancelling' ? 'cancelling' : 'sending', upload: action.upload };
    case 'all-sent':
      return state.kind === 'sending' ? { ...state, kind: 'completing' } : state;
    case 'parts-missing':
      return state.kind === 'completing' ? { ...state, kind: 'sending' } : state;
    case 'cancel-asked':
      return state.kind === 'cancelling' ? state : { kind: 'cancelling', ...knownOf(state) };
  }
}

type EndAction = Extract<TransferAction, { type: 'completed' | 'cancelled' | 'stopped' | 'failed' }>;

function isEnd(action: TransferAction): action is EndAction {
  return ENDS.has(action.type);
}

function endOf(action: EndAction): TransferState {
  switch (action.type) {
    case 'completed':
      return { kind: 'completed', result: action.result };
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'stopped':
      return { kind: 'stopped', reason: action.reason };
    case 'failed':
      return { kind: 'failed', error: action.error };
  }
}

function knownOf(state: TransferState): { readonly upload?: OpenedUpload } {
  return 'upload' in state && state.upload ? { upload: state.upload } : {};
}
