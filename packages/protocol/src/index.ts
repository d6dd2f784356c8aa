export * from './combine-checksums.ts';
export * from './messages.ts';
export * from './part-plan.ts';
export * from './problem-codes.ts';
export * from './problem-titles.ts';
export * from './s3-limits.ts';
export * from './upload-events.ts';
