/** Whether a process still lives. What a dead one waits for never comes. */
export interface Life {
  readonly isOver: boolean;
  /** Ends it, once. */
  end(): void;
  /** Called when it ends; at once if it has. */
  onEnd(listener: () => void): void;
}

/** A process that has just begun. */
export function createLife(): Life {
  let listeners: (() => void)[] | undefined = [];
  return {
    get isOver() {
      return !listeners;
    },
    end() {
      const told = listeners ?? [];
      listeners = undefined;
      for (const listener of told) listener();
    },
    onEnd(listener) {
      if (listeners) listeners.push(listener);
      else listener();
    },
  };
}

/** What a dead process waits for. */
export function never<Value>(): Promise<Value> {
  return new Promise<Value>(() => {});
}
