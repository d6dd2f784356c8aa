/** Listeners by event name. */
export interface Emitter<Events> {
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): () => void;
  emit<Name extends keyof Events & string>(name: Name, event: Events[Name]): void;
}

type Listeners<Events> = { [Name in keyof Events]?: Set<(event: Events[Name]) => void> };

/**
 * An emitter whose listeners cannot break the one who emits: what they throw is an uncaught error, and it goes on. Events of an
 * `EventTarget` do the same, but cost a page more than all that is done with them when nobody listens.
 */
export function createEmitter<Events>(): Emitter<Events> {
  const listeners: Listeners<Events> = {};
  return {
    on(name, listener) {
      // One that is added twice is called twice.
      const call: typeof listener = (event) => listener(event);
      const heard = (listeners[name] ??= new Set());
      heard.add(call);
      return () => void heard.delete(call);
    },
    emit(name, event) {
      const heard = listeners[name];
      // Those that were there when it happened, and are there still.
      for (const call of Array.from(heard ?? [])) {
        try {
          if (heard?.has(call)) call(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
