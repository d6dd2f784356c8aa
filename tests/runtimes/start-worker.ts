import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { findFreePort } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';

/** A worker that listens. */
export interface RunningWorker {
  readonly url: string;
  readonly process: ChildProcess;
}

/** Bundles the worker, with the conditions that the makers of workerd bundle with, and starts it. */
export async function startWorker(program: string, folder: string): Promise<RunningWorker> {
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    logLevel: 'error',
  });
  const port = await findFreePort();
  await writeFile(join(folder, 'worker.capnp'), configuration(port));
  const worker = spawn(program, ['serve', join(folder, 'worker.capnp')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntil(async () => void (await fetch(url)), {
    what: 'workerd',
    signal: AbortSignal.timeout(30_000),
  });
  return { url, process: worker };
}

/** The store and the coordinator are on this machine, which workers may not reach unless they are told so. */
function configuration(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
    )),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
}
