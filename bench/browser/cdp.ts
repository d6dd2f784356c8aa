import type { Readable, Writable } from 'node:stream';

/**
 * Chromium's own protocol, spoken bare: a driver that switches the Network domain on makes Chromium copy every request
 * body, which slows uploads many times over.
 */
export interface Cdp {
  send(method: string, parameters?: object, sessionId?: string): Promise<CdpResult>;
}

/** What a command answers; which members depends on the command. */
export interface CdpResult {
  readonly targetId?: string;
  readonly sessionId?: string;
  readonly result?: { readonly value?: unknown; readonly objectId?: string };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
  readonly metrics?: readonly { readonly name: string; readonly value: number }[];
}

interface CdpMessage {
  readonly id?: number;
  readonly result?: CdpResult;
  readonly error?: { readonly message: string };
}

/** Over the two pipes of `--remote-debugging-pipe`: JSON, each message ended by a zero byte. Events are not read. */
export function openCdp(output: Writable, input: Readable): Cdp {
  const waiting = new Map<number, PromiseWithResolvers<CdpResult>>();
  let lastId = 0;
  let rest = '';
  input.setEncoding('utf8');
  input.on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) settle(JSON.parse(message) as CdpMessage);
  });
  input.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('Chromium has ended'));
  });

  function settle({ id, result, error }: CdpMessage): void {
    const call = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || !call) return;
    waiting.delete(id);
    if (error) call.reject(new Error(`Chromium refused: ${error.message}`));
    else call.resolve(result ?? {});
  }

  return {
    send(method, parameters = {}, sessionId) {
      const id = ++lastId;
      const call = Promise.withResolvers<CdpResult>();
      waiting.set(id, call);
      output.write(`${JSON.stringify({ id, method, params: parameters, sessionId })}\0`);
      return call.promise;
    },
  };
}
