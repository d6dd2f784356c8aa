/** Types of the events that tell the world how an upload ended. CloudEvents 1.0 `type`. */
export const UPLOAD_EVENT_TYPES = {
  completed: 'io.longhaul.upload.completed.v1',
  cancelled: 'io.longhaul.upload.cancelled.v1',
  failed: 'io.longhaul.upload.failed.v1',
  expired: 'io.longhaul.upload.expired.v1',
} as const;

/** One of {@link UPLOAD_EVENT_TYPES}. */
export type UploadEventType = (typeof UPLOAD_EVENT_TYPES)[keyof typeof UPLOAD_EVENT_TYPES];
