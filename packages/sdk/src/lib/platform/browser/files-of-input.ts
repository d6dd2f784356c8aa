import type { NamedInput } from '../../ports/named-input.ts';

/**
 * The files of an `<input type="file">`, with `webkitdirectory` each under its path below the picked folder:
 * `photos/2024/cat.jpg`. Other files keep their own name.
 *
 * Empty folders are not in there, and symbolic links are what the browser makes of them.
 *
 * @param files `input.files`; `null` is an empty list
 * @example
 * // <input id="picker" type="file" webkitdirectory>
 * picker.onchange = () => uploadAll(uploader, filesOfInput(picker.files));
 */
export function filesOfInput(files: Iterable<File> | null): readonly NamedInput<File>[] {
  return Array.from(files ?? [], (input) => ({
    input,
    name: input.webkitRelativePath || input.name,
    sizeBytes: input.size,
  }));
}
