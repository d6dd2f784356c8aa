import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UploadHandle } from '../../node.ts';
import { createEmitter } from '../uploader/emitter.ts';
import type { UploadEvents } from '../uploader/upload-handle.ts';
import { createSilenceWatch } from './silence-watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const notes: string[] = [];
  const watch = createSilenceWatch({ note: (line) => notes.push(line) });
  const follow = (file: string) => {
    const { on, emit } = createEmitter<UploadEvents>();
    const upload: Pick<UploadHandle, 'on' | 'state'> = { on, state: { kind: 'opening' } };
    const part = { partNumber: 1, sizeBytes: 1, sentBytes: 1, isStored: false };
    return { move: () => emit('part', part), end: watch(upload, file) };
  };
  return { notes, follow };
}

describe('the watch over silence', () => {
  it('speaks once when nothing moves any more, and again after the next silence', () => {
    const { notes, follow } = start();
    const { move, end } = follow('a');
    vi.advanceTimersByTime(20_000);
    expect(notes).toEqual(['a: waiting for the coordinator, trying again. Ctrl-C is safe.']);
    move();
    vi.advanceTimersByTime(20_000);
    expect(notes).toHaveLength(2);
    end();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says nothing of uploads that wait for their turn', () => {
    const { notes, follow } = start();
    const { move } = follow('a');
    follow('b');
    for (let turn = 0; turn < 10; turn++) {
      vi.advanceTimersByTime(2_000);
      move();
    }
    expect(notes).toEqual([]);
  });
});
