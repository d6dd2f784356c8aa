import type { NamedInput } from '../ports/named-input.ts';
import type { UploadOptions } from '../uploader/options.ts';

/** One of many: what to upload, and what this one is given besides. */
export interface UploadItem<Input> extends Omit<UploadOptions, 'signal'>, Omit<NamedInput<Input>, 'name'> {}

/** A list of what is to be uploaded: inputs, or {@link UploadItem}s. Asked for the next one when there is room for it. */
export type UploadList<Input> =
  | Iterable<Input | UploadItem<Input>>
  | AsyncIterable<Input | UploadItem<Input>>;

/** How much there is to upload. */
export interface UploadCount {
  readonly files: number;
  /** Left out where nobody knows. */
  readonly bytes?: number;
}

/** An entry of a list as an item: the very one that the list gave, if it was one. */
export function itemOf<Input>(entry: Input | UploadItem<Input>): UploadItem<Input> {
  const isItem = typeof entry === 'object' && entry !== null && 'input' in entry;
  return isItem ? entry : { input: entry };
}

/** What it says itself; a Blob says its `size`, bytes their `byteLength`. */
export function sizeOf({ input, sizeBytes }: UploadItem<unknown>): number | undefined {
  const { size, byteLength } = Object(input) as { readonly size?: unknown; readonly byteLength?: unknown };
  return [sizeBytes, size, byteLength].find((value) => typeof value === 'number');
}

/** Counts a list that can be looked through without using it up. */
export function countList<Input>(list: UploadList<Input>): UploadCount | undefined {
  const { length: files } = list as { readonly length?: number };
  if (files === undefined || !(Symbol.iterator in list)) return undefined;
  let bytes = 0;
  for (const entry of list) {
    const sizeBytes = sizeOf(itemOf(entry));
    if (sizeBytes === undefined) return { files };
    bytes += sizeBytes;
  }
  return { files, bytes };
}
