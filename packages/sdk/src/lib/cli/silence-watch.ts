import type { UploadHandle } from '../../node.ts';
import type { ProgressDisplay } from './show-progress.ts';

/** Watches an upload as well, until the returned function is called. */
export type SilenceWatch = (upload: Pick<UploadHandle, 'on' | 'state'>, file: string) => () => void;

/** How long nothing may move before somebody who watches wants to know why. */
const SILENCE_MS = 4_000;

/**
 * Says once for each silence that everything is waiting, and for whom. Uploads take turns: one that stands still while
 * another moves waits for nobody but that.
 */
export function createSilenceWatch(display: Pick<ProgressDisplay, 'note'>): SilenceWatch {
  const running = new Map<Pick<UploadHandle, 'on' | 'state'>, string>();
  let timer: NodeJS.Timeout | undefined;

  const say = (): void => {
    for (const [{ state }, file] of running) {
      if (file === '-' && state.kind !== 'completing')
        return display.note(`${file}: nothing moves. Waiting for more input, or for the store.`);
      const waitsFor = state.kind === 'sending' ? 'store' : 'coordinator';
      display.note(`${file}: waiting for the ${waitsFor}, trying again. Ctrl-C is safe.`);
      return;
    }
  };
  const moved = (): void => {
    clearTimeout(timer);
    if (running.size > 0) timer = setTimeout(say, SILENCE_MS);
  };

  return (upload, file) => {
    running.set(upload, file);
    moved();
    upload.on('part', moved);
    upload.on('state', moved);
    return () => {
      running.delete(upload);
      moved();
    };
  };
}
