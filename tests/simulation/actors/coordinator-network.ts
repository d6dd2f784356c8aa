import type { Faults } from '../engine/faults.ts';
import type { Life } from '../engine/life.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import { refusalOfOlder } from './older-coordinator.ts';

/** A server as a client sees it. */
export interface Server {
  readonly life: Life;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** What lies between clients and coordinators: a line that loses things, and a load balancer. */
export interface CoordinatorNetwork {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  /** Servers that are up. */
  readonly servers: () => readonly Server[];
  /** What comes of a body. */
  readonly onTheWay?: ((body: string) => string) | undefined;
}

const LATENCY_MS = 20;
const SLOW_FACTOR = 400;

/** A `fetch` for one client. What a dead client asked for is done all the same; it never hears of it. */
export function createClientFetch(
  network: CoordinatorNetwork,
  client: { readonly name: string; readonly life: Life },
): (request: Request) => Promise<Response> {
  const { scheduler, random, faults, servers, onTheWay = (body) => body } = network;
  return async (request) => {
    const { method, url, headers, signal } = request;
    const call = `${client.name} ${method} ${new URL(url).pathname.replace(/[0-9a-f-]{30,}/, (id) => id.slice(-4))}`;
    const body = method === 'DELETE' ? null : onTheWay(await request.text());
    const refusal = refusalOfOlder(method, url, body ?? '');
    return await new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener('abort', () => {
        if (!client.life.isOver) reject(signal.reason);
      });
      const factor = faults.strikes('call to the coordinator slow') ? SLOW_FACTOR : 1;
      const later = (work: () => void): void =>
        void scheduler.after(random.delayMs(LATENCY_MS) * factor, work);
      const back = (words: string, deliver: () => void): void => {
        scheduler.note(`${call} ${words}`);
        later(() => {
          if (!client.life.isOver) deliver();
        });
      };
      const fail = (reason: string): void => back(reason, () => reject(new TypeError(reason)));
      const answerWith = (response: Response): void => {
        if (faults.strikes('answer of the coordinator lost')) return fail(`${response.status}, lost`);
        back(String(response.status), () => resolve(response));
      };
      if (faults.strikes('call to the coordinator lost')) return fail('lost');
      later(() => {
        const up = servers();
        if (up.length === 0) return fail('ECONNREFUSED');
        const server = random.pick(up);
        let isAnswered = false;
        server.life.onEnd(() => {
          if (!isAnswered) fail('ECONNRESET');
          isAnswered = true;
        });
        const isOlder = refusal !== undefined && faults.strikes('call met an older coordinator');
        const serve = async (): Promise<void> => {
          const response = isOlder
            ? refusal
            : await server.fetch(new Request(url, { method, headers, body }));
          if (!isAnswered) answerWith(response);
          isAnswered = true;
        };
        void serve();
      });
    });
  };
}
