import type { ResumeStore } from '../../ports/resume-store.ts';
import type { IndexedDbResumeStore } from './indexed-db-resume-store.ts';

/** Smaller ones are sent again sooner than they are looked up. */
const MIN_SIZE_BYTES = 5 * 1024 ** 2;

/** The store in IndexedDB, loaded when it is used for the first time. */
export const browserResumeStore: ResumeStore = {
  minSizeBytes: MIN_SIZE_BYTES,
  find: async (key) => await (await loadResumeStore()).find(key),
  remember: async (key, hint, details) => await (await loadResumeStore()).remember(key, hint, details),
  forget: async (key) => await (await loadResumeStore()).forget(key),
};

async function loadResumeStore(): Promise<IndexedDbResumeStore> {
  return (await import('./indexed-db-resume-store.ts')).createIndexedDbResumeStore();
}
