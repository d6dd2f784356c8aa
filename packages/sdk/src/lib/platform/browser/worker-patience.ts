/** Looks, not time: a machine that has slept, or a tab that was frozen, gets no more than one look out of that. */
export const LOOK_EVERY_MS = 1_000;

/** A worker that says nothing for so long is dead if it has something to do; idle, it costs memory, and less to start anew. */
export const MAX_QUIET_LOOKS = 10;

/** Started before a file was picked it waits for somebody who looks for one. */
export const MAX_LOOKS_AHEAD = 60;
