import type { ByteSource, SourceHints } from './byte-source.ts';
import type { Clock } from './clock.ts';
import type { Connectivity } from './connectivity.ts';
import type { Digester } from './digester.ts';
import type { PartSender } from './part-sender.ts';

/**
 * What a runtime brings: how sources are opened and how bytes are sent. Given to `createUploaderOn`.
 *
 * `Input` is what the caller may hand over (a path, a `File`); `Source` is what it becomes, with whatever the
 * runtime's own sender needs on top of {@link ByteSource}.
 */
export interface Platform<Input, Source extends ByteSource> {
  /** Parts in flight when nobody says otherwise. */
  readonly defaultConcurrency: number;
  /** Parts in flight at most, where more than {@link defaultConcurrency} turn out to carry more. Default no more. */
  readonly maxConcurrency?: number;
  readonly clock: Clock;
  /** Left out where there is always a network, or no way to know. */
  readonly connectivity?: Connectivity | undefined;

  /**
   * Opens what the caller handed over.
   *
   * @throws TypeError if it is nothing that this platform can upload
   * @throws UploadError `FILE_UNREADABLE` if it cannot be opened, `SOURCE_FAILED` or `SIZE_MISMATCH` of a stream
   */
  openSource(input: Input, hints: SourceHints): Promise<Source>;

  /** Called once per uploader. `concurrency` is how many parts are in flight at most. */
  createSender(options: { readonly concurrency: number }): PartSender<Source>;

  /** Digests content, so that the store refuses damaged parts and the whole is proved. Left out: sizes are all there is. */
  readonly digester?: Digester<Source> | undefined;
}
