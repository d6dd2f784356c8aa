/** Listeners by event name. */
export interface Emitter<Events> {
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof Events & string>(name: Name, listener: (event: Events[Name]) => void): () => void;
  emit<Name extends keyof Events & string>(name: Name, event: Events[Name]): void;
}

/**
 * An emitter whose listeners cannot break the one who emits: an `EventTarget` reports what they throw as an uncaught
 * error and goes on.
 */
export function createEmitter<Events>(): Emitter<Events> {
  const target = new EventTarget();
  return {
    on(name, listener) {
      const handle = (event: Event): void => listener((event as CustomEvent).detail);
      target.addEventListener(name, handle);
      return () => target.removeEventListener(name, handle);
    },
    emit: (name, detail) => void target.dispatchEvent(new CustomEvent(name, { detail })),
  };
}
