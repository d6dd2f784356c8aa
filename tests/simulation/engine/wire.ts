import type { Life } from './life.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Who calls a port: a process that may die at every call, before it and after it. */
export interface Caller {
  readonly name: string;
  readonly life: Life;
  /** The process has come to a point at which it may be killed. */
  reached(point: string): void;
}

/** A port that is called over the network. */
export interface Service {
  readonly name: string;
  readonly typicalMs: number;
  /** What goes wrong with this call, if anything does. */
  trouble(method: string): Trouble | undefined;
  /** Told of every call that had its effect, with what came of it. */
  observe?(call: ObservedCall): void;
  /** Told of every answer that has reached its caller. */
  heard?(call: ObservedCall): void;
}

/** The call never arrives, or it does and its answer never comes back. Either way the caller hears of an error. */
export interface Trouble {
  readonly kind: 'not done' | 'done' | 'slow';
  readonly error?: Error;
}

/** One call, and what came of it. */
export interface ObservedCall {
  readonly caller: Caller;
  readonly method: string;
  readonly values: readonly unknown[];
  /** Left out when it failed. */
  readonly result?: unknown;
}

/** One call to make. */
export interface Call<Result> {
  readonly service: Service;
  readonly method: string;
  readonly values: readonly unknown[];
  readonly effect: () => Promise<Result>;
}

/** The network between a coordinator and what stands behind it. */
export interface Wire {
  /** Sends a call. It has its effect once sent, whether or not the caller lives to hear of it. */
  call<Result>(caller: Caller, call: Call<Result>): Promise<Result>;
  /** A port in the process itself: at once, but a point to die at like any other. */
  local<Result>(caller: Caller, name: string, effect: () => Promise<Result>): Promise<Result>;
  /** Whether the process goes on past this point. */
  pass(caller: Caller, point: string): boolean;
}

/** Calls that are slow are this many times slower. */
const SLOW_FACTOR = 400;
/** The caller gives up what takes longer, there and back. */
const CALL_TIMEOUT_MS = 30_000;

/** Virtual wires. */
export function createWire({ scheduler, random }: { scheduler: Scheduler; random: Random }): Wire {
  const pass = ({ life, reached }: Caller, point: string): boolean => {
    if (life.isOver) return false;
    reached(point);
    return !life.isOver;
  };

  return {
    pass,
    async local(caller, name, effect) {
      if (!pass(caller, `${name} before`)) return await new Promise(() => {});
      const result = await effect();
      if (!pass(caller, `${name} after`)) return await new Promise(() => {});
      return result;
    },
    call: (caller, { service, method, values, effect }) =>
      new Promise((resolve, reject) => {
        const name = `${service.name}.${method}`;
        if (!pass(caller, `${name} before`)) return;
        const trouble = service.trouble(method);
        const typicalMs = service.typicalMs * (trouble?.kind === 'slow' ? SLOW_FACTOR : 1);
        const travelMs = (): number => Math.min(random.delayMs(typicalMs), CALL_TIMEOUT_MS / 2);
        const answer = (outcome: string, heard: { readonly result?: unknown }, deliver: () => void): void => {
          scheduler.note(`${caller.name} ${name} ${outcome}`);
          scheduler.after(travelMs(), () => {
            if (!pass(caller, `${name} after`)) return;
            service.heard?.({ caller, method, values, ...heard });
            deliver();
          });
        };
        const fail = (how: string, error: unknown): void =>
          answer(`${how}: ${messageOf(error)}`, {}, () => reject(error));
        const act = async (): Promise<void> => {
          try {
            const result = await effect();
            service.observe?.({ caller, method, values, result });
            if (trouble?.error) fail(`${describe(result)}, yet`, trouble.error);
            else answer(describe(result), { result }, () => resolve(result));
          } catch (error) {
            service.observe?.({ caller, method, values });
            fail('fails', error);
          }
        };
        scheduler.after(travelMs(), () => {
          if (trouble?.kind === 'not done') fail('not done', trouble.error);
          else void act();
        });
      }),
  };
}

/** Every method of a port, sent through `send`. What is no function stays as it is. */
export function throughWire<Port extends object>(
  port: Port,
  send: (method: string, values: readonly unknown[], effect: () => Promise<unknown>) => Promise<unknown>,
): Port {
  const wrapped = Object.entries(port).map(([method, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [method, value];
    return [
      method,
      (...values: unknown[]) => send(method, values, () => value(...values) as Promise<unknown>),
    ];
  });
  // The same names with the same signatures: only time has come between.
  return Object.fromEntries(wrapped) as Port;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What came of a call, in a word or two: for the trace. Nothing that differs between two runs may stand here. */
function describe(result: unknown): string {
  if (Array.isArray(result)) return `[${result.length}]`;
  if (typeof result !== 'object' || result === null) return String(result);
  const { kind, state, epoch, record, status } = result as Record<string, unknown>;
  const words = [kind, state, status, epoch].filter(
    (word) => typeof word === 'string' || typeof word === 'number',
  );
  return words.join(' ') + (record ? ` ${describe(record)}` : '') || 'ok';
}
