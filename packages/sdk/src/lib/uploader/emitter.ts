/** Listeners by event name. */
export interface Emitter<Events> {
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

/** An emitter whose listeners cannot break the one who emits: what they throw surfaces as an uncaught error. */
export function createEmitter<Events>(): Emitter<Events> {
  const entries = new Set<{ readonly name: keyof Events; readonly listener: (event: never) => void }>();
  return {
    on(name, listener) {
      const entry = { name, listener };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    emit(name, event) {
      for (const entry of entries) {
        if (entry.name !== name) continue;
        try {
          entry.listener(event as never);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
