import { describe, expect, it } from 'vitest';
import type { UploadProgress } from '../progress.ts';
import { showProgress } from './show-progress.ts';

const at = (sentBytes: number): UploadProgress => ({ sentBytes, totalBytes: 100, bytesPerSecond: 0 });

/** Many uploads that are followed where there is no terminal. */
function followed() {
  const lines: string[] = [];
  let tell = (_progress: UploadProgress): void => {};
  let doneFiles = 0;
  const display = showProgress({ write: (text: string) => lines.push(text.trimEnd()) });
  display.follow(
    {
      progress: at(0),
      on: (_name, listener) => {
        tell = listener;
      },
    },
    () => `${doneFiles} files`,
  );
  const move = (sentBytes: number, files: number): void => {
    doneFiles = files;
    tell(at(sentBytes));
  };
  return { lines, move, close: display.close };
}

describe('progress in lines', () => {
  it('ends with how it has ended, although every byte was sent before', () => {
    const { lines, move, close } = followed();
    move(50, 1);
    move(100, 1);
    move(100, 2);
    expect(lines).toEqual(['1 files: 50 % 50 B of 100 B', '1 files: 100 % 100 B of 100 B']);
    close();
    close();
    expect(lines.slice(2)).toEqual(['2 files: 100 % 100 B of 100 B']);
  });

  it('says nothing twice, and nothing of what never began to move', () => {
    const { lines, move, close } = followed();
    close();
    expect(lines).toEqual([]);
    move(100, 2);
    close();
    expect(lines).toHaveLength(1);
  });
});
