import type { CoordinatorOptions } from './coordinator-options.ts';
import type { StoredPart } from './ports/object-store.ts';
import { contextOf } from './upload-context.ts';
import { isOpenAtStore, restoreHot } from './uploads/hot-state.ts';

/**
 * Gives hot state the parts of an open upload that another installation's hot state has known. Parts that are there
 * already are newer and stay. Nothing happens to an upload that has ended.
 *
 * @throws CatalogError, StateStoreError when they cannot be reached: repeat the call
 */
export async function restoreParts(
  options: CoordinatorOptions,
  uploadId: string,
  parts: readonly StoredPart[],
): Promise<void> {
  const record = await options.catalog.find(uploadId);
  if (!record || !isOpenAtStore(record)) return;
  // Uploads go on without hot state; who moves them has to know.
  const onError = (error: unknown): never => {
    throw error;
  };
  await restoreHot({ ...contextOf(options), onError }, record, parts);
}
