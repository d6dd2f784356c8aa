import type {
  CancelResponse,
  CompleteResponse,
  CreateUploadRequest,
  CreateUploadResponse,
  PartsRequest,
  PartsResponse,
  UploadStatus,
} from '@longhaul/protocol';

/**
 * The coordinator's calls. Every one may be repeated, so the client behind this port retries by itself; what is
 * thrown is final: an `UploadError` `COORDINATOR_REFUSED` or `COORDINATOR_UNREACHABLE`, or the signal's reason.
 */
export interface Coordinator {
  /** Where it is, without query: for messages, and to tell the uploads of one coordinator from another's. */
  readonly address: string;
  create(request: CreateUploadRequest, signal: AbortSignal): Promise<CreateUploadResponse>;
  status(upload: UploadRef, signal: AbortSignal): Promise<UploadStatus>;
  exchangeParts(upload: UploadRef, request: PartsRequest, signal: AbortSignal): Promise<PartsResponse>;
  complete(upload: UploadRef, signal: AbortSignal): Promise<CompleteResponse>;
  cancel(upload: UploadRef, signal: AbortSignal): Promise<CancelResponse>;
}

/** An upload and the right to it. */
export interface UploadRef {
  readonly uploadId: string;
  readonly token: string;
}
