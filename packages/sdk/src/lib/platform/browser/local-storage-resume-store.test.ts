import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLocalStorageResumeStore } from './local-storage-resume-store.ts';

const DAY_MS = 24 * 3_600_000;

afterEach(() => vi.unstubAllGlobals());

/** Entries are own properties, as in a browser; the methods are not. */
function fakeStorage(entries: Record<string, string>): Record<string, string> {
  const storage: Record<string, string> = Object.create({
    getItem: (key: string) => storage[key] ?? null,
    setItem: (key: string, value: string) => void (storage[key] = value),
    removeItem: (key: string) => void delete storage[key],
  });
  return Object.assign(storage, entries);
}

function openStore(entries: Record<string, string> = {}) {
  const storage = fakeStorage(entries);
  vi.stubGlobal('localStorage', storage);
  return { storage, store: createLocalStorageResumeStore() };
}

describe('createLocalStorageResumeStore', () => {
  it('finds what it remembered until it is told to forget', async () => {
    const { storage, store } = openStore({ other: 'kept' });
    const hint = { createId: 'a', lastModifiedEpochMs: 5, savedAtEpochMs: 9 };
    await store.remember('file', hint);
    expect(await store.find('file')).toEqual(hint);
    expect(await createLocalStorageResumeStore().find('file')).toEqual(hint);
    await store.forget('file');
    expect(await store.find('file')).toBeUndefined();
    expect({ ...storage }).toEqual({ other: 'kept' });
  });

  it.each(['', '{', 'null', '"text"', '{"createId":5,"savedAtEpochMs":1}'])(
    'takes %j, written by somebody else, for nothing',
    async (text) => {
      const { store } = openStore({ 'longhaul:file': text });
      expect(await store.find('file')).toBeUndefined();
    },
  );

  it('drops old and broken hints when it writes, and nothing of others', async () => {
    const fresh = JSON.stringify({ createId: 'b', savedAtEpochMs: 9 * DAY_MS });
    const { storage, store } = openStore({
      'longhaul:old': JSON.stringify({ createId: 'a', savedAtEpochMs: DAY_MS }),
      'longhaul:broken': '{',
      'longhaul:fresh': fresh,
      'somebody:else': '{',
    });
    await store.remember('new', { createId: 'c', savedAtEpochMs: 10 * DAY_MS });
    expect(Object.keys(storage).toSorted()).toEqual(['longhaul:fresh', 'longhaul:new', 'somebody:else']);
  });

  it('finds nothing where storage is denied, and says that it cannot remember', async () => {
    vi.stubGlobal('localStorage', undefined);
    const store = createLocalStorageResumeStore();
    await expect(store.remember('file', { createId: 'a', savedAtEpochMs: 1 })).rejects.toThrow(TypeError);
    expect(await store.find('file')).toBeUndefined();
  });
});
