import type { UploadProgress } from '../../node.ts';
import { fractionOf, renderBar, renderPlain } from './progress-bar.ts';

/** Where progress is shown: `process.stderr`, or anything that can be written to. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** An upload, or many of them. */
export interface Followed {
  readonly progress: UploadProgress;
  on(name: 'progress', listener: (progress: UploadProgress) => void): unknown;
}

/** Shows how uploads get on: one bar on a terminal, a line for every tenth elsewhere. */
export interface ProgressDisplay {
  /** Follows it from now on; the label may change as it goes. */
  follow(followed: Followed, label: () => string): void;
  /** Writes a line of its own, above the bar. */
  note(line: string): void;
  /** Leaves the last bar standing and ends. */
  close(): void;
}

/**
 * Shows the progress of an upload, or of many together.
 *
 * @param maxBytesPerSecond the rate that was asked for: what the system holds ready to be sent must not look faster
 *
 * @example
 * const display = showProgress(process.stderr);
 * display.follow(upload, () => 'film.mp4');
 * await upload.result.finally(() => display.close());
 */
export function showProgress(stream: ProgressStream, maxBytesPerSecond: number = Infinity): ProgressDisplay {
  const capped = (progress: UploadProgress): UploadProgress => {
    if (progress.bytesPerSecond <= maxBytesPerSecond) return progress;
    const { sentBytes, totalBytes, etaSeconds } = progress;
    const leftBytes = (totalBytes ?? sentBytes) - sentBytes;
    const left = etaSeconds !== undefined && { etaSeconds: leftBytes / maxBytesPerSecond };
    return { ...progress, bytesPerSecond: maxBytesPerSecond, ...left };
  };
  return stream.isTTY ? showBar(stream, capped) : showLines(stream, capped);
}

type Capped = (progress: UploadProgress) => UploadProgress;

const CLEAR_LINE = '\r\u001B[2K';

function showBar(stream: ProgressStream, capped: Capped): ProgressDisplay {
  let isDrawn = false;
  let draw = (): void => {};

  return {
    follow(followed, label) {
      draw = () => {
        // One column is left free: a full line would wrap, and the next bar could not clear it.
        const bar = renderBar(capped(followed.progress), label(), (stream.columns ?? 80) - 1);
        stream.write(CLEAR_LINE + bar);
        isDrawn = true;
      };
      followed.on('progress', draw);
    },
    note(line) {
      stream.write(`${isDrawn ? CLEAR_LINE : ''}${line}\n`);
      if (isDrawn) draw();
    },
    close() {
      if (isDrawn) stream.write('\n');
      isDrawn = false;
    },
  };
}

/** What is sent of an upload without a total when its first line is written. */
const FIRST_LINE_BYTES = 16 * 1024 ** 2;

function showLines(stream: ProgressStream, capped: Capped): ProgressDisplay {
  let written = '';
  let lineNow = (): string => written;
  const write = (): void => void stream.write(`${(written = lineNow())}\n`);
  return {
    follow(followed, label) {
      let tenths = 0;
      followed.on('progress', (progress) => {
        lineNow = () => `${label()}: ${renderPlain(capped(progress))}`;
        // Without a total, each doubling of what is sent.
        const now = Math.floor(
          (fractionOf(progress) ?? Math.log2(1 + progress.sentBytes / FIRST_LINE_BYTES) / 10) * 10,
        );
        if (now <= tenths) return;
        tenths = now;
        write();
      });
    },
    note: (line) => void stream.write(`${line}\n`),
    close() {
      // All bytes may be sent before all files are whole.
      if (written && written !== lineNow()) write();
      written = '';
    },
  };
}
