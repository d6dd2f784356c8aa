import type { ByteSource } from '../ports/byte-source.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import type { PartSender } from '../ports/part-sender.ts';
import type { Platform } from '../ports/platform.ts';
import type { JobOptions, UploaderSettings } from './options.ts';
import type { UploadControl } from './upload-handle.ts';

/** What all uploads of an uploader share. */
export interface UploadTools<Source extends ByteSource>
  extends
    Omit<UploaderSettings, 'coordinator'>,
    Pick<Platform<never, Source>, 'clock' | 'connectivity' | 'digester'> {
  readonly coordinator: Coordinator;
  readonly sender: PartSender<Source>;
  /** What the line has carried when last it was busy, if that is known. */
  readonly bytesPerSecond: () => number | undefined;
}

/** One upload: a source that is open, and what was asked of it. Each stage takes what it needs of this. */
export interface UploadJob<Source extends ByteSource> extends UploadTools<Source>, UploadControl {
  readonly source: Source;
  readonly options: JobOptions;
  /** Whether this upload may stand under the key: `false` while another one of this uploader does. */
  readonly claim: (hintKey: string) => boolean;
}
