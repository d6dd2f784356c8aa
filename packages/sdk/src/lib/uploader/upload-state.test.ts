import { describe, expect, it } from 'vitest';
import type { UploadResult } from '@longhaul/protocol';
import { isFinal, type OpenedUpload, reduceTransfer, type TransferState } from './upload-state.ts';

const upload: OpenedUpload = {
  uploadId: 'u',
  mode: 'multipart',
  plan: { sizeBytes: 10, partSizeBytes: 5, partCount: 2, reason: '' },
  resumedParts: 0,
};
const result = { uploadId: 'u' } as UploadResult;
const error = new Error('no');

const STATES: Record<TransferState['kind'], TransferState> = {
  opening: { kind: 'opening' },
  sending: { kind: 'sending', upload },
  completing: { kind: 'completing', upload },
  completed: { kind: 'completed', upload, result },
  cancelling: { kind: 'cancelling', upload },
  cancelled: { kind: 'cancelled', upload },
  stopped: { kind: 'stopped', upload, reason: error },
  failed: { kind: 'failed', upload, error },
};
const ALL = Object.values(STATES);
const ENDS = ALL.filter(isFinal);

describe('reduceTransfer', () => {
  it('knows four ends', () => {
    expect(ENDS.map(({ kind }) => kind)).toEqual(['completed', 'cancelled', 'stopped', 'failed']);
  });

  it('leaves every end as it is', () => {
    for (const end of ENDS) for (const next of ALL) expect(reduceTransfer(end, next)).toBe(end);
  });

  it('comes to any end from anywhere, and keeps what is known of the upload', () => {
    for (const state of ALL.filter((one) => !isFinal(one))) {
      for (const { upload: _known, ...end } of ENDS) {
        expect(reduceTransfer(state, end as TransferState)).toEqual({ ...end, upload: state.upload });
      }
    }
  });

  it.each<[TransferState['kind'], TransferState['kind'], TransferState['kind']]>([
    ['opening', 'sending', 'sending'],
    ['sending', 'completing', 'completing'],
    ['completing', 'sending', 'sending'],
    ['opening', 'cancelling', 'cancelling'],
    ['sending', 'cancelling', 'cancelling'],
    ['completing', 'cancelling', 'cancelling'],
    ['cancelling', 'sending', 'cancelling'],
    ['cancelling', 'completing', 'cancelling'],
    ['cancelling', 'cancelling', 'cancelling'],
  ])('goes from %s by %s to %s', (from, next, to) => {
    expect(reduceTransfer(STATES[from], STATES[next]).kind).toBe(to);
  });

  it('learns which upload it is while it is being cancelled, and then changes no more', () => {
    const asked: TransferState = { kind: 'cancelling' };
    const opened = reduceTransfer(asked, STATES.sending);
    expect(opened).toEqual(STATES.cancelling);
    expect(reduceTransfer(opened, STATES.completing)).toEqual(opened);
  });
});
