import type { UploadHandle, UploadProgress } from '../../node.ts';
import { fractionOf, renderBar, renderPlain, sumProgress } from './progress-bar.ts';

/** Where progress is shown: `process.stderr`, or anything that can be written to. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Shows how uploads get on: one bar on a terminal, a line for every tenth elsewhere. */
export interface ProgressDisplay {
  /** Follows an upload from now on. */
  follow(upload: UploadHandle, label: string): void;
  /** Writes a line of its own, above the bar. */
  note(line: string): void;
  /** Leaves the last bar standing and ends. */
  close(): void;
}

/**
 * Shows the progress of any number of uploads together.
 *
 * @example
 * const display = showProgress(process.stderr);
 * display.follow(upload, 'film.mp4');
 * await upload.result.finally(() => display.close());
 */
export function showProgress(stream: ProgressStream): ProgressDisplay {
  return stream.isTTY ? showBar(stream) : showLines(stream);
}

const CLEAR_LINE = '\r\u001B[2K';

function showBar(stream: ProgressStream): ProgressDisplay {
  const uploads = new Map<UploadHandle, string>();
  let isDrawn = false;

  const draw = (): void => {
    const [firstLabel = ''] = uploads.values();
    const label = uploads.size > 1 ? `${uploads.size} files` : firstLabel;
    const total = sumProgress(Array.from(uploads.keys(), (upload) => upload.progress));
    // One column is left free: a full line would wrap, and the next bar could not clear it.
    stream.write(CLEAR_LINE + renderBar(total, label, (stream.columns ?? 80) - 1));
    isDrawn = true;
  };

  return {
    follow(upload, label) {
      uploads.set(upload, label);
      upload.on('progress', draw);
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

function showLines(stream: ProgressStream): ProgressDisplay {
  return {
    follow(upload, label) {
      let tenths = 0;
      upload.on('progress', (progress: UploadProgress) => {
        // Without a total, each doubling of what is sent.
        const now = Math.floor(
          (fractionOf(progress) ?? Math.log2(1 + progress.sentBytes / FIRST_LINE_BYTES) / 10) * 10,
        );
        if (now <= tenths) return;
        tenths = now;
        stream.write(`${label}: ${renderPlain(progress)}\n`);
      });
    },
    note: (line) => void stream.write(`${line}\n`),
    close: () => {},
  };
}
