/** Something was asked that cannot be, or not on this machine. Its message is for the person who asked. */
export class UsageError extends Error {}
