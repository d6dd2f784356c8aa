import type { repeat } from '../repeat.ts';
import type { unreachable, UploadError } from '../upload-error.ts';

/** What the entry has loaded already: imported from here as well, it would become a chunk that every page loads. */
export interface LoadedAlready {
  readonly repeat: typeof repeat;
  readonly unreachable: typeof unreachable;
  readonly UploadError: typeof UploadError;
}
