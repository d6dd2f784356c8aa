import type { ResumeHint, ResumeStore } from '../../ports/resume-store.ts';

const PREFIX = 'longhaul:';

/** Longer than a coordinator keeps an upload that nobody goes on with. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;

/**
 * Remembers open uploads in the page's `localStorage`. Where that is denied or full (private windows, workers, sandboxed
 * frames) it remembers nothing, and the coordinator still finds an open upload by its content.
 *
 * @example
 * const uploader = createUploader({ coordinator, resumeStore: createLocalStorageResumeStore() });
 */
export function createLocalStorageResumeStore(): ResumeStore {
  return {
    find: async (key) => withStorage((storage) => readHint(storage.getItem(PREFIX + key))),
    async remember(key, hint) {
      withStorage((storage) => {
        dropOldHints(storage, hint.savedAtEpochMs - MAX_AGE_MS);
        storage.setItem(PREFIX + key, JSON.stringify(hint));
      });
    },
    async forget(key) {
      withStorage((storage) => storage.removeItem(PREFIX + key));
    },
  };
}

function withStorage<Value>(use: (storage: Storage) => Value): Value | undefined {
  try {
    // Where storage is denied, the mere mention throws.
    return use(localStorage);
  } catch {
    // A hint that cannot be kept costs a look at the file's content, nothing more: no reason to fail an upload.
    return undefined;
  }
}

function dropOldHints(storage: Storage, beforeEpochMs: number): void {
  for (const key of Object.keys(storage)) {
    if (!key.startsWith(PREFIX)) continue;
    const hint = withStorage(() => readHint(storage.getItem(key)));
    if (!(hint && hint.savedAtEpochMs > beforeEpochMs)) storage.removeItem(key);
  }
}

/** @throws SyntaxError if somebody else has written there */
function readHint(text: string | null): ResumeHint | undefined {
  const hint: Partial<ResumeHint> | null = JSON.parse(text ?? 'null');
  return typeof hint?.createId === 'string' ? (hint as ResumeHint) : undefined;
}
