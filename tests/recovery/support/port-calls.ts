import type { Ports } from './ports.ts';

/** Told of every call of every port, by names such as `catalog.insert`. */
export interface CallWatch {
  before(call: string): void;
  after(call: string, result: unknown): void;
}

type Port = Readonly<Record<string, unknown>>;
type Method = (...args: readonly unknown[]) => unknown;

/** The same ports, each call watched. A call that throws has no `after`. */
export function watchPorts(ports: Ports, watch: CallWatch): Ports {
  const watched = (name: string, port: object): Port =>
    Object.fromEntries(
      Object.entries(port).map(([key, value]) => [
        key,
        typeof value === 'function' ? watchedMethod(`${name}.${key}`, value as Method, watch) : value,
      ]),
    );
  const { catalog, state, objectStore, sink, keyVault } = ports;
  return {
    catalog: {
      ...watched('catalog', catalog),
      outbox: watched('outbox', catalog.outbox),
      rotations: watched('rotations', catalog.rotations),
    },
    state: watched('state', state),
    objectStore: watched('objectStore', objectStore),
    sink: watched('sink', sink),
    keyVault: watched('keyVault', keyVault),
  } as unknown as Ports;
}

function watchedMethod(call: string, method: Method, watch: CallWatch): Method {
  return (...args) => {
    watch.before(call);
    const result = method(...args);
    if (result instanceof Promise) {
      return result.then((value: unknown) => {
        watch.after(call, value);
        return value;
      });
    }
    watch.after(call, result);
    return result;
  };
}

/** Every call of every port, read off the ports themselves: a new method is a new call. */
export function callsOf(ports: Ports): readonly string[] {
  const { catalog, state, objectStore, sink, keyVault } = ports;
  const { outbox, rotations } = catalog;
  return Object.entries({ catalog, outbox, rotations, state, objectStore, sink, keyVault }).flatMap(
    ([name, port]) =>
      Object.entries(port)
        .filter(([, value]) => typeof value === 'function')
        .map(([method]) => `${name}.${method}`),
  );
}
