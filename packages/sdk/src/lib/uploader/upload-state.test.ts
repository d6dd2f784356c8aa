import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UploadResult } from '@longhaul/protocol';
import {
  isFinal,
  type OpenedUpload,
  reduceTransfer,
  type TransferEvent,
  type TransferState,
} from './upload-state.ts';

const upload: OpenedUpload = {
  uploadId: 'u',
  mode: 'multipart',
  plan: { sizeBytes: 10, partSizeBytes: 5, partCount: 2, reason: '' },
  resumedParts: 0,
};
const result = { uploadId: 'u' } as UploadResult;
const error = new Error('no');

type Kind = TransferEvent['kind'];

/** What happens, told with the upload where whoever tells it knows it. */
const EVENTS: Record<Kind, TransferEvent> = {
  opening: { kind: 'opening' },
  sending: { kind: 'sending', upload },
  paused: { kind: 'paused' },
  resumed: { kind: 'resumed' },
  completing: { kind: 'completing', upload },
  cancelling: { kind: 'cancelling' },
  completed: { kind: 'completed', result },
  cancelled: { kind: 'cancelled' },
  stopped: { kind: 'stopped', reason: error },
  failed: { kind: 'failed', error },
};

const STATES = Object.fromEntries(
  Object.entries(EVENTS)
    .filter(([kind]) => kind !== 'resumed')
    .map(([kind, event]) => [kind, kind === 'opening' ? event : { ...event, upload }]),
) as unknown as Record<Exclude<Kind, 'resumed'>, TransferState>;

const COLUMNS = ['opening', 'sending', 'paused', 'resumed', 'completing', 'cancelling'] as const;

/** Every state that is no end, with every event that is none: what follows. */
const TABLE = {
  opening: ['opening', 'sending', 'paused', 'opening', 'completing', 'cancelling'],
  sending: ['opening', 'sending', 'paused', 'sending', 'completing', 'cancelling'],
  // Left by resuming and by a cancel; what is under way when it begins does not end it.
  paused: ['paused', 'paused', 'paused', 'sending', 'paused', 'cancelling'],
  // Nothing is being sent any more: too late for a pause.
  completing: ['opening', 'sending', 'completing', 'completing', 'completing', 'cancelling'],
  cancelling: ['cancelling', 'cancelling', 'cancelling', 'cancelling', 'cancelling', 'cancelling'],
} as const;

const ENDS = ['completed', 'cancelled', 'stopped', 'failed'] as const;

describe('reduceTransfer', () => {
  it('knows four ends, and a row or an end for each state', () => {
    expect(Object.values(STATES).filter(isFinal)).toEqual([
      STATES.completed,
      STATES.cancelled,
      STATES.stopped,
      STATES.failed,
    ]);
    expect([...Object.keys(TABLE), ...ENDS].toSorted()).toEqual(Object.keys(STATES).toSorted());
    expect([...COLUMNS, ...ENDS].toSorted()).toEqual(Object.keys(EVENTS).toSorted());
  });

  const races = Object.entries(TABLE).flatMap(([from, row]) =>
    row.map((to, column) => [from, COLUMNS[column]!, to] as [keyof typeof TABLE, Kind, keyof typeof TABLE]),
  );
  it.each(races)('%s: %s leads to %s', (from, event, to) => {
    const after = reduceTransfer(STATES[from], EVENTS[event]);
    expect(after.kind).toBe(to);
    // An upload that is opened anew is another one; of any other it stays known which one it is.
    const isAnew =
      event === 'opening' || (from === 'opening' && event !== 'sending' && event !== 'completing');
    expect(after.upload).toBe(isAnew ? undefined : upload);
  });

  it.each(Object.keys(TABLE) as (keyof typeof TABLE)[])('%s may come to any end', (from) => {
    for (const end of ENDS) {
      const { upload: known } = STATES[from];
      expect(reduceTransfer(STATES[from], EVENTS[end])).toEqual({ ...EVENTS[end], upload: known });
    }
  });

  it.each(ENDS)('%s stays, whatever comes', (end) => {
    for (const event of Object.values(EVENTS)) expect(reduceTransfer(STATES[end], event)).toBe(STATES[end]);
  });

  it('learns in a pause, or while it is cancelled, which upload it is, and goes on with that', () => {
    const paused = reduceTransfer(reduceTransfer(STATES.opening, EVENTS.paused), EVENTS.sending);
    expect(paused).toEqual({ kind: 'paused', upload });
    expect(reduceTransfer(paused, EVENTS.resumed)).toEqual({ kind: 'sending', upload });
    const cancelling = reduceTransfer(reduceTransfer(STATES.opening, EVENTS.cancelling), EVENTS.sending);
    expect(cancelling).toEqual({ kind: 'cancelling', upload });
  });

  it('goes on opening after a pause that began before it was opened', () => {
    expect(reduceTransfer({ kind: 'paused' }, EVENTS.resumed)).toEqual({ kind: 'opening' });
  });

  it('tells nobody of what changes nothing', () => {
    for (const event of [EVENTS.sending, EVENTS.completing, EVENTS.paused]) {
      expect(reduceTransfer(STATES.paused, event)).toBe(STATES.paused);
      expect(reduceTransfer(STATES.cancelling, event)).toBe(STATES.cancelling);
    }
    expect(reduceTransfer(STATES.completing, EVENTS.paused)).toBe(STATES.completing);
    expect(reduceTransfer(STATES.sending, EVENTS.resumed)).toBe(STATES.sending);
  });

  it('keeps its promises in whatever order things happen', () => {
    const event = fc.constantFrom(...Object.values(EVENTS));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const states = [STATES.opening];
        for (const next of events) states.push(reduceTransfer(states.at(-1)!, next));
        const end = events.find(isFinal);
        const cancel = events.findIndex(({ kind }) => kind === 'cancelling');
        for (const [index, state] of states.entries()) {
          const isOver = end && events.slice(0, index).includes(end);
          if (isOver) expect(state.kind).toBe(end.kind);
          else if (cancel >= 0 && cancel < index) expect(state.kind).toBe('cancelling');
          else expect(isFinal(state)).toBe(false);
          if (state.kind === 'sending' || state.kind === 'completing') expect(state.upload).toBe(upload);
        }
      }),
    );
  });

  it('leaves a pause by nothing but resuming, a cancel and an end', () => {
    for (const next of Object.values(EVENTS)) {
      const isLeft = isFinal(next) || next.kind === 'resumed' || next.kind === 'cancelling';
      expect(reduceTransfer(STATES.paused, next).kind !== 'paused').toBe(isLeft);
    }
  });
});
