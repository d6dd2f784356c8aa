import type { UploadResult } from '@longhaul/protocol';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import type { PartSender } from '../ports/part-sender.ts';
import type { Platform } from '../ports/platform.ts';
import type { Line } from '../schedule/line.ts';
import type { JobOptions, UploaderSettings } from './options.ts';
import type * as sending from './sending.ts';
import type { UploadControl } from './upload-handle.ts';

/** What all uploads of an uploader share, ready for use. */
export interface Workshop<Source extends ByteSource>
  extends
    Omit<UploaderSettings, 'coordinator'>,
    Pick<Platform<never, Source>, 'clock' | 'connectivity' | 'digester'> {
  readonly coordinator: Coordinator;
  readonly sender: PartSender<Source>;
  /** Loads what sends, and the line that all uploads share. */
  readonly loadSending: () => Promise<Sending>;
  /** What the line has carried when last it was busy, if that is known. */
  readonly bytesPerSecond: () => number | undefined;
  readonly shareUpload?: ShareUpload | undefined;
  readonly warmUp?: WarmUp;
}

/** What is needed once there is something to send. */
export type Sending = Omit<typeof sending, 'createLine'> & { readonly line: Line };

/**
 * Does the work of an upload that may be under way in other places too: there or here, but in one place at a time.
 *
 * @param key the same for uploads that are to become one object
 * @param lead does the work here
 */
export type ShareUpload = (
  key: string,
  control: UploadControl,
  lead: () => Promise<UploadResult>,
) => Promise<UploadResult>;

/** Begins to load what an upload will need on its way: at once, and not one thing after the other. */
export type WarmUp = (
  upload: Pick<UploaderSettings, 'resumeStore' | 'integrity'> & {
    readonly source: Pick<ByteSource, 'sizeBytes'>;
  },
) => void;

/** One upload: a source that is open, and what was asked of it. Each stage takes what it needs of this. */
export interface UploadJob<Source extends ByteSource> extends Workshop<Source>, UploadControl {
  readonly source: Source;
  readonly options: JobOptions;
  /** Whether this upload may stand under the key: `false` while another one of this uploader does. */
  readonly claim: (hintKey: string) => boolean;
}
