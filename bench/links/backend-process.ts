import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { SinkTally } from '../node-upload/sink.ts';
import { firstLine } from '../measuring/first-line.ts';

/** Where the other side is. */
export interface BackendAddress {
  readonly endpoint: string;
  readonly coordinator: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The other side, running. */
export interface BackendProcess {
  readonly address: BackendAddress;
  /** What the sink has seen so far. */
  tally(): Promise<SinkTally>;
  /** Cuts what is still connected to the sink. */
  dropConnections(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts sink and coordinator at `host`; `prefix` are the words before the command, `ip netns exec …` for example. */
export async function startBackend(host: string, prefix: readonly string[] = []): Promise<BackendProcess> {
  const [command, ...words] = [...prefix, process.execPath, join(import.meta.dirname, 'backend.ts'), host];
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const exit = once(child, 'exit');
  const address: BackendAddress = JSON.parse(await firstLine(child));
  const ask = async (question: 'tally' | 'drop'): Promise<SinkTally> => {
    const answer = once(child, 'message');
    child.send(question);
    const [tally] = await answer;
    return tally as SinkTally;
  };
  return {
    address,
    tally: () => ask('tally'),
    dropConnections: async () => void (await ask('drop')),
    async stop() {
      child.kill();
      await exit;
    },
  };
}
