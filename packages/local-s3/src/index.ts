export { createLocalS3 } from './lib/local-s3.ts';
export type { LocalS3, LocalS3Options } from './lib/local-s3.ts';
export type { Listening } from './lib/listen.ts';
