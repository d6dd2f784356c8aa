/** A door in front of work: what is under way when it closes is stopped, and begins again when it opens. */
export interface Gate {
  /** Opens or closes. */
  setOpen(isOpen: boolean): void;
  /**
   * Runs `task` once the gate is open. When the gate closes meanwhile, the signal that the task was given aborts, and the
   * task runs once more after the next opening.
   *
   * @throws what the task throws while the gate is open; the signal's reason when it aborts, also while waiting
   */
  run<Value>(signal: AbortSignal, task: (signal: AbortSignal) => Promise<Value>): Promise<Value>;
}

/** A gate that is open. */
export function createGate(): Gate {
  let closing = new AbortController();
  let opening: Promise<void> | undefined;
  let letThrough = (): void => {};
  return {
    setOpen(isOpen) {
      if (isOpen) {
        opening = undefined;
        letThrough();
      } else {
        opening ??= new Promise((resolve) => (letThrough = resolve));
        closing.abort(new Error('paused'));
        closing = new AbortController();
      }
    },
    async run(signal, task) {
      for (;;) {
        while (opening) await orAbort(opening, signal);
        signal.throwIfAborted();
        const { signal: closed } = closing;
        try {
          return await task(AbortSignal.any([signal, closed]));
        } catch (error) {
          if (signal.aborted || !closed.aborted) throw error;
        }
      }
    },
  };
}

/** Resolves as `promise` does; rejects with the signal's reason when it aborts first. */
function orAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave);
    promise.then(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    }, reject);
  });
}
