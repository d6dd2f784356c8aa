import type { ResumeHint, ResumeStore } from '../../ports/resume-store.ts';

const PREFIX = 'longhaul:';

/** Longer than a coordinator keeps an upload that nobody goes on with. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;

/**
 * Remembers open uploads in the page's `localStorage`. Where that is denied or full (private windows, workers, sandboxed
 * frames) it rejects, which costs an upload nothing but the hint: the coordinator still finds it by its content.
 *
 * @example
 * const uploader = createUploader({ coordinator, resumeStore: createLocalStorageResumeStore() });
 */
export function createLocalStorageResumeStore(): ResumeStore {
  return {
    find: async (key) => readHint(PREFIX + key),
    async remember(key, hint) {
      dropOldHints(hint.savedAtEpochMs - MAX_AGE_MS);
      localStorage.setItem(PREFIX + key, JSON.stringify(hint));
    },
    forget: async (key) => localStorage.removeItem(PREFIX + key),
  };
}

function dropOldHints(beforeEpochMs: number): void {
  for (const name of Object.keys(localStorage)) {
    if (!name.startsWith(PREFIX)) continue;
    if ((readHint(name)?.savedAtEpochMs ?? 0) <= beforeEpochMs) localStorage.removeItem(name);
  }
}

function readHint(name: string): ResumeHint | undefined {
  try {
    const hint: Partial<ResumeHint> = JSON.parse(localStorage.getItem(name) ?? '');
    return typeof hint.createId === 'string' ? (hint as ResumeHint) : undefined;
  } catch {
    // Not there, or written by somebody else.
    return undefined;
  }
}
