import type { UploadResult } from '@longhaul/protocol';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Line } from '../schedule/line.ts';
import type { UploaderSettings } from './options.ts';
import type * as sending from './sending.ts';
import type { UploadControl } from './upload-handle.ts';
import type { UploadJob, UploadTools } from './upload-job.ts';

/** What an uploader begins its uploads with. */
export interface Workshop<Source extends ByteSource> extends UploadTools<Source> {
  /** Loads what sends, and the line that all uploads share. */
  readonly loadSending: () => Promise<Sending>;
  readonly shareUpload?: ShareUpload | undefined;
  readonly warmUp?: WarmUp;
}

/** An upload of which nothing has been sent. */
export interface NewUpload<Source extends ByteSource> extends Workshop<Source>, UploadJob<Source> {}

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
