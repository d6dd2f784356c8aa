import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createEmitter } from '../uploader/emitter.ts';
import type { UploadHandle } from '../uploader/upload-handle.ts';
import { createTotal, type TotalProgress } from './total-progress.ts';

function start() {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs } as Clock;
  const told: TotalProgress[] = [];
  const total = createTotal(clock, (progress) => told.push(progress));
  /** An upload that moves when it is told to. */
  const begin = (sizeBytes?: number) => {
    const { on, emit } = createEmitter<{ progress: UploadHandle['progress'] }>();
    const upload = { on, uploadId: undefined, progress: { sentBytes: 0, totalBytes: 0, bytesPerSecond: 0 } };
    const share = total.begin(sizeBytes);
    share.follow(upload as never);
    const move = (sentBytes: number, totalBytes: number): void => {
      Object.assign(upload, { uploadId: 'x', progress: { sentBytes, totalBytes, bytesPerSecond: 0 } });
      emit('progress', upload.progress);
    };
    return { move, end: share.end };
  };
  return { total, told, begin, pass: (ms: number) => void (nowMs += ms) };
}

describe('the total of many uploads', () => {
  it('knows no share and no end before all there is has been found', () => {
    const { total, begin, pass } = start();
    begin(50);
    const second = begin();
    total.progress();
    pass(1_000);
    second.move(100, 200);
    expect(total.progress()).toMatchObject({ totalFiles: 2, totalBytes: 250, isCounted: false });
    expect(total.progress()).toMatchObject({ bytesPerSecond: 100, etaSeconds: undefined });
    total.allBegun();
    expect(total.progress()).toMatchObject({ isCounted: true, etaSeconds: 1.5 });
  });

  it('takes a count for what has not begun', () => {
    const { total, begin } = start();
    total.expect({ files: 10, bytes: 1_000 });
    begin().move(1, 100);
    expect(total.progress()).toMatchObject({ totalFiles: 10, totalBytes: 1_000, isCounted: true });
    total.allBegun();
    // Some were gone when their turn came.
    expect(total.progress()).toMatchObject({ totalFiles: 1, totalBytes: 100, isCounted: true });
  });

  it('keeps what a failed one has sent, and lets go of what it has not', () => {
    const { total, begin } = start();
    total.expect({ files: 2, bytes: 300 });
    const [failing, other] = [begin(100), begin(200)];
    failing.move(40, 100);
    other.move(10, 200);
    failing.end(false);
    expect(total.progress()).toMatchObject({ sentBytes: 50, totalBytes: 240, failedFiles: 1, doneFiles: 0 });
    other.move(200, 200);
    other.end(true);
    expect(total.progress()).toMatchObject({ sentBytes: 240, totalBytes: 240, failedFiles: 1, doneFiles: 1 });
  });

  it('tells at most ten times a second, and of every end', () => {
    const { told, begin, pass } = start();
    const upload = begin(1_000);
    for (let sent = 1; sent <= 100; sent++) {
      pass(10);
      upload.move(sent, 1_000);
    }
    expect(told).toHaveLength(10);
    upload.end(true);
    expect(told).toHaveLength(11);
  });
});
