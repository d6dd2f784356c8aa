/**
 * What is needed once there is something to send, in one piece: loaded then, so that a page that waits for its user does
 * not carry it.
 *
 * @module
 */
export { ETAG_HIDDEN } from '../etag-hidden.ts';
export { createLine } from '../schedule/line.ts';
export { completeUpload, leaveToCompletion } from '../stages/complete-upload.ts';
export { createDigests } from '../stages/digest-parts.ts';
export { createExchange } from '../stages/exchange.ts';
export { sendPart } from '../stages/send-part.ts';
export { sendParts } from '../stages/send-parts.ts';
export { endAfter } from './end-upload.ts';
export { foresee } from './foresee.ts';
export { createSession } from './session.ts';
export { wholeOf } from './whole-checksum.ts';
export { workLeft } from './work-left.ts';
