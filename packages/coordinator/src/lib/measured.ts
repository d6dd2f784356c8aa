/** Told of each call of a port that was answered, or that failed with `error`. */
export type Observe = (call: {
  readonly operation: string;
  readonly durationMs: number;
  readonly answer?: unknown;
  readonly error?: unknown;
}) => void;

type Method = (...given: unknown[]) => unknown;

/**
 * A port whose calls are observed; in every other way it is the port. What answers at once, without a promise, asks nobody
 * and is not observed.
 */
export function measured<Port extends object>(port: Port, observe: Observe): Port {
  const methods = new Map<PropertyKey, Method>();
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || typeof name === 'symbol') return value;
      const known = methods.get(name);
      if (known) return known;
      const method = observed(name, (value as Method).bind(target), observe);
      methods.set(name, method);
      return method;
    },
  });
}

function observed(operation: string, method: Method, observe: Observe): Method {
  return (...given) => {
    const startMs = performance.now();
    const answer = method(...given);
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (value: unknown) => {
        observe({ operation, durationMs: performance.now() - startMs, answer: value });
        return value;
      },
      (error: unknown) => {
        observe({ operation, durationMs: performance.now() - startMs, error });
        throw error;
      },
    );
  };
}
