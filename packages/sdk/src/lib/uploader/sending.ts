/**
 * What is needed once there is something to send, in one piece: loaded then, so that a page that waits for its user does
 * not carry it.
 *
 * @module
 */
export { createLine } from '../schedule/line.ts';
export { carryUpload } from './carry-upload.ts';
export { endAfter } from './end-upload.ts';
export { foresee } from './foresee.ts';
export { createSession } from './session.ts';
